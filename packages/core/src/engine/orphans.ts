/**
 * Sweeps away payload objects that no message names, once a day.
 *
 * A look has two parts. What the store lists and no message names is noted in the log. What was noted a day ago and is unnamed still is
 * abandoned, but only after the whole inbox was read: a message that was acknowledged in time may lie there, however long nobody wrote. Both are
 * commits, so a writer that was replaced abandons nothing; objects are deleted once that is in the log.
 */
import { persistently } from '@s3queue/primitives'
import { timeOfUlid } from '@s3queue/storage'
import type { QueueEvent } from '../state/events.ts'
import type { QueueState } from '../state/model.ts'
import { findOverdue } from '../state/payload-keys.ts'
import type { EngineContext } from './context.ts'

/** A little more than a day, so that what one look noted is old enough at the next. */
const EVERY_MS = 24 * 3_600_000 + 600_000
/** A new writer has more urgent things to do. */
const NOT_BEFORE_MS = 1000
/** What is noted, or abandoned, at once; the rest is for another day. */
const MOST_AT_ONCE = 10_000

export interface OrphanSweepOptions {
  readonly context: EngineContext
  readonly state: QueueState
  /** Puts an event that happens now into the next commit. */
  readonly record: (event: QueueEvent) => void
  /** Resolves to whether everything that was in the inbox before the call is in the state. */
  readonly readInbox: () => Promise<boolean>
  readonly signal: AbortSignal
}

export class OrphanSweep {
  readonly #options: OrphanSweepOptions
  #cancelTimer: () => void = () => {}

  constructor(options: OrphanSweepOptions) {
    this.#options = options
  }

  /** Looks when it is time, from now on until it is stopped or the signal is aborted. */
  start(): void {
    const { context, state, signal } = this.#options
    if (signal.aborted) return
    // A new queue's state knows no time yet.
    const lastAt = state.now === 0 ? context.wallNow() : state.payloadKeys.sweptAt
    const dueInMs = lastAt + EVERY_MS - context.wallNow()
    const waitMs = Math.min(EVERY_MS, Math.max(NOT_BEFORE_MS, dueInMs))
    this.#cancelTimer = context.options.clock.setTimer(waitMs, () => void this.#look())
  }

  stop(): void {
    this.#cancelTimer()
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { context, record, signal } = this.#options
    try {
      record({ type: 'unnamed', payloadKeys: await this.#list() })
      await this.#abandon()
    } catch (error) {
      if (signal.aborted) return
      context.trouble(error)
    }
    this.start()
  }

  async #list(): Promise<string[]> {
    const { context, state, signal } = this.#options
    const { options, trouble } = context
    const prefix = `${options.prefix}payloads/`
    const { used, garbage, unnamed } = state.payloadKeys
    const found: string[] = []
    let startAfter: string | undefined
    do {
      const list = (): ReturnType<typeof options.store.list> => options.store.list({ prefix, startAfter, signal })
      const page = await persistently({ ...options, onTrouble: trouble }, list, signal)
      for (const { key } of page.entries) {
        // Objects with other names are not ours to delete.
        if (Number.isNaN(timeOfUlid(key.slice(prefix.length)))) continue
        if (!used.has(key) && !garbage.has(key) && !unnamed.has(key)) found.push(key)
      }
      startAfter = page.truncated ? page.entries.at(-1)?.key : undefined
    } while (startAfter !== undefined && found.length < MOST_AT_ONCE)
    return found
  }

  async #abandon(): Promise<void> {
    const { state, record, readInbox } = this.#options
    const overdue = findOverdue(state).slice(0, MOST_AT_ONCE)
    if (overdue.length === 0 || !(await readInbox())) return
    const payloadKeys = overdue.filter((key) => state.payloadKeys.unnamed.has(key))
    if (payloadKeys.length > 0) record({ type: 'abandoned', payloadKeys })
  }
}
