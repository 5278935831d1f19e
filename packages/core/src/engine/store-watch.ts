/**
 * Notifications of changes in the store, where it can give them: processes on one machine react within milliseconds.
 *
 * A notification may be lost, so the caller keeps polling, only rarely.
 */
import type { ResolvedQueueOptions } from '../options.ts'

/** How often to poll what is watched. A store that can watch charges nothing for a read. */
const WATCHED_POLL_MS = 12_000

/** What to watch, and how often to poll without notifications. */
export interface StoreWatchOptions {
  readonly options: Pick<ResolvedQueueOptions, 'store' | 'maxPollMs'>
  /** Keys that begin with this; one whole key if it does not end in a slash. */
  readonly prefix: string
  readonly onChange: () => void
  readonly onTrouble: (error: unknown) => void
  /** Ends the watch. */
  readonly signal: AbortSignal
}

/** A watch of one key or prefix, where the store has `watch`; otherwise it tells how often to poll. */
export class StoreWatch {
  readonly #context: StoreWatchOptions
  #isStarted = false
  #isWatching = false

  constructor(context: StoreWatchOptions) {
    this.#context = context
  }

  /** Whether the store notifies of changes. */
  get isWatching(): boolean {
    return this.#isWatching
  }

  /** Begins, once. Without a watch the store never calls. */
  start(): void {
    const { options, prefix, onChange, onTrouble, signal } = this.#context
    if (this.#isStarted || signal.aborted) return
    this.#isStarted = true
    options.store.watch?.({ prefix, onChange, signal }).then(
      (isWatching) => {
        this.#isWatching = isWatching
        // A change while the watch began may have been missed.
        if (isWatching && !signal.aborted) onChange()
      },
      (error: unknown) => {
        if (!signal.aborted) onTrouble(error)
      },
    )
  }

  /** How long to wait between two polls, in ms, if it would be `unwatchedMs` without notifications. */
  pollMs(unwatchedMs: number): number {
    if (!this.#isWatching) return unwatchedMs
    return Math.max(unwatchedMs, Math.min(this.#context.options.maxPollMs, WATCHED_POLL_MS))
  }
}
