/**
 * A clock that stands still until it is told to go on: the time of tests and simulations.
 *
 * Timers fire in the order in which they are due, and those due at the same moment in the order in which they were set. After each one the
 * event loop gets a turn, so that everything the timer woke has run before the next one fires. Only promises and
 * timers of this clock are waited for; real I/O is not, so nothing under test may do any.
 */
import { setImmediate } from 'node:timers'
import type { Clock } from '../../runtime/clock.ts'
import { createTimerQueue } from './timer-queue.ts'

export interface ManualClockOptions {
  /** Wall time at the start, in ms since 1970. Default 1,700,000,000,000 (November 2023). */
  readonly startMs?: number | undefined
}

export interface ManualClock extends Clock {
  /** Timers that are set and neither fired nor cancelled. */
  readonly pendingTimers: number
  /** Ms from now until the first pending timer is due; undefined if there is none. */
  nextTimerInMs(): number | undefined
  /** Lets `ms` pass and fires what is due on the way, also timers that are only set on the way. */
  advance(ms: number): Promise<void>
  /**
   * Goes from timer to timer until none is left, and returns how many ms that took. Throws after `limitMs` of the clock's
   * time (default 30 days): something then sets timers for ever.
   */
  runUntilIdle(options?: { readonly limitMs?: number | undefined }): Promise<number>
  /**
   * Goes from timer to timer until `promise` is settled, and settles the same way. Throws if no timer is left while the
   * promise is still pending (nobody will ever settle it), or after `limitMs` of the clock's time (default 30 days).
   */
  runUntil<T>(promise: Promise<T>, options?: { readonly limitMs?: number | undefined }): Promise<T>
  /** Goes to the first timer and fires it, without giving the event loop a turn. False if there is none. For drivers with a loop of their own. */
  fireNext(): boolean
  /** Lets everything run that waits for nothing but promises. */
  settle(): Promise<void>
  /** Sets the wall clock forward or back by `ms`; durations and timers do not notice. */
  jumpWall(ms: number): void
}

const DEFAULT_START_MS = 1_700_000_000_000
const DEFAULT_LIMIT_MS = 30 * 24 * 3_600_000

export function createManualClock(options: ManualClockOptions = {}): ManualClock {
  const timers = createTimerQueue()
  let elapsedMs = 0
  let wallOriginMs = options.startMs ?? DEFAULT_START_MS

  const nextTimerInMs = (): number | undefined => {
    const first = timers.peek()
    return first && Math.max(0, first.dueMs - elapsedMs)
  }
  const fireNext = (): boolean => {
    const timer = timers.take()
    if (timer === undefined) return false
    elapsedMs = Math.max(elapsedMs, timer.dueMs)
    timer.callback()
    return true
  }
  const runWhile = async (isGoingOn: () => boolean, limitMs = DEFAULT_LIMIT_MS): Promise<void> => {
    const startMs = elapsedMs
    await settle()
    while (isGoingOn()) {
      const nextMs = nextTimerInMs()
      if (nextMs === undefined) {
        throw new Error('The promise is still pending and no timer is left that could settle it.')
      }
      assertWithin(limitMs, elapsedMs - startMs + nextMs)
      fireNext()
      await settle()
    }
  }
  return {
    now: () => wallOriginMs + elapsedMs,
    monotonic: () => elapsedMs,
    setTimer(ms, callback) {
      if (!Number.isFinite(ms)) throw new RangeError(`A timer needs a finite number of ms, not ${ms}.`)
      return timers.add({ dueMs: elapsedMs + Math.max(0, ms), callback })
    },
    get pendingTimers() {
      return timers.size
    },
    nextTimerInMs,
    async advance(ms) {
      assertForward(ms)
      const endMs = elapsedMs + ms
      await settle()
      for (let first = timers.peek(); first && first.dueMs <= endMs; first = timers.peek()) {
        fireNext()
        await settle()
      }
      elapsedMs = endMs
    },
    async runUntilIdle({ limitMs } = {}) {
      const startMs = elapsedMs
      await runWhile(() => timers.size > 0, limitMs)
      return elapsedMs - startMs
    },
    async runUntil(promise, { limitMs } = {}) {
      let isPending = true
      const onSettled = (): void => {
        isPending = false
      }
      promise.then(onSettled, onSettled)
      await runWhile(() => isPending, limitMs)
      return promise
    },
    fireNext,
    settle,
    jumpWall(ms) {
      wallOriginMs += ms
    },
  }
}

/** One turn of the event loop: every promise that can be settled without I/O is settled before it comes. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function assertWithin(limitMs: number, passedMs: number): void {
  if (passedMs > limitMs)
    throw new Error(`The clock was about to pass the limit of ${limitMs} ms: something sets timers for ever.`)
}

function assertForward(ms: number): void {
  if (ms >= 0) return
  throw new RangeError(`The clock cannot go forward by ${ms} ms. To set the wall clock back, use jumpWall.`)
}
