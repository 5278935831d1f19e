/** Errors that a user of a queue meets. Each has a `code` to tell it by and says what to do. */
import { StoreError } from '@s3queue/storage'
import type { Failure } from './failure.ts'
import type { DeadReason } from './state/events.ts'

/** By which errors are told apart, whatever their class: see `QueueError`. */
export type QueueErrorCode =
  | 'QUEUE_CLOSED'
  | 'QUEUE_NOT_FOUND'
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
  | 'FOREIGN_COMMANDS'
  | 'EVENT_SKIPPED'

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

/** A queue was read in which no process has ever enqueued or processed anything: its name, namespace or store may be mistyped. See `QueueOptions.ifMissing`. */
export class QueueNotFound extends QueueError {
  readonly code = 'QUEUE_NOT_FOUND'

  constructor(queue: string, store: string, prefix: string) {
    super(
      `Queue "${queue}" does not exist in ${store}: nothing is stored below "${prefix}". Check the name, the namespace and the store. The first enqueue() or ` +
        'process() creates a queue; a tool that may start before that opens it with ifMissing: "empty".',
    )
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
 * Whether the call took effect is not known: the store did not confirm it within `acknowledgeTimeoutMs`, or refused a request after an earlier one for the same
 * call had no answer. It is the only error of an enqueue or a control command that may mean "perhaps". After a timeout the call is still retried for as long
 * as the process lives, a message with a payload object for 12 hours. `cause` is the last error of the store, or says what did not answer.
 */
export class NotAcknowledged extends QueueError {
  readonly code = 'NOT_ACKNOWLEDGED'

  constructor(message: string, cause: Error) {
    super(message, cause)
  }
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
 * Another process sent settlements or control commands that are about another log than the writer's: the store was restored or emptied under it. The writer
 * refused them. The other process notices by itself, and rejects its calls with `LogReplaced`.
 */
export class ForeignCommands extends QueueError {
  readonly code = 'FOREIGN_COMMANDS'
  /** The first inbox object of that process. */
  readonly key: string

  constructor(queue: string, key: string) {
    super(
      `A process still uses another log of queue "${queue}", or a later state of this one, as the store was restored or emptied under it: of ${key} only the ` +
        'enqueues were taken. Stop that process, follow "Restoring a backup" in docs/operations.md, and start it again.',
    )
    this.key = key
  }
}

/**
 * The log holds an event that does not fit the queue's state, and every process leaves it out. Reported, never thrown. The queue works; what the event was to
 * change has not happened, for instance a redrive of a message that had expired from the dead letters.
 */
export class EventSkipped extends QueueError {
  readonly code = 'EVENT_SKIPPED'
  /** The slot of the log that holds the event. */
  readonly slot: number

  constructor(queue: string, slot: number, type: string, reason: string) {
    super(
      `Slot ${slot} of the log of queue "${queue}" holds an event "${type}" that does not fit: ${reason}. Every process leaves it out, and the queue works on. ` +
        'Please report it: a version of S3Queue wrote an event that it should not have written.',
    )
    this.slot = slot
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

/** `thrown` as an error: JavaScript can throw anything. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
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
