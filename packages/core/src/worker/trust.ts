/**
 * For how long a worker trusts a claim. The writer that lets it run out may be another process with another clock, so the worker takes a
 * little less than the claim's time, as the holder of a lease does: it gives up first as long as the two clocks differ by at most 1 %.
 */
const DRIFT = 0.01

/** How long to trust a claim that lasts `timeoutMs`. */
export function trustedMs(timeoutMs: number): number {
  return timeoutMs * (1 - DRIFT)
}

/** How long a claim must last to be trusted for `ms`, in whole ms. */
export function timeoutToTrust(ms: number): number {
  return Math.ceil(ms / (1 - DRIFT))
}
