/**
 * One time-out around everything a request does: waiting for credentials and for a connection, sending, the answer, its
 * body. It answers at its time whatever the work under it does, and aborts that work.
 */
import type { Clock } from '@s3queue/storage'

/** The work took too long. */
class RequestTimedOut extends Error {
  readonly code = 'ETIMEDOUT'

  constructor(limitMs: number, timeoutMs: number) {
    const allowance = Math.round(limitMs) === timeoutMs ? '' : `, plus 1 ms per KiB of body`
    super(`no answer within ${Math.round(limitMs)} ms (requestTimeoutMs: ${timeoutMs}${allowance})`)
    this.name = 'RequestTimedOut'
  }
}

export interface DeadlineOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  /** Bytes that are sent: each KiB adds 1 ms. */
  readonly bytes: number
  /** The caller's own signal: its reason is what the work ends with. */
  readonly signal: AbortSignal | undefined
}

export interface Deadline {
  /** Aborted when the time is up, and with the caller's signal. */
  readonly signal: AbortSignal
  /** Adds 1 ms for each KiB of a body that is about to arrive. */
  allow(bytes: number): void
}

/** Runs `work`; rejects with `RequestTimedOut` when its time is up, with the signal's reason when that is aborted. */
export function withDeadline<T>(options: DeadlineOptions, work: (deadline: Deadline) => Promise<T>): Promise<T> {
  const { clock, timeoutMs, signal } = options
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const controller = new AbortController()
    const startedAt = clock.monotonic()
    let limitMs = timeoutMs + options.bytes / 1024
    const end = (reason: unknown): void => {
      settle()
      reject(reason)
      controller.abort(reason)
    }
    const onAbort = (): void => end(signal?.reason)
    const startTimer = (): (() => void) =>
      clock.setTimer(startedAt + limitMs - clock.monotonic(), () => end(new RequestTimedOut(limitMs, timeoutMs)))
    let stopTimer = startTimer()
    const settle = (): void => {
      stopTimer()
      signal?.removeEventListener('abort', onAbort)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    const allow = (bytes: number): void => {
      if (controller.signal.aborted) return
      stopTimer()
      limitMs += bytes / 1024
      stopTimer = startTimer()
    }
    work({ signal: controller.signal, allow }).then(
      (value) => {
        settle()
        resolve(value)
      },
      (error) => {
        settle()
        reject(error)
      },
    )
  })
}
