/**
 * Answers that somebody waits for. None is waited for without end: after `timeoutMs` the caller is told that nobody knows,
 * while what was asked for goes on being tried.
 */
import type { Clock } from '@s3queue/storage'
import type { NotAcknowledged } from '../errors.ts'
import type { LastError } from './last-error.ts'

const SWEEP_MS = 1000

interface Waiter {
  /** Monotonic. */
  readonly until: number
  readonly giveUp: (error: Error) => void
  readonly moreMs: number
}

export class Outstanding {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #lastError: LastError
  readonly #waiters = new Set<Waiter>()
  #cancelSweep: (() => void) | undefined
  #onEmpty: (() => void)[] = []

  constructor(clock: Clock, timeoutMs: number, lastError: LastError) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#lastError = lastError
  }

  /** `answer`, but for at most `timeoutMs`, and `moreMs` where not the store alone has to answer. */
  bound<T>(answer: Promise<T>, moreMs = 0): Promise<T> {
    return new Promise((resolve, reject) => {
      const until = this.#clock.monotonic() + this.#timeoutMs + moreMs
      const waiter: Waiter = { until, giveUp: reject, moreMs }
      this.#waiters.add(waiter)
      this.#cancelSweep ??= this.#clock.setTimer(SWEEP_MS, () => this.#sweep())
      answer.then(resolve, reject).finally(() => this.#done(waiter))
    })
  }

  /** How many answers are waited for. */
  get size(): number {
    return this.#waiters.size
  }

  /** No answer is waited for any longer: those who wait get `error`. */
  giveUp(error: Error): void {
    for (const waiter of this.#waiters) {
      waiter.giveUp(error)
      this.#done(waiter)
    }
  }

  /** Resolves when nobody waits any more. */
  whenEmpty(): Promise<void> {
    if (this.#waiters.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onEmpty.push(resolve))
  }

  #done(waiter: Waiter): void {
    if (!this.#waiters.delete(waiter) || this.#waiters.size > 0) return
    this.#cancelSweep?.()
    this.#cancelSweep = undefined
    for (const resolve of this.#onEmpty.splice(0)) resolve()
  }

  #sweep(): void {
    this.#cancelSweep = undefined
    const now = this.#clock.monotonic()
    for (const waiter of this.#waiters) {
      if (now < waiter.until) continue
      waiter.giveUp(this.#notAcknowledged(waiter.moreMs))
      this.#done(waiter)
    }
    if (this.#waiters.size > 0) this.#cancelSweep ??= this.#clock.setTimer(SWEEP_MS, () => this.#sweep())
  }

  #notAcknowledged(moreMs: number): NotAcknowledged {
    const waitedMs = this.#timeoutMs + moreMs
    if (moreMs === 0) {
      return this.notAcknowledged(
        `The store did not confirm within ${waitedMs} ms (acknowledgeTimeoutMs). The call may still take effect, as it is still retried.`,
        waitedMs,
      )
    }
    return this.notAcknowledged(
      `No writer answered within ${waitedMs} ms (acknowledgeTimeoutMs and maxPollMs). The call is durable: the next writer carries it out.`,
      waitedMs,
      new Error('No writer has taken the command out of the inbox: check that a process with a worker runs.'),
    )
  }

  /** See `LastError.notAcknowledged`. */
  notAcknowledged(what: string, waitedMs: number, silent?: Error): NotAcknowledged {
    return this.#lastError.notAcknowledged(what, waitedMs, silent)
  }
}
