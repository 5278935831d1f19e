/** How long a queue stands still when its writer is gone: after a crash, and after a clean close. */
import { systemRandom } from '@s3queue/storage'
import { recipient } from '../payloads.ts'
import { openQueue } from '../queues.ts'
import type { Row } from '../row.ts'
import { createSeverable } from '../stores/severable.ts'
import { realWorld, virtualWorld, type World } from '../world.ts'

const SHORT_MS = 2000
/** The default of `takeoverAfterMs`. */
const DEFAULT_MS = 30_000
const STORY =
  'Two processes with a worker each on one queue, in which nothing waits. At a random moment the writer is cut off from the store as if it had been ' +
  'killed, or has closed; then the other enqueues a message. Counted until its handler starts'

function metrics(takeoverAfterMs: number): Row['metrics'] {
  return {
    crash: {
      label: 'after a crash',
      unit: 'ms',
      target: { bound: 'at most', value: takeoverAfterMs + 2000, every: true },
    },
    close: { label: 'after a clean close', unit: 'ms', target: { bound: 'at most', value: 1000, every: true } },
  }
}

export const takeOver: Row = {
  name: 'take-over',
  about: `${STORY}, with takeoverAfterMs 2,000.`,
  stores: ['memory', 'fs', 'minio'],
  warmUp: false,
  metrics: metrics(SHORT_MS),
  begin: (place) => async () => {
    const world = realWorld(place.store)
    const takeoverAfterMs = place.quick ? 300 : SHORT_MS
    return {
      crash: await standStill(world, 'crash', takeoverAfterMs),
      close: await standStill(world, 'close', takeoverAfterMs),
    }
  },
}

export const takeOverByDefault: Row = {
  name: 'take-over-default',
  about: `${STORY}, with takeoverAfterMs at its default of 30,000, in virtual time.`,
  stores: ['memory'],
  repetitions: 25,
  warmUp: false,
  metrics: metrics(DEFAULT_MS),
  begin: () => async () => {
    const world = await virtualWorld()
    return {
      crash: await standStill(world, 'crash', DEFAULT_MS),
      close: await standStill(world, 'close', DEFAULT_MS),
    }
  },
}

async function standStill(world: World, end: 'crash' | 'close', takeoverAfterMs: number): Promise<number> {
  const { store, clock, advance, run } = world
  const options = { takeoverAfterMs, runtime: { clock } }
  const ownStore = createSeverable(store)
  const writer = openQueue(ownStore.store, options)
  writer.queue.process(() => undefined)
  await run(writer.queue.enqueue(recipient(0)))
  // The writer's signs of life and the other's looks at them come at intervals: let the two lie anyhow to each other, and end anywhere in between.
  await advance((takeoverAfterMs / 3) * systemRandom.next())

  const standby = openQueue(store, { ...options, name: writer.name })
  let onHandled = (): void => {}
  standby.queue.process(() => onHandled())
  // A process that can enqueue knows its part: it is standing by.
  await run(standby.queue.enqueue(recipient(1)))
  await run(writer.queue.drain())
  await advance(takeoverAfterMs * systemRandom.next())

  if (end === 'crash') ownStore.sever()
  else await run(writer.queue.close())
  const goneAt = clock.monotonic()
  const handledAt = new Promise<number>((resolve) => {
    onHandled = () => resolve(clock.monotonic())
  })
  const [, at] = await run(Promise.all([standby.queue.enqueue(recipient(2)), handledAt]))
  await run(standby.queue.close())
  return at - goneAt
}
