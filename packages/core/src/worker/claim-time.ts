/**
 * How long a worker believes in its claims: what is at hand is extended for as long as it takes, and a handler whose claim is over is told to stop.
 *
 * Nothing here is decided alone. A deadline moves by a proof of being the writer, or the writer's answer; without one it stands, so the signal of a
 * handler is aborted before anybody else can have its message.
 */
import type { Clock } from '@s3queue/storage'
import type { LocalWorker } from '../engine/local-worker.ts'
import { Attempt, claimLost } from '../handle.ts'
import type { ReadyTickets } from './ready-tickets.ts'
import { timeoutToTrust, trustedMs } from './trust.ts'

export interface ClaimTimeOptions {
  readonly clock: Clock
  readonly visibilityTimeoutMs: number
  /** Whether the claims of running handlers are extended too, not of waiting tickets alone. */
  readonly autoExtend: boolean
  readonly engine: Pick<LocalWorker, 'extend' | 'setTimeout'>
  readonly running: ReadonlySet<Attempt>
  /** What waits for a handler. */
  readonly tickets: ReadyTickets
}

export class ClaimTime {
  readonly #options: ClaimTimeOptions
  #cancelDeadline: (() => void) | undefined
  #deadlineAt = Number.POSITIVE_INFINITY
  #cancelExtension: (() => void) | undefined
  #isExtending = false

  constructor(options: ClaimTimeOptions) {
    this.#options = options
  }

  /** Gives one claim at least `ms` from now on, durably. Rejects with `ClaimLost` if it is over; then its signal is aborted as well. */
  async extendOne(attempt: Attempt, ms: number): Promise<void> {
    const { engine, running } = this.#options
    const extension = await engine.setTimeout(attempt.claim.token, timeoutToTrust(ms))
    if (extension === undefined || !running.has(attempt)) {
      const error = claimLost(attempt.claim)
      attempt.abort(error)
      throw error
    }
    // Not before: what is not in the log yet, the next writer does not know of.
    attempt.timeoutMs = extension.timeoutMs
    attempt.deadlineAt = Math.max(attempt.deadlineAt, extension.provenAt + trustedMs(extension.timeoutMs))
    this.watch(attempt.deadlineAt)
  }

  /** Extends everything at hand at a third of the visibility timeout, for as long as there is something. */
  keepExtending(): void {
    const { clock, visibilityTimeoutMs, running, tickets } = this.#options
    if (this.#cancelExtension !== undefined || running.size + tickets.size === 0) return
    this.#cancelExtension = clock.setTimer(visibilityTimeoutMs / 3, () => void this.#extendAll())
  }

  /** Extends everything at hand at once, unless that is under way. */
  extendNow(): void {
    if (this.#isExtending) return
    this.#cancelExtension?.()
    this.#cancelExtension = () => {}
    void this.#extendAll()
  }

  /** Never rejects: without proof of being the writer nothing is extended, and the deadlines stand. */
  async #extendAll(): Promise<void> {
    this.#isExtending = true
    const { engine, autoExtend, visibilityTimeoutMs, running, tickets } = this.#options
    const attempts = autoExtend ? [...running].filter((attempt) => !attempt.isAborted) : []
    const held = [...attempts, ...tickets]
    const extension = await engine.extend(
      held.map(({ claim }) => claim.token),
      visibilityTimeoutMs / 3,
    )
    if (extension !== undefined) {
      for (const one of held) {
        if (extension.held.has(one.claim.token))
          one.deadlineAt = Math.max(one.deadlineAt, extension.provenAt + trustedMs(one.timeoutMs))
        else if (one instanceof Attempt && running.has(one)) one.abort(claimLost(one.claim))
      }
    }
    this.#isExtending = false
    this.#cancelExtension = undefined
    this.keepExtending()
  }

  /** A running attempt has its deadline at `at`. */
  watch(at: number): void {
    if (at >= this.#deadlineAt) return
    const { clock } = this.#options
    this.#cancelDeadline?.()
    this.#deadlineAt = at
    this.#cancelDeadline = clock.setTimer(Math.max(1, at - clock.monotonic()), () => this.stopOverdue())
  }

  /** Aborts the attempts whose time is up, and waits for the next. */
  stopOverdue(): void {
    const now = this.#options.clock.monotonic()
    this.#deadlineAt = Number.POSITIVE_INFINITY
    let next = Number.POSITIVE_INFINITY
    for (const attempt of this.#options.running) {
      if (attempt.isAborted) continue
      if (attempt.deadlineAt <= now) attempt.abort(claimLost(attempt.claim))
      else next = Math.min(next, attempt.deadlineAt)
    }
    if (next < Number.POSITIVE_INFINITY) this.watch(next)
  }

  stop(): void {
    this.#cancelDeadline?.()
    this.#cancelExtension?.()
  }
}
