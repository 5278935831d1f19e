/** Real processes that work on one queue, and one that only enqueues. */
import { inTime, systemClock } from '@s3queue/storage'
import type { Pod } from './pod.ts'
import type { PodSource } from './pod-source.ts'
import type { PodReport, Priority, WorkOrder } from './protocol.ts'

/** Messages of one call. */
const BULK = 10_000
/** A batch of messages takes no longer; otherwise something hangs. */
const STUCK_MS = 180_000

/** What a batch of messages came to. Moments are ms of the wall clock. */
export interface Batch {
  readonly acknowledgedAt: number
  readonly firstStartAt: number
  readonly lastEndAt: number
  readonly perProcess: readonly number[]
  /** How long an average handler took: a timer may be late. */
  readonly handlerMs: number
}

export class WorkFleet {
  readonly producer: Pod
  readonly workers: readonly Pod[]
  readonly #source: PodSource
  #writer: Pod
  #next = 1

  private constructor(source: PodSource, producer: Pod, workers: readonly [Pod, ...Pod[]]) {
    this.#source = source
    this.producer = producer
    this.workers = workers
    this.#writer = workers[0]
    for (const pod of workers)
      pod.onReport(({ kind }) => {
        if (kind === 'promoted') this.#writer = pod
      })
  }

  /** Starts a worker for each order; that of the first process writes. `onFirst` is awaited before the others start. */
  static async start(
    source: PodSource,
    orders: readonly [WorkOrder, ...WorkOrder[]],
    onFirst: (writer: Pod) => Promise<unknown> = async () => {},
  ): Promise<WorkFleet> {
    const start = (): Promise<Pod> => source.start()
    const [first, ...others] = orders
    const [producer, writer, ...rest] = (await Promise.all([start(), start(), ...others.map(start)])) as [
      Pod,
      Pod,
      ...Pod[],
    ]
    await writer.ask(first, source.hasWriter ? 'promoted' : 'working')
    await onFirst(writer)
    await Promise.all(others.map((order, i) => rest[i]?.ask(order, 'working')))
    await source.whenJoined(others.length)
    return new WorkFleet(source, producer, [writer, ...rest])
  }

  /** The process that writes; where none does, the first. */
  get writer(): Pod {
    return this.#writer
  }

  /** Enqueues messages in the producer, and resolves when it is acknowledged. Their numbers follow those of the messages before. */
  async enqueue(
    count: number,
    settings: { readonly by?: Pod; readonly priority?: Priority; readonly delayMs?: number } = {},
  ): Promise<{ readonly first: number; readonly calledAt: number; readonly at: number }> {
    const { by = this.producer, priority, delayMs } = settings
    const first = this.#next
    this.#next += count
    const report = await by.ask({ kind: 'enqueue', first, count, batch: BULK, priority, delayMs }, 'enqueued')
    return { first, calledAt: report.calledAt, at: report.at }
  }

  /** Enqueues messages together and resolves when all their handlers have ended. Workers must report their progress. */
  handle(count: number): Promise<Batch> {
    return inTime(
      systemClock,
      STUCK_MS,
      this.#handle(count),
      () => new Error(`${count} messages were not handled within ${STUCK_MS / 1000} s.`),
    )
  }

  /** The same, with all messages waiting before the first handler starts. */
  async handleBacklog(count: number): Promise<Batch> {
    await this.producer.ask({ kind: 'pause' }, 'answered')
    const handled = this.handle(count)
    // The orders of a process are carried out as they come, so the queue is resumed when all is enqueued.
    await this.producer.next('enqueued')
    await this.producer.ask({ kind: 'resume' }, 'answered')
    return handled
  }

  /** Requests of all processes so far. */
  async requests(): Promise<number> {
    const usages = await Promise.all([this.producer, ...this.workers].map((pod) => usageOf(pod)))
    return usages.reduce((sum, { requests }) => sum + requests, 0)
  }

  end(): Promise<void> {
    return this.#source.end()
  }

  async #handle(count: number): Promise<Batch> {
    const ended = this.#watch(count)
    const { first, at } = await this.enqueue(count)
    const totals = await ended
    await this.#assertEachOnce(first, count)
    return { acknowledgedAt: at, ...totals }
  }

  /** Resolves when `count` more handlers have ended. */
  #watch(count: number): Promise<Omit<Batch, 'acknowledgedAt'>> {
    return new Promise((resolve) => {
      const perProcess = this.workers.map(() => 0)
      let ended = 0
      let firstStartAt = Number.POSITIVE_INFINITY
      let lastEndAt = 0
      let busyMs = 0
      const note = (process: number, report: PodReport): void => {
        if (report.kind !== 'progress') return
        ended += report.ended
        perProcess[process] = (perProcess[process] ?? 0) + report.ended
        firstStartAt = Math.min(firstStartAt, report.firstStartAt)
        lastEndAt = Math.max(lastEndAt, report.lastEndAt)
        busyMs += report.busyMs
        if (ended < count) return
        for (const stop of stops) stop()
        resolve({ firstStartAt, lastEndAt, perProcess, handlerMs: busyMs / ended })
      }
      const stops = this.workers.map((pod, i) => pod.onReport((report) => note(i, report)))
    })
  }

  /** Nothing fails while a batch is handled, so each message is handled once. Throws otherwise. */
  async #assertEachOnce(first: number, count: number): Promise<void> {
    const reports = await Promise.all(this.workers.map((pod) => pod.ask({ kind: 'handled' }, 'handled')))
    const numbers = reports.flatMap((report) => report.numbers).filter((n) => n >= first && n < first + count)
    const distinct = new Set(numbers).size
    if (distinct === count && numbers.length === count) return
    throw new Error(
      `Of ${count} messages ${distinct} were handled, ${numbers.length - distinct} of them more than once.`,
    )
  }
}

export function usageOf(pod: Pod): Promise<{ readonly requests: number; readonly cpuMs: number }> {
  return pod.ask({ kind: 'usage' }, 'usage')
}
