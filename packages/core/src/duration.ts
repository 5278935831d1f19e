import { InvalidOption } from '@s3queue/storage'

/** The longest time that a user may name, in ms: a year. */
export const MAX_DURATION_MS: number = 366 * 24 * 3_600_000

/** Throws `InvalidOption` unless `ms` is a whole number of milliseconds from 0 to a year. */
export function assertDuration(who: string, option: string, ms: unknown, verb = 'must be'): asserts ms is number {
  if (typeof ms === 'number' && Number.isInteger(ms) && ms >= 0 && ms <= MAX_DURATION_MS) return
  throw new InvalidOption(
    who,
    option,
    `${verb} a whole number of milliseconds from 0 to ${MAX_DURATION_MS} (a year), not ${String(ms)}.`,
  )
}
