/** Errors that a user of a queue meets. Each has a `code` to tell it by and says what to do. */
import { StoreError } from '@s3queue/storage'
import type { Failure } from './failure.ts'
import type { DeadReason } from './state/events.ts'

/** By which errors are told apart, whatever their class: see `QueueError`. */
export type QueueErrorCode =
  | 'QUEUE_CLOSED'
  | 'INVALID_PAYLOAD'
  | 'INVALID_RESULT'
  | 'PAYLOAD_TOO_LARGE'
  | 'NOT_ACKNOWLEDGED'
  | 'CLAIM_LOST'
  | 'WORKER_STOPPED'
  | 'WORKER_EXISTS'
  | 'CALLED_IN_HANDLER'
  | 'CANCELLED'
  | 'RELEASED'
  | 'TIME_LIMIT_EXCEEDED'
  | 'MESSAGE_NOT_FOUND'
  | 'MESSAGE_DIED'
  | 'TRANSPORT_MISSING'
  | 'CLOCK_OFF'

/** Base of the errors of this package. */
export abstract class QueueError extends Error {
  abstract readonly code: QueueErrorCode

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
  }
}

/** The queue was closed before or during the call. */
export class QueueClosed extends QueueError {
  readonly code = 'QUEUE_CLOSED'

  constructor(queue: string) {
    super(`The queue "${queue}" is closed. Create it again with createQueue() to go on.`)
  }
}

/** A payload that JSON cannot carry (undefined, a function, a bigint, a cycle, NaN, a Map, a promise, bytes within an object), or that does not fit the queue's schema. */
export class InvalidPayload extends QueueError {
  readonly code = 'INVALID_PAYLOAD'
  /** The same payload will not be right another time. */
  readonly retriable = false
}

/** A handler returned what cannot be stored as a result: what JSON would lose, what is too large, or what only looks like an outcome. Its attempt has failed. */
export class InvalidResult extends QueueError {
  readonly code = 'INVALID_RESULT'
  /** The handler has done its work, and would return the same another time. */
  readonly retriable = false
}

/** A payload over `maxPayloadBytes`, or a batch over what one commit can hold. */
export class PayloadTooLarge extends QueueError {
  readonly code = 'PAYLOAD_TOO_LARGE'
}

/**
 * The store did not confirm within `acknowledgeTimeoutMs`. What was asked for may or may not have happened, and may still
 * happen: it goes on being tried as long as the process lives, a message with a payload object for 12 hours. `cause` is the last trouble with the store.
 */
export class NotAcknowledged extends QueueError {
  readonly code = 'NOT_ACKNOWLEDGED'
}

/** The claim is no longer this worker's: its time is up, or another worker has the message. A settlement would be refused. */
export class ClaimLost extends QueueError {
  readonly code = 'CLAIM_LOST'
}

/** The reason of a handler's signal when its worker is stopped and the handler did not finish in time. */
export class WorkerStopped extends QueueError {
  readonly code = 'WORKER_STOPPED'
}

/** The reason of a handler's signal when an operator cancelled its message. */
export class Cancelled extends QueueError {
  readonly code = 'CANCELLED'
}

/** The reason of a handler's signal when an operator took the message from it. */
export class Released extends QueueError {
  readonly code = 'RELEASED'
}

/** A handler took longer than `timeLimitMs`: its attempt failed, whatever it still does. */
export class TimeLimitExceeded extends QueueError {
  readonly code = 'TIME_LIMIT_EXCEEDED'
}

/** No message with this id is known: it never was, was cancelled, or ended longer ago than the retention. */
export class MessageNotFound extends QueueError {
  readonly code = 'MESSAGE_NOT_FOUND'
}

/** `waitFor` waited for a message that went to the dead letters. */
export class MessageDied extends QueueError {
  readonly code = 'MESSAGE_DIED'
  readonly reason: DeadReason
  /** The last 20 failed attempts. */
  readonly failures: readonly Failure[]

  constructor(id: string, reason: DeadReason, failures: readonly Failure[]) {
    const last = failures.at(-1)
    super(`Message ${id} went to the dead letters (${reason}): ${last?.name}: ${last?.message}`)
    this.reason = reason
    this.failures = failures
  }
}

/** `process()` was called twice on one queue object. */
export class WorkerExists extends QueueError {
  readonly code = 'WORKER_EXISTS'

  constructor(queue: string) {
    super(`Queue "${queue}" has a worker in this process. Raise its concurrency, or stop it before starting another.`)
  }
}

/** A handler called something that waits for the end of all handlers: it would wait for itself. */
export class CalledInHandler extends QueueError {
  readonly code = 'CALLED_IN_HANDLER'

  constructor(queue: string, call: string) {
    super(
      `${call} of queue "${queue}" was called within one of its handlers, and would wait for that handler to end. Let the handler return first, and call ` +
        `${call} from the code that called process().`,
    )
  }
}

/** The queue's messages are handled by several processes over a transport, and this process has none. */
export class TransportMissing extends QueueError {
  readonly code = 'TRANSPORT_MISSING'
}

/**
 * This machine's wall clock and the store's tell different times. Nothing depends on it: delays and schedules go by the store's clock, and claims by
 * durations alone.
 */
export class ClockOff extends QueueError {
  readonly code = 'CLOCK_OFF'
  /** How far the machine's clock is ahead of the store's, in ms; below zero if it is behind. */
  readonly aheadMs: number

  constructor(queue: string, aheadMs: number) {
    const seconds = Math.round(Math.abs(aheadMs) / 1000)
    super(
      `The clock of this machine is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the store's. Queue "${queue}" goes by the store's clock, so nothing is ` +
        "early or late; set the machine's clock (NTP), as handlers and logs read that.",
    )
    this.aheadMs = aheadMs
  }
}

/**
 * Throw this (or any error with `retriable: false`) in a handler when another attempt cannot help: the message
 * goes to the dead letters at once.
 */
export class NotRetriable extends Error {
  readonly retriable = false

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'NotRetriable'
  }
}

/** Whether an error says of itself that trying again is pointless. */
export function isRetriable(error: unknown): boolean {
  return !(
    typeof error === 'object' &&
    error !== null &&
    'retriable' in error &&
    error.retriable === false &&
    !(error instanceof StoreError)
  )
}
