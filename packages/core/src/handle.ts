/** Step 4, handle: one attempt at one message, what the handler is told about it, and what it may do meanwhile. */
import { type CapturedContext, InvalidOption } from '@s3queue/storage'
import { ClaimLost, InvalidResult, isRetriable } from './errors.ts'
import { cutToBytes, recordError } from './failure.ts'
import { NotJson, toJson } from './json.ts'
import { asOutcome, type Outcome } from './outcome.ts'
import type { Settlement } from './state/commands.ts'
import { type Claim, messageId } from './state/model.ts'

/** Of the reason that an outcome gives. */
const MAX_REASON_BYTES = 2000
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
  /** Adds a line to the message's log, which keeps the last 100, each up to 1,000 characters. A value that is not a text is written as JSON. */
  log(text: string): void
}

/**
 * Handles one message. Returning completes it, with what is returned as its result; throwing fails the attempt; an
 * `Outcome` (`complete`, `retry`, `deadLetter`, `snooze`) says it in other ways.
 */
export type Handler<T> = (message: Message<T>, context: HandlerContext) => unknown

export interface AttemptOptions {
  readonly workerId: string
  /** The async context of handlers; listeners of their signals run in it. */
  readonly handlers: CapturedContext
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
  /** When the message came into the worker's hands, and when the handler started, monotonic. */
  readonly arrivedAt: number
  readonly startedAt: number
  cancelTimeLimit: (() => void) | undefined
  /** What the handler reported and nobody took yet. */
  report: { progress?: string; log?: string[] } | undefined
  readonly #options: AttemptOptions
  #controller: AbortController | undefined
  #aborted: Error | undefined

  constructor(
    claim: Claim,
    times: { timeoutMs: number; deadlineAt: number; startedAt: number; arrivedAt: number },
    options: AttemptOptions,
  ) {
    const { timeoutMs, deadlineAt, startedAt, arrivedAt } = times
    this.claim = claim
    this.arrivedAt = arrivedAt
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
    const controller = this.#controller
    if (controller !== undefined) this.#options.handlers.run(() => controller.abort(reason))
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
    const text = reportText('progress', 'value', value)
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
    const line = typeof text === 'string' ? text : reportText('log', 'text', text)
    const lines = [...(this.report?.log ?? []), line.slice(0, MAX_LOG_LINE)]
    this.report = { ...this.report, log: lines.slice(-MAX_LOG_LINES) }
    this.#options.reported(this)
  }
}

/** Throws `InvalidOption` for what JSON would lose. */
function reportText(who: string, option: string, value: unknown): string {
  try {
    return toJson(value)
  } catch (error) {
    if (!(error instanceof NotJson)) throw error
    throw new InvalidOption(who, option, error.message)
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

/** What a handler's return value becomes in the log. Never throws: a value that cannot be stored fails the attempt. */
export function settlementOf(token: number, returned: unknown, maxFailureBytes: number): Settlement {
  if (returned === undefined) return { token, kind: 'complete' }
  try {
    const outcome = asOutcome(returned)
    return outcome === undefined ? completed(token, returned) : decided(token, outcome)
  } catch (error) {
    return failureOf(token, error, maxFailureBytes)
  }
}

function decided(token: number, { kind, result, ms, reason }: Outcome): Settlement {
  if (kind === 'complete') return completed(token, result)
  if (kind === 'snooze') return { token, kind, ms: ms ?? 0 }
  if (kind === 'dead-letter')
    return { token, kind: 'reject', name: 'DeadLetter', message: cutToBytes(reason, MAX_REASON_BYTES) }
  const failure = {
    token,
    kind: 'fail',
    name: 'Retry',
    message: cutToBytes(reason, MAX_REASON_BYTES),
    retriable: true,
  } as const
  return ms === undefined ? failure : { ...failure, afterMs: ms }
}

function completed(token: number, value: unknown): Settlement {
  if (value === undefined) return { token, kind: 'complete' }
  const result = resultText(value)
  if (result.length <= MAX_RESULT) return { token, kind: 'complete', result }
  throw new InvalidResult(
    `The handler's result has ${result.length} characters of JSON, more than ${MAX_RESULT}. Put it into the store, and return its key.`,
  )
}

function resultText(value: unknown): string {
  try {
    return toJson(value)
  } catch (error) {
    if (!(error instanceof NotJson)) throw error
    throw new InvalidResult(`The handler's result ${error.message}`, error.cause)
  }
}

/** What a thrown value becomes in the log. Never throws: anything can be thrown, also what does not let itself be read. */
export function failureOf(token: number, thrown: unknown, maxBytes: number): Settlement {
  try {
    return { token, kind: 'fail', ...recordError(thrown, maxBytes), retriable: isRetriable(thrown) }
  } catch {
    return { token, kind: 'fail', name: 'Error', message: 'a handler threw what cannot be read', retriable: true }
  }
}

/** Throws `TypeError` for a handler that is none. */
export function assertHandler(queue: string, handler: unknown): void {
  if (typeof handler === 'function') return
  throw new TypeError(`process() of queue "${queue}" takes a function as its handler, not ${typeof handler}.`)
}
