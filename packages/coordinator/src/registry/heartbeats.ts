/**
 * A worker's signs of life: one small object, written over and over, more seldom while the worker has nothing to do. The sign itself
 * says how long the worker may be silent, so whoever reads it needs no option of another process.
 *
 * Owns the signs of all workers of one process: while one leaves, the next may have begun. No sign is given after a worker's have ended.
 */
import type { TransportQueue, WorkerSelf } from '@s3queue/core/transport'
import { overwrite } from '@s3queue/storage'
import { workerKey } from '../keys.ts'
import { FORMAT } from '../mailbox/record.ts'
import type { ResolvedCoordinatorOptions } from '../options.ts'
import { encodeRecord } from './record.ts'

/** An idle worker gives so many times fewer signs. */
const IDLE_FACTOR = 18
const MAX_ERROR_CHARS = 500

export interface HeartbeatSource {
  readonly queue: TransportQueue
  readonly worker: WorkerSelf
  readonly trouble: (error: unknown) => void
}

interface Pulse {
  source: HeartbeatSource
  /** ms since 1970. */
  readonly since: number
  mailbox: string | undefined
  readonly abort: AbortController
  beats: number
  /** When the last sign began that is certain to be there, monotonic. */
  beatAt: number
  beating: Promise<void> | undefined
  cancelTimer: () => void
}

export class Heartbeats {
  readonly #options: ResolvedCoordinatorOptions
  /** By the ids of their workers. */
  readonly #pulses = new Map<string, Pulse>()
  #lastBeatAt: number | undefined
  #lastError: string | undefined

  constructor(options: ResolvedCoordinatorOptions) {
    this.#options = options
  }

  /** When the last sign was written, ms since 1970 by this process's clock. */
  get lastBeatAt(): number | undefined {
    return this.#lastBeatAt
  }

  /** For how long a worker may be silent from now on. */
  silentForMs(worker: WorkerSelf): number {
    return this.#intervalMs(worker) + this.#options.heartbeatTtlMs
  }

  /** Begins, or goes on with what `source` offers. */
  start(source: HeartbeatSource): void {
    const { queue, worker } = source
    const known = this.#pulses.get(worker.id)
    if (known !== undefined) {
      known.source = source
      return
    }
    const pulse: Pulse = {
      ...{ source, since: queue.clock.now(), mailbox: undefined, abort: new AbortController() },
      ...{ beats: 0, beatAt: Number.NEGATIVE_INFINITY, beating: undefined, cancelTimer: () => {} },
    }
    this.#pulses.set(worker.id, pulse)
    this.#beat(pulse)
  }

  /** A worker has a mailbox now: who writes next must know, to send it anything. */
  moved(worker: string, mailbox: string): void {
    const pulse = this.#pulses.get(worker)
    if (pulse === undefined || pulse.mailbox === mailbox) return
    pulse.mailbox = mailbox
    void pulse.beating?.then(() => {
      if (this.#pulses.get(worker) === pulse) this.#beat(pulse)
    })
  }

  /** Something went wrong: the next sign tells of it. */
  noteError(error: unknown): void {
    this.#lastError = String(error instanceof Error ? error.message : error).slice(0, MAX_ERROR_CHARS)
  }

  /** Ends the signs of a worker. Resolves when none is under way; one that takes long is given up when `signal` is aborted. */
  async stop(worker: string, signal: AbortSignal): Promise<void> {
    const pulse = this.#pulses.get(worker)
    if (pulse === undefined) return
    this.#pulses.delete(worker)
    pulse.cancelTimer()
    const giveUp = (): void => pulse.abort.abort()
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    await pulse.beating
    signal.removeEventListener('abort', giveUp)
  }

  #intervalMs({ isBusy }: WorkerSelf): number {
    const { heartbeatIntervalMs } = this.#options
    return isBusy ? heartbeatIntervalMs : IDLE_FACTOR * heartbeatIntervalMs
  }

  /** Never rejects: a sign that fails is soon followed by the next. */
  #beat(pulse: Pulse): void {
    pulse.cancelTimer()
    const { clock } = pulse.source.queue
    const startedAt = clock.monotonic()
    pulse.beating = this.#write(pulse).then((isThere) => {
      if (isThere) pulse.beatAt = startedAt
      if (this.#pulses.get(pulse.source.worker.id) === pulse) this.#wait(pulse)
    })
  }

  /** Until the next sign is due, which is sooner if the worker gets something to do meanwhile. */
  #wait(pulse: Pulse): void {
    const { queue, worker } = pulse.source
    pulse.cancelTimer = queue.clock.setTimer(this.#options.heartbeatIntervalMs, () => {
      const isDue = queue.clock.monotonic() - pulse.beatAt >= this.#intervalMs(worker)
      if (isDue) this.#beat(pulse)
      else this.#wait(pulse)
    })
  }

  /** Whether the sign is certain to be there. */
  async #write(pulse: Pulse): Promise<boolean> {
    const { source, since, abort } = pulse
    const { queue, worker, trouble } = source
    const { store, prefix, clock, name } = queue
    const { signal } = abort
    const key = workerKey(prefix, worker.id)
    const record = encodeRecord(key, {
      ...{ format: FORMAT, id: worker.id, queue: name, mailbox: pulse.mailbox },
      ...{ concurrency: worker.concurrency, capacity: worker.capacity() },
      ...{ silentForMs: this.silentForMs(worker), since, saidAt: clock.now() },
      ...{ handled: worker.finishedCount, process: queue.processes.self(), beat: ++pulse.beats },
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    })
    try {
      const put = await store.put(key, record, { condition: overwrite, signal })
      if (put.outcome === 'stored') this.#lastBeatAt = clock.now()
      else if (put.outcome === 'unknown') trouble(put.error)
      return put.outcome === 'stored'
    } catch (error) {
      if (!signal.aborted) trouble(error)
      return false
    }
  }
}
