/**
 * How often to poll an object while nothing changes: more often on a store that answers fast, such as MinIO in the same building, where reads cost nothing
 * and a second is long. On S3, where a read takes 20 ms and more and is charged, the interval is the one that the bill allows.
 */

/** Reads take up 2 % of the time at most. */
const SHARE = 50
const SHORTEST_MS = 200
/** What is closer than this to the last poll waits for the next one, in ms. */
const TOO_SOON_MS = 50
/** Share of the old latency that is left after a new measurement. */
const MEMORY = 0.7

export class PollInterval {
  #latencyMs: number | undefined

  /** A read took `ms`. */
  note(ms: number): void {
    this.#latencyMs = this.#latencyMs === undefined ? ms : MEMORY * this.#latencyMs + (1 - MEMORY) * ms
  }

  /** How long a request takes lately, in ms; 0 while none was measured. */
  get latencyMs(): number {
    return this.#latencyMs ?? 0
  }

  /**
   * How long to wait until the next poll. `atMostMs`: the interval on a store that charges for requests. There all processes poll at the same part of it, `phase` (0 to 1), by
   * their wall clocks: so workers poll right after the writer has had time to react, instead of half an interval later on average. Clocks that differ cost only that.
   */
  waitMs(atMostMs: number, phase: number, wallNow: number): number {
    const ms = this.#ms(atMostMs)
    if (ms < atMostMs) return ms
    const left = (phase * ms - (wallNow % ms) + ms) % ms
    return left < TOO_SOON_MS ? left + ms : left
  }

  #ms(atMostMs: number): number {
    if (this.#latencyMs === undefined) return atMostMs
    return Math.min(atMostMs, Math.max(SHORTEST_MS, SHARE * this.#latencyMs))
  }
}
