const MAX_MS = 366 * 24 * 3_600_000

/** Throws `RangeError` unless `ms` is a whole number of milliseconds from 0 to a year. */
export function assertDuration(what: string, ms: unknown): asserts ms is number {
  if (typeof ms === 'number' && Number.isInteger(ms) && ms >= 0 && ms <= MAX_MS) return
  throw new RangeError(`${what} takes a whole number of milliseconds from 0 to ${MAX_MS} (a year), not ${String(ms)}.`)
}
