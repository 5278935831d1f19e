import type { Clock } from '../../runtime/clock.ts'
import type { Background } from './faulty-request.ts'

export interface TrackedBackground extends Background {
  /** Effects that have not landed yet. */
  readonly pending: number
  /** Resolves once none is pending. */
  settled(): Promise<void>
}

/** Effects started later on `clock`, counted until they have landed. */
export function createBackground(clock: Clock): TrackedBackground {
  let pending = 0
  let waiters: (() => void)[] = []

  const land = (): void => {
    pending--
    if (pending > 0) return
    for (const resolve of waiters) resolve()
    waiters = []
  }
  return {
    get pending() {
      return pending
    },
    start(ms, effect) {
      pending++
      clock.setTimer(ms, () => {
        effect().then(land, land)
      })
    },
    settled: () => (pending === 0 ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))),
  }
}
