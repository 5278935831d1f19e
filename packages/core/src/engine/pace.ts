/**
 * How long a commit waits for company. Waiting pays only if more is likely to come meanwhile, so it goes by what came
 * lately: with little traffic a commit leaves at once, whatever the user's linger is.
 */
import type { Clock } from '@s3queue/storage'

/** The rate is that of the last so many lingers, older ones counting less and less: what one message brings about is no traffic. */
const REMEMBERED_LINGERS = 10

export class Pace {
  readonly #clock: Clock
  readonly #lingerMs: number
  /** Entries per linger, smoothed, as of `#at`. */
  #rate = 0
  #at: number
  #openedAt: number | undefined
  #isOver = false

  constructor(clock: Clock, lingerMs: number) {
    this.#clock = clock
    this.#lingerMs = lingerMs
    this.#at = clock.monotonic()
  }

  /** `entries` have come for the next commit. */
  note(entries: number): void {
    if (this.#lingerMs === 0) return
    const now = this.#clock.monotonic()
    this.#rate = this.#rateAt(now) + entries / REMEMBERED_LINGERS
    this.#at = now
    this.#openedAt ??= now
  }

  /** A commit has left. */
  committed(): void {
    this.#openedAt = undefined
  }

  /** Nothing more will come that would be worth waiting for. */
  end(): void {
    this.#isOver = true
  }

  /** How long the next commit should wait from now on, in ms. */
  lingerMs(): number {
    if (this.#lingerMs === 0 || this.#isOver) return 0
    const now = this.#clock.monotonic()
    if (this.#rateAt(now) < 1) return 0
    return Math.max(0, this.#lingerMs - (now - (this.#openedAt ?? now)))
  }

  #rateAt(now: number): number {
    return this.#rate * Math.exp(-(now - this.#at) / (REMEMBERED_LINGERS * this.#lingerMs))
  }
}
