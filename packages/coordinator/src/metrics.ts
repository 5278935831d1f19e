/** What a process can say of its part in a queue: for probes and dashboards. All of it is counted, nothing is guessed. */
import type { Queue, QueueCost } from '@s3queue/core'
import { type Clock, REQUEST_KINDS, type StoreMetrics } from '@s3queue/storage'
import type { MailboxTransport } from './transport.ts'

/** Fit for liveness and readiness probes. */
export interface QueueHealth {
  /** Whether a worker runs in this process. */
  readonly isRunning: boolean
  /** When this process's worker last gave a sign of life that reached the store, ms since 1970; undefined before the first. */
  readonly lastHeartbeat: number | undefined
  /** Whether some process is known to write. A process without a worker knows only of itself. */
  readonly coordinatorElected: boolean
  /** Whether this process writes. */
  readonly isCoordinator: boolean
}

export interface QueueMetrics {
  /** Workers that are alive, as the writer knows them; in other processes 1 or 0, for their own. */
  readonly activeWorkers: number
  readonly isCoordinator: boolean
  /** Messages that are visible and wait, in the writer's process; undefined elsewhere. */
  readonly ticketsAvailable: number | undefined
  /** Tickets this process sent as the writer, or got as a worker. */
  readonly ticketsClaimed: number
  /** Claims of other processes' workers that ran out in this process's terms. */
  readonly ticketsStalled: number
  /** Attempts that this process's workers finished. */
  readonly messagesProcessed: number
  /** Of those, per second since the last call. */
  readonly processingRate: number
  /** Requests of this process to the store, per second since the last call. */
  readonly s3OpsPerSec: number
  /** Requests of any kind that the store refused for their rate. */
  readonly throttlingErrors: number
}

interface Sample {
  readonly at: number
  readonly handled: number
  readonly requests: number
}

export class MetricsReader {
  readonly #clock: Clock
  #last: Sample

  constructor(clock: Clock) {
    this.#clock = clock
    this.#last = { at: clock.monotonic(), handled: 0, requests: 0 }
  }

  read(queue: Pick<Queue<unknown>, 'getCost' | 'isProcessing'>, transport: MailboxTransport): QueueMetrics {
    const { handled, requests, metrics }: QueueCost = queue.getCost()
    const at = this.#clock.monotonic()
    const seconds = Math.max(0.001, (at - this.#last.at) / 1000)
    const { handled: handledBefore, requests: requestsBefore } = this.#last
    this.#last = { at, handled, requests }
    const { sent, received, stalled } = transport.counts
    const own = queue.isProcessing ? 1 : 0
    const others = transport.registry()?.workers.length ?? 0
    return {
      activeWorkers: others + own,
      isCoordinator: transport.isCoordinator,
      ticketsAvailable: transport.waiting,
      ticketsClaimed: sent + received,
      ticketsStalled: stalled,
      messagesProcessed: handled,
      processingRate: (handled - handledBefore) / seconds,
      s3OpsPerSec: (requests - requestsBefore) / seconds,
      throttlingErrors: throttled(metrics),
    }
  }
}

function throttled({ kinds }: StoreMetrics): number {
  return REQUEST_KINDS.reduce((sum, kind) => sum + kinds[kind].throttled, 0)
}
