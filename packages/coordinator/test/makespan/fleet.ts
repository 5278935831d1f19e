/** Worker processes and one producer on a queue in virtual time, all options at their defaults but `concurrency`. */
import type { QueueOptions } from '@s3queue/core'
import {
  createIds,
  type MeteredStore,
  type ObjectStore,
  seededRandom,
  sleep,
  withLatency,
  withMetering,
} from '@s3queue/storage'
import { createManualClock, type ManualClock } from '@s3queue/storage/testing'
import { createMemoryStore } from '@s3queue/storage-memory'
import { type CoordinatedQueue, createCoordinatedQueue } from '../../src/index.ts'

/** A message says itself how long its handler takes. */
export interface Job {
  readonly n: number
  readonly ms: number
}

export interface FleetOptions {
  readonly processes: number
  readonly concurrency: number
  /** What each request to the store takes, give or take a fifth. */
  readonly latencyMs: number
  readonly seed: number
}

/** A handler that ran to its end. */
export interface Run {
  readonly n: number
  /** Index of the process. */
  readonly process: number
  readonly startedAt: number
  readonly endedAt: number
}

export interface Fleet {
  readonly clock: ManualClock
  /** Requests of all processes. */
  readonly meter: MeteredStore
  /** A process without a worker. */
  readonly producer: CoordinatedQueue<Job>
  readonly workers: readonly CoordinatedQueue<Job>[]
  /** Resolves when the handler of message `n` starts. */
  started(n: number): Promise<number>
  /** Resolves to these handlers' runs, one for each number, when all have ended. */
  ended(numbers: readonly number[]): Promise<readonly Run[]>
  /** Lets virtual time pass until `promise` is settled. */
  run<T>(promise: Promise<T>): Promise<T>
}

const JITTER = 0.2
/** A request to a store in a directory takes up to that long. */
const DIRECTORY_MS = 1
/** Between the starts of two processes. */
const APART_MS = 200
/** From the last start until all workers have reported to the writer. */
const SETTLE_MS = 3000
/** No measurement takes that long: something hangs. */
const LIMIT_MS = 24 * 3_600_000

/** Starts all processes, one after the other. The first becomes the writer. */
export async function startFleet({ processes, concurrency, latencyMs, seed }: FleetOptions): Promise<Fleet> {
  const clock = createManualClock()
  const random = seededRandom(seed)
  const latency = { putMs: latencyMs, getMs: latencyMs, listMs: latencyMs, deleteMs: latencyMs }
  const far = withLatency(storeFor(latencyMs, clock), { clock, ...latency, jitter: JITTER, random })
  const meter = withMetering(far, { clock })
  const log = new RunLog()
  const run = <T>(promise: Promise<T>): Promise<T> => clock.runUntil(promise, { limitMs: LIMIT_MS })
  const open = (index: number): CoordinatedQueue<Job> => {
    const own = seededRandom(seed * 1000 + index)
    const runtime: QueueOptions['runtime'] = { clock, random: own, ids: createIds(clock, own) }
    return createCoordinatedQueue<Job>({ name: 'makespan', store: meter, runtime })
  }
  const workers: CoordinatedQueue<Job>[] = []
  for (let process = 0; process < processes; process++) {
    const queue = open(process)
    queue.process(
      async ({ payload: { n, ms } }) => {
        const startedAt = clock.monotonic()
        log.start(n, startedAt)
        await sleep(clock, ms)
        log.end({ n, process, startedAt, endedAt: clock.monotonic() })
      },
      { concurrency },
    )
    workers.push(queue)
    if (process === 0) await run(promoted(queue))
    await run(sleep(clock, APART_MS))
  }
  const producer = open(processes)
  await run(sleep(clock, SETTLE_MS))
  return {
    clock,
    meter,
    producer,
    workers,
    run,
    started: (n) => log.started(n),
    ended: (numbers) => log.ended(numbers),
  }
}

/** Directories notify processes of one machine of changes; S3 and MinIO do not. */
function storeFor(latencyMs: number, clock: ManualClock): ObjectStore {
  const memory = createMemoryStore({ clock })
  return latencyMs <= DIRECTORY_MS ? memory : { ...memory, watch: undefined }
}

function promoted(queue: CoordinatedQueue<Job>): Promise<unknown> {
  return new Promise((resolve) => queue.on('promoted', resolve))
}

/** Starts and ends of handlers, to be waited for. Throws if a handler of a message ends twice: the fleet has no failures that would allow it. */
class RunLog {
  readonly #starts = new Map<number, PromiseWithResolvers<number>>()
  readonly #runs = new Map<number, Run>()
  #waiting: { readonly missing: Set<number>; readonly done: () => void } | undefined

  start(n: number, at: number): void {
    this.#startOf(n).resolve(at)
  }

  end(run: Run): void {
    if (this.#runs.has(run.n)) throw new Error(`Message ${run.n} was handled twice.`)
    this.#runs.set(run.n, run)
    if (this.#waiting === undefined) return
    this.#waiting.missing.delete(run.n)
    if (this.#waiting.missing.size === 0) this.#waiting.done()
  }

  started(n: number): Promise<number> {
    return this.#startOf(n).promise
  }

  async ended(numbers: readonly number[]): Promise<readonly Run[]> {
    const missing = new Set(numbers.filter((n) => !this.#runs.has(n)))
    if (missing.size > 0) {
      await new Promise<void>((done) => {
        this.#waiting = { missing, done }
      })
    }
    return numbers.flatMap((n) => this.#runs.get(n) ?? [])
  }

  #startOf(n: number): PromiseWithResolvers<number> {
    const start = this.#starts.get(n) ?? Promise.withResolvers<number>()
    this.#starts.set(n, start)
    return start
  }
}
