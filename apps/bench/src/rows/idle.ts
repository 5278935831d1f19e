/** What a queue costs in which nothing happens: an hour of virtual time, and on request a minute of real time. */
import { diffMetrics } from '@s3queue/storage'
import { recipient } from '../payloads.ts'
import { type MeteredQueue, openQueue } from '../queues.ts'
import type { Findings, Row } from '../row.ts'
import { realWorld, virtualWorld, type World } from '../world.ts'

const MINUTE_MS = 60_000
const COUNTED =
  'Two processes with a worker each, all options at their defaults. Both handled something; then nothing happens any more.'

const metrics: Row['metrics'] = {
  writer: { label: 'the writer', unit: 'requests/min', target: { bound: 'at most', value: 12 } },
  standby: { label: 'a process standing by', unit: 'requests/min', target: { bound: 'at most', value: 12 } },
}

export const idle: Row = {
  name: 'idle',
  about: `${COUNTED} Counted over an hour of virtual time, after ten minutes of it to back off.`,
  stores: ['memory'],
  repetitions: 1,
  warmUp: false,
  metrics,
  begin: () => async () => watchIdle(await virtualWorld(), { backOffMs: 10 * MINUTE_MS, watchMs: 60 * MINUTE_MS }),
}

export const idleInRealTime: Row = {
  name: 'idle-real',
  about: `${COUNTED} Counted over two minutes of real time, after half a minute to back off.`,
  stores: ['memory', 'fs', 'minio'],
  repetitions: 1,
  warmUp: false,
  onRequest: 'idle',
  metrics,
  begin:
    ({ store, quick }) =>
    () =>
      watchIdle(realWorld(store), { backOffMs: quick ? 1000 : 30_000, watchMs: quick ? 1000 : 2 * MINUTE_MS }),
}

interface Watch {
  readonly backOffMs: number
  readonly watchMs: number
}

async function watchIdle(world: World, { backOffMs, watchMs }: Watch): Promise<Findings> {
  const { store, clock, advance, run } = world
  const runtime = { clock }
  const writer = openQueue(store, { runtime })
  writer.queue.process(() => undefined)
  await run(handleOne(writer))
  const standby = openQueue(store, { runtime, name: writer.name })
  standby.queue.process(() => undefined)
  await run(handleOne(standby))
  await advance(backOffMs)
  const before = [writer, standby].map(({ meter }) => meter.metrics())
  await advance(watchMs)
  const [ofWriter = 0, ofStandby = 0] = [writer, standby].map(({ meter }, i) => {
    const start = before[i]
    return start === undefined ? 0 : diffMetrics(meter.metrics(), start).requests
  })
  await run(standby.queue.close())
  await run(writer.queue.close())
  return { writer: ofWriter / (watchMs / MINUTE_MS), standby: ofStandby / (watchMs / MINUTE_MS) }
}

/** Sends a message and waits until nothing is left of it. */
async function handleOne({ queue }: MeteredQueue): Promise<void> {
  await queue.enqueue(recipient(0))
  await queue.drain()
}
