/** What a queue costs in which nothing happens: an hour of virtual time, and on request a minute of real time. */
import { diffMetrics, systemIds } from '@s3queue/storage'
import { recipient } from '../payloads.ts'
import { type MeteredQueue, openCoordinatedQueue, openQueue } from '../queues.ts'
import type { Findings, Row } from '../row.ts'
import { realWorld, virtualWorld, type World } from '../world.ts'

const MINUTE_MS = 60_000
const MONTH_MS = 30 * 24 * 60 * MINUTE_MS
const COUNTED =
  'Two processes with a worker each, all options at their defaults. Both handled something; then nothing happens any more.'

const metrics: Row['metrics'] = {
  writer: { label: 'the writer', unit: 'dollars/month', target: { bound: 'at most', value: 2.5 } },
  standby: { label: 'a process standing by', unit: 'dollars/month', target: { bound: 'at most', value: 2.5 } },
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

export const idlePods: Row = {
  name: 'idle-pods',
  about:
    'Four processes with a worker each on a queue that they share, all options at their defaults. All handled something; then nothing happens any more. Counted over an hour of virtual time, ' +
    'after ten minutes of it to back off. Two of those that stand by are deputies.',
  stores: ['memory'],
  repetitions: 1,
  warmUp: false,
  metrics: {
    ...metrics,
    standby: { label: 'the dearest of the others', unit: 'dollars/month', target: { bound: 'at most', value: 2.5 } },
    all: { label: 'all four together', unit: 'dollars/month' },
  },
  begin: () => async () =>
    watchIdle(await virtualWorld(), {
      ...{ backOffMs: 10 * MINUTE_MS, watchMs: 60 * MINUTE_MS },
      ...{ processes: 4, open: openCoordinatedQueue },
    }),
}

interface Watch {
  readonly backOffMs: number
  readonly watchMs: number
  /** Default 2. */
  readonly processes?: number
  /** Default: queues of which the writer's process handles everything. */
  readonly open?: typeof openQueue
}

async function watchIdle(
  world: World,
  { backOffMs, watchMs, processes = 2, open = openQueue }: Watch,
): Promise<Findings> {
  const { store, clock, advance, run } = world
  const options = { runtime: { clock }, name: `q-${systemIds.ulid()}` }
  const all: MeteredQueue[] = []
  for (let i = 0; i < processes; i++) {
    const opened = open(store, options)
    opened.queue.process(() => undefined)
    await run(handleOne(opened))
    all.push(opened)
  }
  await advance(backOffMs)
  const before = all.map(({ meter }) => meter.metrics())
  await advance(watchMs)
  const dollars = all.map(({ meter }, i) => diffMetrics(meter.metrics(), before[i] ?? meter.metrics()).dollars)
  const perMonth = dollars.map((each) => each * (MONTH_MS / watchMs))
  for (const { queue } of all.toReversed()) await run(queue.close())
  const [writer, ...others] = perMonth
  return { writer, standby: Math.max(...others), all: perMonth.reduce((sum, each) => sum + each, 0) }
}

/** Sends a message and waits until nothing is left of it. */
async function handleOne({ queue }: MeteredQueue): Promise<void> {
  await queue.enqueue(recipient(0))
  await queue.drain()
}
