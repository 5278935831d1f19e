/** How long a fleet takes for messages that are enqueued together, and how long an urgent message waits, in virtual time. */
import { diffMetrics, sleep } from '@s3queue/storage'
import { type Fleet, type Job, type Run, startFleet } from './fleet.ts'
import { idealMakespan } from './ideal.ts'

export interface MakespanOptions {
  readonly processes: number
  readonly concurrency: number
  /** How long the handler of a message takes, in ms, by the message's number from 0 on. */
  readonly durations: (n: number) => number
  readonly messages: number
  /** What each request to the store takes, give or take a fifth. */
  readonly latencyMs: number
  /** Default 1. */
  readonly seed?: number | undefined
  /** How long nothing happens between the warm-up and the enqueue, in ms. Default 5,000. */
  readonly idleMs?: number | undefined
}

export interface Makespan {
  /** From the start of the first handler to the end of the last. */
  readonly makespanMs: number
  /** From the acknowledged enqueue to the end of the last handler. */
  readonly fromEnqueueMs: number
  /** Makespan of a central queue without delays. */
  readonly idealMs: number
  /** How many messages each process handled. The first process writes. */
  readonly perProcess: readonly number[]
  /** Of all processes, from the enqueue to the end of the last handler. */
  readonly requests: number
}

const IDLE_MS = 5000
/** The warm-up gives each slot this many messages on average. */
const WARM_UP_ROUNDS = 2
/** Messages of one call: no more fit into a commit of reasonable size. */
const BULK = 10_000

/**
 * Measures one makespan: all workers are up and have handled messages of the same kind, nothing happens for a while, then a process without a
 * worker enqueues all messages together.
 */
export async function measureMakespan(options: MakespanOptions): Promise<Makespan> {
  const { processes, concurrency, durations, messages, latencyMs, seed = 1, idleMs = IDLE_MS } = options
  const fleet = await startFleet({ processes, concurrency, latencyMs, seed })
  const { clock, meter, run } = fleet
  await warmUp(fleet, WARM_UP_ROUNDS * processes * concurrency, (n) => durations(n % messages))
  await run(sleep(clock, idleMs))

  const before = meter.metrics()
  const jobs = Array.from({ length: messages }, (_, n) => ({ n, ms: durations(n) }))
  let acknowledgedAt = Number.NaN
  const enqueued = enqueueAll(fleet, jobs).then(() => {
    acknowledgedAt = clock.monotonic()
  })
  const [runs] = await run(Promise.all([fleet.ended(jobs.map(({ n }) => n)), enqueued]))
  const { requests } = diffMetrics(meter.metrics(), before)

  const firstStart = runs.reduce((first, { startedAt }) => Math.min(first, startedAt), Number.POSITIVE_INFINITY)
  const lastEnd = runs.reduce((last, { endedAt }) => Math.max(last, endedAt), 0)
  return {
    makespanMs: lastEnd - firstStart,
    fromEnqueueMs: lastEnd - acknowledgedAt,
    idealMs: idealMakespan(processes * concurrency, messages, durations),
    perProcess: countPerProcess(runs, processes),
    requests,
  }
}

export interface UrgentOptions {
  readonly processes: number
  readonly concurrency: number
  readonly handlerMs: number
  readonly backlog: number
  /** When the urgent message is enqueued, after the backlog. */
  readonly afterMs: number
  readonly latencyMs: number
  readonly seed?: number | undefined
}

const URGENT = 1_000_000
const HIGHEST_PRIORITY = 1000

/**
 * Resolves to how long a message of the highest priority waits for its handler, in ms, behind a backlog that is being handled. A single
 * process enqueues both itself; several get both from a process without a worker.
 */
export async function measureUrgent(options: UrgentOptions): Promise<number> {
  const { processes, concurrency, handlerMs, backlog, afterMs, latencyMs, seed = 1 } = options
  const fleet = await startFleet({ processes, concurrency, latencyMs, seed })
  const { clock, run, producer, workers } = fleet
  const [queue = producer] = processes === 1 ? workers : []
  await warmUp(fleet, WARM_UP_ROUNDS * processes * concurrency, () => handlerMs)
  await run(sleep(clock, IDLE_MS))
  await run(queue.enqueueMany(Array.from({ length: backlog }, (_, n) => ({ n, ms: handlerMs }))))
  await run(sleep(clock, afterMs))
  const sentAt = clock.monotonic()
  void queue.enqueue({ n: URGENT, ms: handlerMs }, { priority: HIGHEST_PRIORITY })
  return (await run(fleet.started(URGENT))) - sentAt
}

/** Lets the fleet handle `count` messages, so that workers know how long their handlers take. */
async function warmUp(fleet: Fleet, count: number, durationOf: (n: number) => number): Promise<void> {
  const jobs = Array.from({ length: count }, (_, n) => ({ n: -1 - n, ms: durationOf(n) }))
  void enqueueAll(fleet, jobs)
  await fleet.run(fleet.ended(jobs.map(({ n }) => n)))
}

async function enqueueAll({ producer }: Fleet, jobs: readonly Job[]): Promise<void> {
  const calls: Promise<unknown>[] = []
  for (let first = 0; first < jobs.length; first += BULK)
    calls.push(producer.enqueueMany(jobs.slice(first, first + BULK)))
  await Promise.all(calls)
}

function countPerProcess(runs: readonly Run[], processes: number): number[] {
  const counts = new Array<number>(processes).fill(0)
  for (const { process } of runs) counts[process] = (counts[process] ?? 0) + 1
  return counts
}
