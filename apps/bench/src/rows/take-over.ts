/** How long a queue stands still when its writer is gone: after a crash, and after a clean close. */
import { sleep, systemClock, systemRandom } from '@s3queue/storage'
import { recipient } from '../payloads.ts'
import { type MeteredQueue, openQueue } from '../queues.ts'
import type { Place, Row } from '../row.ts'
import { createSeverable } from '../stores/severable.ts'

const TAKEOVER_AFTER_MS = 2000
const DEFAULT_TAKEOVER_AFTER_MS = 30_000

export const takeOver: Row = {
  name: 'take-over',
  about:
    'Two processes with a worker each on one queue, in which nothing waits. The writer is cut off from the store as if it had been killed, or closes; at that ' +
    'moment the other enqueues a message. Counted until its handler starts, with takeoverAfterMs 2,000, and for the clean close also with the default of 30,000.',
  stores: ['memory', 'fs', 'minio'],
  repetitions: 5,
  warmUp: false,
  metrics: {
    crash: {
      label: 'after a crash',
      unit: 'ms',
      target: { bound: 'at most', value: TAKEOVER_AFTER_MS + 2000 },
    },
    clean: { label: 'after a clean close', unit: 'ms', target: { bound: 'at most', value: 1000 } },
    cleanDefault: {
      label: 'after a clean close, 30,000',
      unit: 'ms',
      target: { bound: 'at most', value: 1000 },
    },
  },
  begin: (place) => async () => ({
    crash: await standStill(place, 'crash', place.quick ? 300 : TAKEOVER_AFTER_MS),
    clean: await standStill(place, 'close', place.quick ? 300 : TAKEOVER_AFTER_MS),
    cleanDefault: place.quick ? undefined : await standStill(place, 'close', DEFAULT_TAKEOVER_AFTER_MS),
  }),
}

async function standStill(place: Place, end: 'crash' | 'close', takeoverAfterMs: number): Promise<number> {
  const ownStore = createSeverable(place.store)
  const writer = openQueue(ownStore.store, { takeoverAfterMs })
  writer.queue.process(() => undefined)
  await handleOne(writer)

  const standby = openQueue(place.store, { takeoverAfterMs, name: writer.name })
  let onHandled = (): void => {}
  standby.queue.process(() => onHandled())
  // A process that can enqueue knows its part: it is standing by.
  await standby.queue.enqueue(recipient(1))
  await writer.queue.drain()
  // Signs of life and looks at them come at intervals: start anywhere between two.
  await sleep(systemClock, Math.min(1000, takeoverAfterMs / 3) * systemRandom.next())

  place.progress(`take-over after ${end}, takeoverAfterMs ${takeoverAfterMs}`)
  if (end === 'crash') ownStore.sever()
  else await writer.queue.close()
  const goneAt = systemClock.monotonic()
  const handled = new Promise<void>((resolve) => {
    onHandled = resolve
  })
  await Promise.all([standby.queue.enqueue(recipient(2)), handled])
  const ms = systemClock.monotonic() - goneAt
  await standby.queue.close()
  return ms
}

async function handleOne({ queue }: MeteredQueue): Promise<void> {
  await queue.enqueue(recipient(0))
  await queue.drain()
}
