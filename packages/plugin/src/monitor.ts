/** While a worker runs: metrics and statistics at intervals, for those who listen. */
import type { RecordQueueStats } from '@s3queue/s3db'
import type { Clock } from '@s3queue/storage'
import type { Emit, PluginMetrics } from './events.ts'
import type { PluginQueue } from './open-queue.ts'
import type { WatchedStore } from './watched-store.ts'

export interface MonitorOptions {
  readonly clock: Clock
  readonly everyMs: number
  readonly emit: Emit
  readonly hears: (event: string) => boolean
  readonly database: { emit(name: string, event: unknown): unknown; listenerCount(name: string): number }
  readonly queue: () => PluginQueue
  readonly store: WatchedStore
  readonly stats: () => Promise<RecordQueueStats>
  /** What else there is to do at each interval. Never rejects. */
  readonly beat: () => Promise<void>
  readonly tell: (error: unknown) => void
}

export class Monitor {
  readonly #options: MonitorOptions
  #cancel: (() => void) | undefined

  constructor(options: MonitorOptions) {
    this.#options = options
  }

  start(): void {
    const { clock, everyMs } = this.#options
    this.#cancel = clock.setTimer(everyMs, () => {
      this.start()
      void this.#look()
      void this.#options.beat()
    })
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  async #look(): Promise<void> {
    const { hears, database, emit, tell, stats } = this.#options
    try {
      if (hears('plg:s3-queue:metrics')) emit('plg:s3-queue:metrics', { metrics: await this.#metrics() })
      if (database.listenerCount('plg:queue:stats') === 0) return
      const { pending, processing, failed, dead } = await stats()
      database.emit('plg:queue:stats', { pending, processing, failed, dlq: dead })
    } catch (error) {
      // What is asked while the worker is being stopped needs no answer.
      if (this.#cancel !== undefined) tell(error)
    }
  }

  async #metrics(): Promise<PluginMetrics> {
    const queue = this.#options.queue()
    const own = queue.metrics()
    const told = own.isCoordinator ? undefined : await queue.workers()
    // The coordinator's own worker needs no sign of life, so it is not among the others.
    const everywhere = (told?.workers.length ?? 0) + (told?.writer === undefined ? 0 : 1)
    const activeWorkers = Math.max(own.activeWorkers, everywhere)
    const { throttledCount: throttlingErrors } = this.#options.store
    return { ...own, activeWorkers, throttlingErrors, ticketsAvailable: own.ticketsAvailable ?? 0 }
  }
}
