/**
 * Time as an injected port. Everything above takes a `Clock`, so that a simulation can run a month in seconds and
 * pause a process at any point.
 */
export interface Clock {
  /** Wall time in ms since 1970. May jump; good for timestamps and schedules alone. */
  now(): number
  /** Ms since some moment in the past; never goes back. Good for durations. */
  monotonic(): number
  /** Calls `callback` once after `ms` (0: once all that is due now has run), unless the function that it returns was called before. */
  setTimer(ms: number, callback: () => void): () => void
}

/** Resolves after `ms` on `clock`; rejects with the signal's reason when it is aborted before. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = (): void => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** `promise`, but for at most `ms` on `clock`: then it rejects with what `late` makes. */
export function inTime<T>(clock: Clock, ms: number, promise: Promise<T>, late: () => Error): Promise<T> {
  const { promise: timer, reject } = Promise.withResolvers<never>()
  const cancel = clock.setTimer(ms, () => reject(late()))
  return Promise.race([promise, timer]).finally(cancel)
}
