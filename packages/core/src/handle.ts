/** Step 4, handle: one attempt at one message, what the handler is told about it, and what it may do meanwhile. */
import { ClaimLost, isRetriable } from './errors.ts'
import type { Settlement } from './state/commands.ts'
import { type Claim, messageId } from './state/model.ts'

/** A message as its handler gets it. */
export interface Message<T> {
  readonly id: string
  readonly payload: T
}

/** What a handler knows and may do while it has the message. */
export interface HandlerContext {
  readonly id: string
  /** Which attempt this is, from 1 on. */
  readonly attempt: number
  readonly maxAttempts: number
  readonly workerId: string
  /** ms since 1970. */
  readonly enqueuedAt: number
  /** ms since 1970. */
  readonly claimedAt: number
  /** When the claim ends if nothing extends it, ms since 1970 on this machine's clock. */
  readonly deadline: number
  /** Grows with every claim in the queue: whatever the handler writes to can refuse what comes with an older one. */
  readonly fencingToken: number
  /** Aborted before the claim can pass to another worker, and when the worker is stopped and does not wait any longer. */
  readonly signal: AbortSignal
  /**
   * Makes the claim last at least `ms` from now, durably, and resolves to the new deadline (ms since 1970). Rejects with `ClaimLost` if
   * the claim is no longer held.
   */
  extend(ms: number): Promise<number>
}

/** Handles one message. Returning completes it; throwing fails the attempt. */
export type Handler<T> = (message: Message<T>, context: HandlerContext) => unknown

export interface AttemptOptions {
  readonly workerId: string
  /** Monotonic now, and the same moment on the wall clock. */
  readonly monotonic: () => number
  readonly wallNow: () => number
  readonly extend: (attempt: Attempt, ms: number) => Promise<void>
}

/** One attempt under way. It is the handler's context; what the handler has no business with is behind symbols' worth of methods of the worker's own. */
export class Attempt implements HandlerContext {
  readonly claim: Claim
  /** When the worker gives up, monotonic. */
  deadlineAt: number
  /** The worker does not care any more how the handler ends. */
  abandoned = false
  readonly #options: AttemptOptions
  #controller: AbortController | undefined
  #aborted: Error | undefined

  constructor(claim: Claim, deadlineAt: number, options: AttemptOptions) {
    this.claim = claim
    this.deadlineAt = deadlineAt
    this.#options = options
  }

  get id(): string {
    return messageId(this.claim)
  }

  get attempt(): number {
    return this.claim.attempt
  }

  get maxAttempts(): number {
    return this.claim.maxAttempts
  }

  get workerId(): string {
    return this.#options.workerId
  }

  get enqueuedAt(): number {
    return this.claim.enqueuedAt
  }

  get claimedAt(): number {
    return this.claim.claimedAt
  }

  get fencingToken(): number {
    return this.claim.token
  }

  get deadline(): number {
    return Math.floor(this.#options.wallNow() + this.deadlineAt - this.#options.monotonic())
  }

  /** Made when first asked for: most handlers never do. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted)
    }
    return this.#controller.signal
  }

  get isAborted(): boolean {
    return this.#aborted !== undefined
  }

  abort(reason: Error): void {
    if (this.#aborted !== undefined) return
    this.#aborted = reason
    this.#controller?.abort(reason)
  }

  async extend(ms: number): Promise<number> {
    if (!Number.isInteger(ms) || ms < 1 || ms > 12 * 3_600_000) {
      throw new RangeError(
        `extend() takes a whole number of milliseconds from 1 to 43,200,000 (12 hours), not ${String(ms)}.`,
      )
    }
    if (this.#aborted !== undefined) throw claimLost(this.claim, this.#aborted)
    await this.#options.extend(this, ms)
    return this.deadline
  }
}

/** The error for a claim that is no longer this worker's. */
export function claimLost(claim: Claim, cause?: unknown): ClaimLost {
  return new ClaimLost(
    `The claim on message ${messageId(claim)} (attempt ${claim.attempt}, token ${claim.token}) is no longer this worker's. ` +
      'Stop working on it; if handlers take this long, raise visibilityTimeoutMs or leave autoExtend on.',
    cause,
  )
}

const MAX_MESSAGE = 2000

/** What a thrown value becomes in the log. */
export function failureOf(token: number, thrown: unknown): Settlement {
  const error =
    thrown instanceof Error
      ? thrown
      : new Error(typeof thrown === 'string' ? thrown : `a handler threw ${describe(thrown)}`)
  return {
    token,
    kind: 'fail',
    name: error.name,
    message: error.message.slice(0, MAX_MESSAGE),
    retriable: isRetriable(thrown),
  }
}

function describe(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}
