/** While a worker runs: metrics and statistics at intervals, for those who listen. */
import type { RecordQueueStats } from '@s3queue/s3db'
import type { Clock } from '@s3queue/storage'
import type { Emit, PluginMetrics } from './events.ts'
import type { PluginQueue } from './open-queue.ts'

export interface MonitorOptions {
  readonly clock: Clock
  readonly everyMs: number
  readonly emit: Emit
  readonly hears: (event: string) => boolean
  readonly database: { emit(name: string, event: unknown): unknown; listenerCount(name: string): number }
  readonly queue: () => PluginQueue
  readonly stats: () => Promise<RecordQueueStats>
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
    const activeWorkers = Math.max(own.activeWorkers, told?.workers.length ?? 0)
    return { ...own, activeWorkers, ticketsAvailable: own.ticketsAvailable ?? 0 }
  }
}
