/**
 * A worker's signs of life: one small object, written over and over, more seldom while the worker has nothing to do. The sign itself
 * says how long the worker may be silent, so whoever reads it needs no option of another process.
 */
import type { TransportQueue, WorkerSelf } from '@s3queue/core/transport'
import { overwrite } from '@s3queue/storage'
import { mailboxKey, workerKey } from '../keys.ts'
import { FORMAT } from '../mailbox/record.ts'
import type { ResolvedCoordinatorOptions } from '../options.ts'
import { encodeRecord } from './record.ts'

/** An idle worker gives so many times fewer signs. */
const IDLE_FACTOR = 6
const MAX_ERROR_CHARS = 500

export interface HeartbeatSource {
  readonly queue: TransportQueue
  readonly worker: () => WorkerSelf | undefined
  readonly trouble: (error: unknown) => void
}

export class Heartbeats {
  readonly #options: ResolvedCoordinatorOptions
  #source: HeartbeatSource | undefined
  #worker: WorkerSelf | undefined
  #since = 0
  #beats = 0
  #cancelTimer: () => void = () => {}
  #beating: Promise<void> | undefined
  #lastBeatAt: number | undefined
  #lastError: string | undefined
  #abort = new AbortController()

  constructor(options: ResolvedCoordinatorOptions) {
    this.#options = options
  }

  /** When the last sign was written, ms since 1970 by this process's clock. */
  get lastBeatAt(): number | undefined {
    return this.#lastBeatAt
  }

  /** For how long the worker may be silent from now on. */
  get silentForMs(): number {
    return this.#intervalMs + this.#options.heartbeatTtlMs
  }

  /** Begins, or goes on with what `source` offers. */
  start(source: HeartbeatSource): void {
    this.#source = source
    const worker = source.worker()
    if (worker?.id === this.#worker?.id && this.#worker !== undefined) return
    this.#worker = worker
    this.#abort = new AbortController()
    this.#since = source.queue.clock.now()
    if (worker !== undefined) void this.#beat()
  }

  /** Something went wrong: the next sign tells of it. */
  noteError(error: unknown): void {
    this.#lastError = String(error instanceof Error ? error.message : error).slice(0, MAX_ERROR_CHARS)
  }

  /** Ends the signs. */
  async stop(): Promise<void> {
    this.#cancelTimer()
    this.#worker = undefined
    this.#abort.abort()
    await this.#beating
    this.#cancelTimer()
  }

  /** Removes what a worker leaves behind that has gone. Rejects if the store refuses that, or `signal` is aborted. */
  async signOff({ prefix, store }: TransportQueue, worker: string, signal: AbortSignal): Promise<void> {
    await store.delete([mailboxKey(prefix, worker), workerKey(prefix, worker)], { signal })
  }

  get #intervalMs(): number {
    const { heartbeatIntervalMs } = this.#options
    return this.#worker?.isBusy === true ? heartbeatIntervalMs : IDLE_FACTOR * heartbeatIntervalMs
  }

  #beat(): Promise<void> {
    this.#beating ??= this.#write().finally(() => {
      this.#beating = undefined
    })
    return this.#beating
  }

  /** Never rejects: a sign that fails is followed by the next. */
  async #write(): Promise<void> {
    const source = this.#source
    const worker = this.#worker
    if (source === undefined || worker === undefined) return
    const { store, prefix, clock, name } = source.queue
    const { signal } = this.#abort
    const record = encodeRecord({
      ...{ format: FORMAT, id: worker.id, queue: name, concurrency: worker.concurrency, capacity: worker.capacity() },
      ...{ silentForMs: this.silentForMs, since: this.#since, handled: worker.finishedCount, beat: ++this.#beats },
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    })
    try {
      const put = await store.put(workerKey(prefix, worker.id), record, { condition: overwrite, signal })
      if (put.outcome === 'stored') this.#lastBeatAt = clock.now()
      else if (put.outcome === 'unknown') source.trouble(put.error)
    } catch (error) {
      if (!signal.aborted) source.trouble(error)
    }
    if (this.#worker !== worker) return
    this.#cancelTimer = clock.setTimer(this.#intervalMs, () => void this.#beat())
  }
}
