/** How long to wait between attempts: exponential, bounded, and with as much chance in it as the user wants. */
import type { Backoff } from './state/events.ts'

/** The wait after failed attempt number `attempt`, in whole ms. `random` is a number in [0, 1). */
export function backoffMs({ baseMs, maxMs, jitter }: Backoff, attempt: number, random: number): number {
  const full = Math.min(maxMs, baseMs * 2 ** (attempt - 1))
  return Math.round(full * (1 - jitter * random))
}
