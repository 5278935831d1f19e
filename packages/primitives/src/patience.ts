/**
 * How long to wait before trying again what must not be given up: resolving an unknown outcome, reading through an
 * outage. Full jitter keeps many processes from knocking in step (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */
import { type Clock, type Random, StoreError, sleep, Throttled, UnknownOutcome } from '@s3queue/storage'

/** How to wait for a store that fails for a while: with full jitter, and longer each time. */
export interface Patience {
  readonly clock: Clock
  readonly random: Random
  /** Upper bound of the first wait in ms; doubles each time. Default 50. */
  readonly baseMs?: number | undefined
  /** Upper bound of every wait in ms. Default 5,000. */
  readonly maxMs?: number | undefined
  /** Told of each error that is waited out, so that an outage does not go unseen. */
  readonly onTrouble?: ((error: unknown) => void) | undefined
}

/** Waits before attempt number `attempt` (1 for the first repetition), at least as long as the store asked for in `error`. */
export async function waitBeforeRetry(
  patience: Patience,
  attempt: number,
  error?: unknown,
  signal?: AbortSignal,
): Promise<void> {
  if (error !== undefined) patience.onTrouble?.(error)
  const max = patience.maxMs ?? 5000
  const bound = Math.min(max, (patience.baseMs ?? 50) * 2 ** (attempt - 1))
  const asked = error instanceof Throttled || error instanceof UnknownOutcome ? (error.retryAfterMs ?? 0) : 0
  await sleep(patience.clock, Math.min(asked, 12 * max) + patience.random.next() * bound, signal)
}

/** Calls `attempt` until it answers or fails in a way that time alone does not mend. */
export async function persistently<T>(patience: Patience, attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof StoreError) || !error.retriable) throw error
      await waitBeforeRetry(patience, n, error, signal)
    }
  }
}
