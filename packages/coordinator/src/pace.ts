/** How long to wait between two looks: short while something comes, longer and longer while nothing does. Never shorter than the user wants. */
import type { Clock } from '@s3queue/storage'

export class Pace {
  readonly #clock: Clock
  readonly #minMs: () => number
  readonly #maxMs: number
  #waitMs: number
  #cancelTimer: () => void = () => {}
  #dueAt = 0
  #startedAt = 0
  #end: (() => void) | undefined

  constructor(clock: Clock, minMs: () => number, maxMs: number) {
    this.#clock = clock
    this.#minMs = () => Math.min(minMs(), maxMs)
    this.#maxMs = maxMs
    this.#waitMs = this.#minMs()
  }

  /** Something came, or is likely to: looks are close together again, and the next is soon. */
  quicken(): void {
    this.#waitMs = this.#minMs()
    this.soon()
  }

  /** The next look is soon, also if a longer wait has begun. */
  soon(): void {
    const minMs = this.#minMs()
    if (this.#end !== undefined && this.#dueAt > this.#clock.monotonic() + minMs) this.#arm(minMs, this.#end)
  }

  /** Something has come: the next look is now, but no sooner after the last one than the user wants. */
  now(): void {
    const minMs = this.#minMs()
    this.#waitMs = minMs
    if (this.#end === undefined) return
    this.#arm(Math.max(0, this.#startedAt + minMs - this.#clock.monotonic()), this.#end)
  }

  /** Waits for the next look, at most `atMostMs`, or until the signal is aborted; the wait after it is twice as long. */
  async wait(atMostMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const waitMs = Math.max(Math.min(this.#waitMs, atMostMs), this.#minMs())
    this.#waitMs = Math.min(this.#maxMs, this.#waitMs * 2)
    this.#startedAt = this.#clock.monotonic()
    const { promise, resolve } = Promise.withResolvers<void>()
    const end = (): void => {
      this.#end = undefined
      this.#cancelTimer()
      resolve()
    }
    signal.addEventListener('abort', end, { once: true })
    this.#end = end
    this.#arm(waitMs, end)
    await promise
    signal.removeEventListener('abort', end)
  }

  #arm(ms: number, end: () => void): void {
    this.#cancelTimer()
    this.#dueAt = this.#clock.monotonic() + ms
    this.#cancelTimer = this.#clock.setTimer(ms, end)
  }
}
