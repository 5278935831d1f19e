/**
 * How long a commit waits for company. Waiting pays only if more is likely to come meanwhile, so it goes by what came
 * lately: with little traffic a commit leaves at once, whatever the user's linger is.
 */
import type { Clock } from '@s3queue/storage'

/** Share of the old rate that is left after one measurement. */
const MEMORY = 0.7

export class Pace {
  readonly #clock: Clock
  readonly #lingerMs: number
  /** Entries per ms, smoothed. */
  #rate = 0
  #entries = 0
  #openedAt: number | undefined
  #measuredAt: number

  constructor(clock: Clock, lingerMs: number) {
    this.#clock = clock
    this.#lingerMs = lingerMs
    this.#measuredAt = clock.monotonic()
  }

  /** `entries` have come for the next commit. */
  note(entries: number): void {
    this.#entries += entries
    this.#openedAt ??= this.#clock.monotonic()
  }

  /** A commit has left. */
  committed(): void {
    const now = this.#clock.monotonic()
    const elapsed = Math.max(1, now - this.#measuredAt)
    this.#rate = this.#rate * MEMORY + (this.#entries / elapsed) * (1 - MEMORY)
    this.#measuredAt = now
    this.#entries = 0
    this.#openedAt = undefined
  }

  /** How long the next commit should wait from now on, in ms. */
  lingerMs(): number {
    if (this.#lingerMs === 0) return 0
    const silence = this.#clock.monotonic() - this.#measuredAt
    const recent = this.#rate / Math.max(1, silence / (10 * this.#lingerMs))
    if (recent * this.#lingerMs < 1) return 0
    const open = this.#openedAt === undefined ? 0 : this.#clock.monotonic() - this.#openedAt
    return Math.max(0, this.#lingerMs - open)
  }
}
