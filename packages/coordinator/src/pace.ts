/** How long to wait between two looks: short while something comes, longer and longer while nothing does. */
export class Pace {
  readonly #minMs: number
  readonly #maxMs: number
  #waitMs: number

  constructor(minMs: number, maxMs: number) {
    this.#minMs = Math.min(minMs, maxMs)
    this.#maxMs = maxMs
    this.#waitMs = this.#minMs
  }

  /** Something came, or is likely to. */
  quicken(): void {
    this.#waitMs = this.#minMs
  }

  /** The wait before the next look, at most `atMostMs`; the one after is twice as long. */
  next(atMostMs: number = Number.POSITIVE_INFINITY): number {
    const wait = Math.min(this.#waitMs, atMostMs)
    this.#waitMs = Math.min(this.#maxMs, this.#waitMs * 2)
    return wait
  }
}
