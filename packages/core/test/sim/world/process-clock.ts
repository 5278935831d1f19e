/** The clocks of one virtual process: a wall clock that is off and may jump, a monotonic one that drifts, and timers behind the gate. */
import type { Clock } from '@s3queue/storage'
import type { Gate } from './gate.ts'

export interface ProcessClock extends Clock {
  /** Timers that are neither fired nor cancelled. */
  readonly pendingTimers: number
  /** Sets the wall clock forward or back. */
  jumpWall(ms: number): void
}

export interface ProcessClockOptions {
  /** The time of the world. */
  readonly world: Clock
  readonly gate: Gate
  /** How fast it runs: 1.004 gains 4 ms a second. */
  readonly rate: number
  /** How far its wall clock is ahead at the start, in ms. */
  readonly aheadMs: number
}

/** What passes between two readings of a clock, at least, in ms: so the process's time moves on between any two of its steps, and a millisecond may end there. */
const STEP_MS = 0.02

export function createProcessClock({ world, gate, rate, aheadMs }: ProcessClockOptions): ProcessClock {
  const startedAt = world.monotonic()
  const wallOrigin = world.now() + aheadMs
  let jumpedMs = 0
  let pendingTimers = 0
  let last = 0
  let aheadOfWorldMs = 0
  const monotonic = (): number => {
    const real = (world.monotonic() - startedAt) * rate
    aheadOfWorldMs = real > last ? Math.max(0, aheadOfWorldMs - (real - last)) : aheadOfWorldMs + STEP_MS
    last = real
    return real + aheadOfWorldMs
  }

  return {
    monotonic,
    now: () => wallOrigin + jumpedMs + monotonic(),
    setTimer(ms, callback) {
      let isOver = false
      pendingTimers++
      const end = (): boolean => {
        if (isOver) return false
        isOver = true
        pendingTimers--
        return true
      }
      // A timer never fires before the clock shows its time; one of 0 ms fires in this turn.
      const cancel = world.setTimer(ms > 0 ? (ms + aheadOfWorldMs) / rate : 0, () =>
        gate.pass('timer', () => {
          if (end()) callback()
        }),
      )
      return () => {
        if (end()) cancel()
      }
    },
    get pendingTimers() {
      return pendingTimers
    },
    jumpWall(ms) {
      jumpedMs += ms
    },
  }
}
