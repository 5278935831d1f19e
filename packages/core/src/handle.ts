/** Step 4, handle: one attempt at one message, what the handler is told about it, and what it may do meanwhile. */
import { InvalidOption } from '@s3queue/storage'
import { ClaimLost, isRetriable } from './errors.ts'
import { Outcome } from './outcome.ts'
import type { Settlement } from './state/commands.ts'
import { type Claim, messageId } from './state/model.ts'

/** Characters of an error's message that are kept. */
const MAX_MESSAGE = 2000
/** Characters of an error's name that are kept. */
const MAX_NAME = 100
const MAX_PROGRESS = 16 << 10
const MAX_LOG_LINE = 1000
const MAX_LOG_LINES = 100
/** Characters of a result's JSON. Results are part of the log: put larger ones into an object of your own, and return its key. */
const MAX_RESULT = 64 << 10

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
   * the claim is no longer held, with `InvalidOption` unless `ms` is a whole number from 1 to 12 hours.
   */
  extend(ms: number): Promise<number>
  /** Tells others how far it has come: any JSON value of up to 16,384 characters, the latest one counts. Recorded within about a second, with the next commit. */
  progress(value: unknown): void
  /** Adds a line to the message's log, which keeps the last 100, each up to 1,000 characters. */
  log(text: string): void
}

/**
 * Handles one message. Returning completes it, with what is returned as its result; throwing fails the attempt; an
 * `Outcome` (`complete`, `retry`, `deadLetter`, `snooze`) says it in other ways.
 */
export type Handler<T> = (message: Message<T>, context: HandlerContext) => unknown

export interface AttemptOptions {
  readonly workerId: string
  /** Monotonic now, and the same moment on this machine's wall clock. */
  readonly monotonic: () => number
  readonly wallNow: () => number
  readonly extend: (attempt: Attempt, ms: number) => Promise<void>
  /** The handler reported something. */
  readonly reported: (attempt: Attempt) => void
}

/** One attempt under way. The handler sees it as a `HandlerContext`. */
export class Attempt implements HandlerContext {
  readonly claim: Claim
  /** How long the claim lasts, as far as it is in the log. */
  timeoutMs: number
  /** When the worker gives up, monotonic. */
  deadlineAt: number
  /** When the handler started, monotonic. */
  readonly startedAt: number
  cancelTimeLimit: (() => void) | undefined
  /** What the handler reported and nobody took yet. */
  report: { progress?: string; log?: string[] } | undefined
  readonly #options: AttemptOptions
  #controller: AbortController | undefined
  #aborted: Error | undefined

  constructor(
    claim: Claim,
    times: { timeoutMs: number; deadlineAt: number; startedAt: number },
    options: AttemptOptions,
  ) {
    const { timeoutMs, deadlineAt, startedAt } = times
    this.claim = claim
    this.startedAt = startedAt
    this.timeoutMs = timeoutMs
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
    return this.claim.batch.maxAttempts
  }

  get workerId(): string {
    return this.#options.workerId
  }

  get enqueuedAt(): number {
    return this.claim.batch.enqueuedAt
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

  // Functions made when they are asked for, so that they work on their own, as in `({ payload }, { log }) => log('…')`.

  get extend(): HandlerContext['extend'] {
    return (ms) => this.#extend(ms)
  }

  get progress(): HandlerContext['progress'] {
    return (value) => this.#progress(value)
  }

  get log(): HandlerContext['log'] {
    return (text) => this.#log(text)
  }

  async #extend(ms: number): Promise<number> {
    if (!Number.isInteger(ms) || ms < 1 || ms > 12 * 3_600_000) {
      throw new InvalidOption(
        'extend',
        'ms',
        `must be a whole number of milliseconds from 1 to 43200000 (12 hours), not ${String(ms)}.`,
      )
    }
    if (this.#aborted !== undefined) throw claimLost(this.claim, this.#aborted)
    await this.#options.extend(this, ms)
    return this.deadline
  }

  #progress(value: unknown): void {
    const text = JSON.stringify(value)
    if (text === undefined) throw new InvalidOption('progress', 'value', `must be a JSON value, not ${typeof value}.`)
    if (text.length > MAX_PROGRESS)
      throw new InvalidOption(
        'progress',
        'value',
        `must have at most ${MAX_PROGRESS} characters of JSON, not ${text.length}.`,
      )
    this.report = { ...this.report, progress: text }
    this.#options.reported(this)
  }

  #log(text: string): void {
    const lines = [...(this.report?.log ?? []), String(text).slice(0, MAX_LOG_LINE)]
    this.report = { ...this.report, log: lines.slice(-MAX_LOG_LINES) }
    this.#options.reported(this)
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

/**
 * What a handler's return value becomes in the log. A result that JSON cannot carry, or that is too large, is left out and told of. Never
 * throws: what cannot even be looked at has failed.
 */
export function settlementOf(token: number, returned: unknown, tell: (error: Error) => void): Settlement {
  try {
    return decided(token, returned, tell)
  } catch (error) {
    return failureOf(token, error)
  }
}

function decided(token: number, returned: unknown, tell: (error: Error) => void): Settlement {
  if (!(returned instanceof Outcome)) return completed(token, returned, tell)
  const { kind, result, ms, reason } = returned
  if (kind === 'complete') return completed(token, result, tell)
  if (kind === 'snooze') return { token, kind, ms: ms ?? 0 }
  if (kind === 'dead-letter')
    return { token, kind: 'reject', name: 'DeadLetter', message: reason.slice(0, MAX_MESSAGE) }
  const failure = {
    token,
    kind: 'fail',
    name: 'Retry',
    message: reason.slice(0, MAX_MESSAGE),
    retriable: true,
  } as const
  return ms === undefined ? failure : { ...failure, afterMs: ms }
}

function completed(token: number, value: unknown, tell: (error: Error) => void): Settlement {
  const completion = { token, kind: 'complete' } as const
  if (value === undefined) return completion
  try {
    const result = JSON.stringify(value)
    if (result === undefined) throw new TypeError(`it is a ${typeof value}`)
    if (result.length > MAX_RESULT)
      throw new RangeError(`it has ${result.length} characters of JSON, more than ${MAX_RESULT}`)
    return { ...completion, result }
  } catch (cause) {
    tell(
      new Error(
        `A message was completed without its result: ${cause instanceof Error ? cause.message : String(cause)}.`,
        { cause },
      ),
    )
    return completion
  }
}

/** What a thrown value becomes in the log. Never throws: anything can be thrown, also what does not let itself be read. */
export function failureOf(token: number, thrown: unknown): Settlement {
  try {
    const { name, message } = thrown instanceof Error ? thrown : new Error(describe(thrown))
    return {
      token,
      kind: 'fail',
      name: String(name).slice(0, MAX_NAME),
      message: String(message).slice(0, MAX_MESSAGE),
      retriable: isRetriable(thrown),
    }
  } catch {
    return { token, kind: 'fail', name: 'Error', message: 'a handler threw what cannot be read', retriable: true }
  }
}

function describe(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return `a handler threw ${JSON.stringify(value) ?? String(value)}`
  } catch {
    return `a handler threw ${Object.prototype.toString.call(value)}`
  }
}

/** Throws `TypeError` for a handler that is none. */
export function assertHandler(queue: string, handler: unknown): void {
  if (typeof handler === 'function') return
  throw new TypeError(`process() of queue "${queue}" takes a function as its handler, not ${typeof handler}.`)
}
