/**
 * The store's clock, read off its answers, so that all processes on one store share a clock: for delays and schedules, and as a hint for
 * speed. Never for safety: an answer may be late, a proxy may make up its `Date`, and a store that tells no time leaves the local clock as it is.
 */
import type { Answered, ObjectStore } from '../port/object-store.ts'
import type { Clock } from '../runtime/clock.ts'
import { createClockOffset } from './clock-offset.ts'

export interface StoreTimeStore extends ObjectStore {
  /**
   * The store's wall time as far as it is known, in ms since 1970. The local wall clock is believed as long as the answers allow it, and
   * corrected by as much as they prove: then it is right to about one round trip once there were some ten answers. May jump, like any wall clock.
   */
  now(): number
  /** `now()` minus the local wall time, in ms: 0 while the local clock is in agreement with the store. */
  offsetMs(): number
  /** How wide the range is in which the store's time must lie, in ms; undefined before the first answer that told a time. */
  uncertaintyMs(): number | undefined
}

/** Wraps `store` so that the times in its answers are watched. Put it beneath `withRetries`: a pause between attempts blurs what an answer proves. */
export function withStoreTime(store: ObjectStore, clock: Clock): StoreTimeStore {
  const offset = createClockOffset()

  const watch = async <T extends Answered>(request: () => Promise<T>): Promise<T> => {
    const sentMs = clock.monotonic()
    const answer = await request()
    if (answer.storeTimeMs !== undefined) offset.observe(answer.storeTimeMs, sentMs, clock.monotonic())
    return answer
  }
  const offsetMs = (): number => {
    const monotonicMs = clock.monotonic()
    const bounds = offset.bounds(monotonicMs)
    if (bounds === undefined) return 0
    const localLead = clock.now() - monotonicMs
    return Math.min(Math.max(localLead, bounds.low), bounds.high) - localLead
  }
  return {
    description: store.description,
    needsProbe: store.needsProbe,
    get: (key, options) => watch(() => store.get(key, options)),
    put: (key, body, options) => watch(() => store.put(key, body, options)),
    delete: (keys, options) => store.delete(keys, options),
    list: (options) => watch(() => store.list(options)),
    watch: store.watch?.bind(store),
    now: () => clock.now() + offsetMs(),
    offsetMs,
    uncertaintyMs() {
      const bounds = offset.bounds(clock.monotonic())
      return bounds && bounds.high - bounds.low
    },
  }
}
