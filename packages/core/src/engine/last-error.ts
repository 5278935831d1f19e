/**
 * The last error that a queue met, for the text and the `cause` of `NotAcknowledged`: a caller that is told "perhaps" must learn why.
 *
 * A store that hangs reports no error. Then the reason is that nothing answered, and the cause says so.
 */
import { type Clock, StoreUnavailable } from '@s3queue/storage'
import { asError, NotAcknowledged } from '../errors.ts'

/** Retries are at most about 5 s apart, and a store may ask for a minute: an error that is older than this says nothing of a call. */
const STALE_MS = 60_000

export interface LastErrorOptions {
  readonly clock: Clock
  readonly queue: string
  /** The store in words. */
  readonly store: string
}

export class LastError {
  readonly #options: LastErrorOptions
  #last: { readonly error: Error; readonly at: number } | undefined

  constructor(options: LastErrorOptions) {
    this.#options = options
  }

  note(error: unknown): void {
    this.#last = { error: asError(error), at: this.#options.clock.monotonic() }
  }

  /** The error of a call that was not confirmed in `waitedMs`. `silent`: what did not answer, if no error was met meanwhile. */
  notAcknowledged(what: string, waitedMs: number, silent: Error = this.#noAnswer(waitedMs)): NotAcknowledged {
    const cause = this.#since(waitedMs) ?? silent
    return new NotAcknowledged(`${what} The last error was: ${cause.message}`, cause)
  }

  #since(waitedMs: number): Error | undefined {
    if (this.#last === undefined) return undefined
    const ageMs = this.#options.clock.monotonic() - this.#last.at
    return ageMs <= waitedMs + STALE_MS ? this.#last.error : undefined
  }

  #noAnswer(waitedMs: number): StoreUnavailable {
    const { store, queue } = this.#options
    return new StoreUnavailable(
      `${store}: the requests of queue "${queue}" got no answer, and no error, for ${Math.round(waitedMs)} ms. Check that the store is up and reachable.`,
    )
  }
}
