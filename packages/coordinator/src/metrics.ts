/** What a process can say of its part in a queue: for probes and dashboards. All of it is counted, nothing is guessed. */
import type { QueueHealth as CoreHealth, QueueCost } from '@s3queue/core'
import { type Clock, REQUEST_KINDS, type StoreMetrics } from '@s3queue/storage'
import type { MailboxTransport } from './transport.ts'

/** Fit for liveness and readiness probes. `coordinatorElected` and `isCoordinator` are about each shard, or at least one, if there are several. */
export interface QueueHealth extends CoreHealth {
  /**
   * When this process's worker last gave a sign of life that reached the store, in the shard where that is longest ago, ms since 1970; undefined before the
   * first. Idle workers give one every 18 `heartbeatIntervalMs`.
   */
  readonly lastHeartbeat: number | undefined
  /** Whether some process is known to write, each shard if there are several. A process without a worker knows only of itself. */
  readonly coordinatorElected: boolean
  /** The shards that this process writes: `[0]` or none, if the queue has only one. */
  readonly coordinatedShards: readonly number[]
}

/** What a process can tell of itself and its part in the queue: counters since it began, and rates since the last reading. */
export interface QueueMetrics {
  /** Workers that are alive, as the writer knows them; in other processes 1 or 0, for their own. */
  readonly activeWorkers: number
  readonly isCoordinator: boolean
  /** Messages that are visible and wait in the shards that this process writes; undefined if it writes none. */
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

  /** `worker`: what this process's worker is called, if it has one. */
  read(
    { handled, requests, metrics }: QueueCost,
    worker: string | undefined,
    all: readonly MailboxTransport[],
  ): QueueMetrics {
    const at = this.#clock.monotonic()
    const seconds = Math.max(0.001, (at - this.#last.at) / 1000)
    const { handled: handledBefore, requests: requestsBefore } = this.#last
    this.#last = { at, handled, requests }
    const told = all.flatMap((transport) => transport.registry()?.workers ?? [])
    const workers = new Set(told.map(({ id }) => id))
    if (worker !== undefined) workers.add(worker)
    const written = all.filter(({ isCoordinator }) => isCoordinator)
    return {
      activeWorkers: workers.size,
      isCoordinator: written.length > 0,
      ticketsAvailable: written.length > 0 ? sum(written, ({ waiting }) => waiting ?? 0) : undefined,
      ticketsClaimed: sum(all, ({ counts }) => counts.sent + counts.received),
      ticketsStalled: sum(all, ({ counts }) => counts.stalled),
      messagesProcessed: handled,
      processingRate: (handled - handledBefore) / seconds,
      s3OpsPerSec: (requests - requestsBefore) / seconds,
      throttlingErrors: throttled(metrics),
    }
  }
}

export function readHealth(isRunning: boolean, all: readonly MailboxTransport[]): QueueHealth {
  const signs = all.flatMap(({ lastHeartbeat }) => (lastHeartbeat === undefined ? [] : [lastHeartbeat]))
  const coordinatedShards = [...all.keys()].filter((i) => all[i]?.isCoordinator)
  return {
    isRunning,
    lastHeartbeat: signs.length > 0 ? Math.min(...signs) : undefined,
    coordinatorElected: all.every(({ coordinatorElected }) => coordinatorElected),
    isCoordinator: coordinatedShards.length > 0,
    coordinatedShards,
  }
}

function sum(all: readonly MailboxTransport[], of: (transport: MailboxTransport) => number): number {
  return all.reduce((total, transport) => total + of(transport), 0)
}

function throttled({ kinds }: StoreMetrics): number {
  return REQUEST_KINDS.reduce((sum, kind) => sum + kinds[kind].throttled, 0)
}
