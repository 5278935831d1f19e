/**
 * How long after a payload object was begun a message may still name it. Objects that stay unnamed for longer are deleted, so whoever
 * wrote one and could not enqueue its message in time gives up.
 *
 * Both of a process's clocks are asked: the monotonic one stands still while a machine sleeps, the other may be set back. What passes the check
 * and is sent right before a long sleep does not land: S3 refuses requests that were signed over 15 minutes ago.
 */
import type { Clock } from '@s3queue/storage'
import { NotAcknowledged } from '../errors.ts'

const LIMIT_MS = 12 * 3_600_000

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

  /** Throws `NotAcknowledged` if it is too late. */
  assertOpen(): void {
    const { monotonic, now } = { monotonic: this.#clock.monotonic(), now: this.#clock.now() }
    if (monotonic - this.#monotonic <= LIMIT_MS && now - this.#wall <= LIMIT_MS) return
    throw new NotAcknowledged(
      `The message was not enqueued within ${LIMIT_MS / 3_600_000} hours after its payload was written, and is given up: the payload may have been deleted.`,
    )
  }
}

/** Whether all payload objects that a submission names may still be named. Rejects it if not. */
export function isInTime({
  limits = [],
  reject,
}: {
  readonly limits?: readonly NamingLimit[] | undefined
  readonly reject: (error: unknown) => void
}): boolean {
  try {
    for (const limit of limits) limit.assertOpen()
    return true
  } catch (error) {
    reject(error)
    return false
  }
}
