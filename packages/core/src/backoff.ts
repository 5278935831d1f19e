/** How long to wait between attempts: exponential, bounded, and with as much chance in it as the user wants. */
import { assertKnownKeys, InvalidOption, numberOption } from '@s3queue/storage'
import type { Backoff } from './state/events.ts'

/** The wait between attempts: `min(maxMs, baseMs * 2 ** (attempt - 1))`, less what is left to chance. */
export interface BackoffOptions {
  /** Wait before the second attempt, in ms, up to a day; doubles for each one after. Default 1,000, or `maxMs` if that is less. */
  readonly baseMs?: number | undefined
  /** Longest wait, in ms, at least `baseMs`, up to 31 days. Default 30,000, or `baseMs` if that is more. */
  readonly maxMs?: number | undefined
  /** Share of each wait that is left to chance, 0 to 1: 0.2 waits 80 to 100 % of it. Default 0. */
  readonly jitter?: number | undefined
}

/** A wait of one's own, in ms, after failed attempt number `attempt`. Known to this process alone: other writers use their own. */
export type BackoffFunction = (attempt: number, error: { readonly name: string; readonly message: string }) => number

const DAY_MS = 24 * 3_600_000

/** The wait after failed attempt number `attempt`, in whole ms. `random` is a number in [0, 1). */
export function backoffMs({ baseMs, maxMs, jitter }: Backoff, attempt: number, random: number): number {
  const full = Math.min(maxMs, baseMs * 2 ** (attempt - 1))
  return Math.round(full * (1 - jitter * random))
}

/** Fills in the defaults of a backoff. Throws `InvalidOption`, in the name of `who`. */
export function resolveBackoff(who: string, backoff: BackoffOptions = {}): Backoff {
  assertKnownKeys(who, backoff, ['baseMs', 'maxMs', 'jitter'])
  const wait = { max: 31 * DAY_MS, integer: true }
  const longest = numberOption(who, 'maxMs', backoff.maxMs, 30_000, wait)
  const baseMs = numberOption(who, 'baseMs', backoff.baseMs, Math.min(1000, longest), { ...wait, max: DAY_MS })
  if (backoff.maxMs !== undefined && baseMs > longest)
    throw new InvalidOption(who, 'maxMs', `must be at least baseMs (${baseMs}), not ${longest}.`)
  return {
    baseMs,
    maxMs: Math.max(longest, baseMs),
    jitter: numberOption(who, 'jitter', backoff.jitter, 0, { max: 1 }),
  }
}
