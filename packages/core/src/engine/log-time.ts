/**
 * The time in a queue's log: the wall clock's, but never going back.
 *
 * When the wall clock is set back, by hand or because it was wrong, the log's time goes on at a little less than the pace of the monotonic clock until
 * the wall clock has caught up. So waits that were counted in it last about as long as they should, and moments that come from the wall
 * clock are translated.
 */
import type { Clock } from '@s3queue/storage'

/** How fast the log's time goes while it is ahead of the wall clock. */
const PACE = 0.9
/** The store tells its time by the second, and corrections of less are everyday. */
const NOTABLE_MS = 2_000

export class LogTime {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #wallNow: () => number
  #time: number
  #at: number

  /** `startAt`: where the log's time stands, ms since 1970. */
  constructor(clock: Pick<Clock, 'monotonic'>, wallNow: () => number, startAt: number) {
    this.#clock = clock
    this.#wallNow = wallNow
    this.#time = startAt
    this.#at = clock.monotonic()
  }

  /** ms since 1970. */
  now(): number {
    const at = this.#clock.monotonic()
    this.#time = Math.max(this.#wallNow(), this.#time + PACE * (at - this.#at))
    this.#at = at
    return this.#time
  }

  /** A moment by the wall clock, in the log's time. 0, for at once, stays. */
  fromWall(moment: number): number {
    const ahead = this.now() - this.#wallNow()
    return moment === 0 || ahead < NOTABLE_MS ? moment : Math.floor(moment + ahead)
  }
}
