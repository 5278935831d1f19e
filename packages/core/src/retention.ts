/** How long finished messages are remembered. */
import { assertKnownKeys, numberOption } from '@s3queue/storage'
import type { Retention } from './state/events.ts'

/**
 * How long finished messages are remembered. The oldest are forgotten first when any of these bounds is exceeded. It is a setting of the queue: what is not given stays as the
 * queue has it, and the defaults are those of a new one.
 */
export interface RetentionOptions {
  /** Completed messages to remember, with their results, 0 to 100,000. Default 1,000. */
  readonly completedCount?: number | undefined
  /** In ms. Default one day. */
  readonly completedAgeMs?: number | undefined
  /**
   * How much of their results, progress and logs to keep in the store, in characters of JSON: 0 to 2^40. The oldest completed messages are forgotten beyond it.
   * Default 268,435,456 (256 MiB).
   */
  readonly completedBytes?: number | undefined
  /** Dead letters to keep, 0 to 1,000,000. Default 100,000. */
  readonly deadCount?: number | undefined
  /** In ms. Default 30 days. */
  readonly deadAgeMs?: number | undefined
}

const DAY_MS = 24 * 3_600_000
const YEAR_MS = 366 * DAY_MS

/** Fills in the defaults of a retention. Throws `InvalidOption`, in the name of `who`. */
export function resolveRetention(who: string, retention: RetentionOptions = {}): Retention {
  assertKnownKeys(who, retention, ['completedCount', 'completedAgeMs', 'completedBytes', 'deadCount', 'deadAgeMs'])
  const keep = (option: keyof RetentionOptions, fallback: number, max: number): number =>
    numberOption(who, option, retention[option], fallback, { max, integer: true })
  return {
    completedCount: keep('completedCount', 1000, 100_000),
    completedAgeMs: keep('completedAgeMs', DAY_MS, 10 * YEAR_MS),
    completedBytes: keep('completedBytes', 256 << 20, 2 ** 40),
    deadCount: keep('deadCount', 100_000, 1_000_000),
    deadAgeMs: keep('deadAgeMs', 30 * DAY_MS, 10 * YEAR_MS),
  }
}
