/** Durations as users write them: ms, or a number with a unit. */
import { InvalidOption } from '@s3queue/storage'

/** Milliseconds, or `'500ms'`, `'30s'`, `'5m'`, `'2h'`, `'1d'`. */
export type Duration = number | string

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

export interface DurationBounds {
  readonly min?: number
  readonly max?: number
  /** What a number counts. Default 1: ms. */
  readonly unitMs?: number
}

const LONGEST_MS = 366 * 86_400_000

/** In whole ms. Throws `InvalidOption` for what is no duration, or out of bounds. */
export function durationOption(
  owner: string,
  option: string,
  value: Duration | undefined,
  fallbackMs: number,
  { min = 0, max = LONGEST_MS, unitMs = 1 }: DurationBounds = {},
): number {
  if (value === undefined) return fallbackMs
  const ms = typeof value === 'number' ? value * unitMs : parse(value)
  if (ms !== undefined && Number.isInteger(ms) && ms >= min && ms <= max) return ms
  const given = typeof value === 'string' ? JSON.stringify(value) : String(value)
  throw new InvalidOption(
    owner,
    option,
    `must be a time from ${describe(min)} to ${describe(max)}, in ${unitMs === 1 ? 'ms' : 'seconds'} or as '30s', '5m', '2h', not ${given}.`,
  )
}

function parse(text: unknown): number | undefined {
  const match = typeof text === 'string' ? /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/.exec(text.trim()) : null
  return match === null ? undefined : Number(match[1]) * (UNITS[match[2] ?? ''] ?? Number.NaN)
}

function describe(ms: number): string {
  const [unit, size] = Object.entries(UNITS).findLast(([, of]) => ms >= of && ms % of === 0) ?? ['ms', 1]
  return ms === 0 ? '0' : `${ms / size} ${unit}`
}
