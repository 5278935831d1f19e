/**
 * How long after a payload object was begun a message may still name it. Objects that stay unnamed for longer are deleted, so whoever
 * wrote one and does not know in time that its message is durable gives up: it neither sends the message nor calls it enqueued.
 *
 * Both of a process's clocks are asked: the monotonic one stands still while a machine sleeps, the other may be set back.
 */
import type { Clock } from '@s3queue/storage'
import { NotAcknowledged } from '../errors.ts'

/** From before the first attempt to write the object until the message is known to be durable. */
export const NAMING_LIMIT_MS: number = 12 * 3_600_000

/** The time that is left to name a payload object. */
export class NamingLimit {
  readonly #clock: Clock
  readonly #monotonic: number
  readonly #wall: number

  /** It begins now: before the first attempt to write the object. */
  constructor(clock: Clock) {
    this.#clock = clock
    this.#monotonic = clock.monotonic()
    this.#wall = clock.now()
  }

  get isOver(): boolean {
    const elapsedMs = this.#clock.monotonic() - this.#monotonic
    return elapsedMs > NAMING_LIMIT_MS || this.#clock.now() - this.#wall > NAMING_LIMIT_MS
  }
}

interface Limited {
  /** Of the payload objects that its messages name. */
  readonly limits?: readonly NamingLimit[] | undefined
}

/** Whether a payload object that it names may not be named any more. */
export function isLate({ limits = [] }: Limited): boolean {
  return limits.some(({ isOver }) => isOver)
}

/** Whether it is in time. If not, whoever waits for it is told that it is given up. */
export function admitInTime(submission: Limited & { readonly reject: (error: unknown) => void }): boolean {
  if (!isLate(submission)) return true
  submission.reject(
    new NotAcknowledged(
      `The message was not known to be enqueued within ${NAMING_LIMIT_MS / 3_600_000} hours after its payload was written, and is given up: the payload may have been deleted. Enqueue it again.`,
      new Error('Payload objects that no message names are deleted, and the time to name this one is over.'),
    ),
  )
  return false
}
