/** What a handler knows and may do while it has a message. */
import { type HandlerContext as Claimed, ClaimLost } from '@s3queue/core'
import { QueueError, type S3dbRecord } from '@s3queue/s3db'
import type { RenewalRejection } from './events.ts'

/** Handles one record. Returning completes its message, with what is returned as the result; throwing fails the attempt. */
export type OnMessage<Task> = (record: Task & S3dbRecord, context: HandlerContext) => unknown

export interface HandlerContext {
  /** The message's id; the same as the record's. */
  readonly queueId: string
  /** Unique to this worker, whatever the machine is called. */
  readonly workerId: string
  /** Which attempt this is, from 1 on. */
  readonly attempt: number
  /** The same. */
  readonly attempts: number
  readonly maxAttempts: number
  /** ISO 8601. */
  readonly queuedAt: string
  /** ISO 8601. */
  readonly claimedAt: string
  /** What the library says of the record (`etag`, `lastModified`, …), and what the producer gave as `metadata`. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** The claim's fencing token as text. */
  readonly lockToken: string
  /** The same as a number: grows with every claim in the queue. Whatever the handler writes to can refuse what comes with an older one. */
  readonly fencingToken: number
  /** When the claim ends if nothing extends it, ms since 1970. */
  readonly visibleUntil: number
  /** Aborted before anybody else may have the message. */
  readonly signal: AbortSignal
  /** Completes the message when the handler returns. Rejects with a `QueueError` 423 if the claim is lost. */
  ack(result?: unknown): Promise<void>
  /** Fails the attempt when the handler returns. Rejects with a `QueueError` 423 if the claim is lost. */
  nack(error?: unknown): Promise<void>
  /** Makes the claim last so much longer, in ms; without a number for one more visibility timeout. False if it is lost. */
  renewLock(extraMs?: number): Promise<boolean>
  /** Tells others how far it has come: any JSON value. */
  progress(value: unknown): void
  /** Adds a line to the message's log. */
  log(text: string): void
}

export type Decision =
  | { readonly kind: 'ack'; readonly result: unknown }
  | { readonly kind: 'nack'; readonly error: unknown }

export interface RenewalListener {
  renewed(attempt: HandledAttempt, extraMs: number): void
  rejected(attempt: HandledAttempt, reason: RenewalRejection): void
}

export interface HandledAttemptOptions {
  readonly claimed: Claimed
  readonly record: S3dbRecord
  readonly metadata: Readonly<Record<string, unknown>>
  readonly visibilityTimeoutMs: number
  readonly now: () => number
  readonly renewals: RenewalListener
}

/**
 * One attempt under way. The handler sees it as its context, and may take it apart, log it, or copy it: what it can be asked for is its own, and
 * the rest is not.
 */
export class HandledAttempt implements HandlerContext {
  readonly queueId: string
  readonly workerId: string
  readonly attempt: number
  readonly attempts: number
  readonly maxAttempts: number
  readonly queuedAt: string
  readonly claimedAt: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly lockToken: string
  readonly fencingToken: number
  declare readonly visibleUntil: number
  readonly #options: HandledAttemptOptions
  #decision: Decision | undefined

  constructor(options: HandledAttemptOptions) {
    const { claimed, metadata } = options
    this.#options = options
    this.queueId = claimed.id
    this.workerId = claimed.workerId
    this.attempt = claimed.attempt
    this.attempts = claimed.attempt
    this.maxAttempts = claimed.maxAttempts
    this.queuedAt = new Date(claimed.enqueuedAt).toISOString()
    this.claimedAt = new Date(claimed.claimedAt).toISOString()
    this.metadata = metadata
    this.lockToken = String(claimed.fencingToken)
    this.fencingToken = claimed.fencingToken
    // It changes with every extension.
    Object.defineProperty(this, 'visibleUntil', { enumerable: true, get: () => claimed.deadline })
  }

  get record(): S3dbRecord {
    return this.#options.record
  }

  /** What the handler has said itself. */
  get decision(): Decision | undefined {
    return this.#decision
  }

  get signal(): AbortSignal {
    return this.#claimed.signal
  }

  readonly ack = async (result?: unknown): Promise<void> => this.#decide({ kind: 'ack', result })

  readonly nack = async (error?: unknown): Promise<void> => this.#decide({ kind: 'nack', error })

  readonly renewLock = async (extraMs: number = this.#options.visibilityTimeoutMs): Promise<boolean> => {
    const left = Math.max(0, this.visibleUntil - this.#options.now())
    try {
      await this.#claimed.extend(Math.min(12 * 3_600_000, Math.round(left + extraMs)))
    } catch (error) {
      if (!(error instanceof ClaimLost)) throw error
      this.#options.renewals.rejected(this, 'lock_released')
      return false
    }
    this.#options.renewals.renewed(this, extraMs)
    return true
  }

  readonly progress = (value: unknown): void => this.#claimed.progress(value)

  readonly log = (text: string): void => this.#claimed.log(text)

  /** Time that passed in a worker's hands before the handler's turn came is given back. */
  async beginInFull(): Promise<void> {
    const { visibilityTimeoutMs, now } = this.#options
    if (this.visibleUntil - now() < 0.95 * visibilityTimeoutMs) await this.#claimed.extend(visibilityTimeoutMs)
  }

  #decide(decision: Decision): void {
    if (this.signal.aborted) throw claimedByAnother(this.queueId, this.signal.reason)
    this.#decision = decision
  }

  get #claimed(): Claimed {
    return this.#options.claimed
  }
}

/** The claim is not this worker's any more. */
function claimedByAnother(queueId: string, cause: unknown): QueueError {
  return new QueueError(`Message ${queueId} is no longer this worker's: already claimed by another, or free again.`, {
    ...{ statusCode: 423, retriable: true, operation: 'ack', metadata: { queueId }, cause },
    suggestion:
      'Stop working on it, nothing you say counts. If handlers take this long, raise visibilityTimeout or set autoExtend.',
  })
}
