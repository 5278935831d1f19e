/**
 * How many messages to claim ahead of the handlers: enough that they never wait for a commit, and no more, so that others
 * get their share and little has to be given back at the end.
 *
 * It goes by the rate at which messages are finished and by how long a claim takes to arrive: a few round trips' worth of work. With that much at
 * hand nobody waits for the commit of what has ended, so that may wait for company: fewer commits for the same work.
 */
import type { Clock } from '@s3queue/storage'

const CYCLES = 3
/** How long what has ended may wait for company, in round trips, of which the commit before it takes one. */
const PATIENCE = 2.5
/** Where less than this would have ended by then, it waits until about so many have, but no longer than so many round trips. */
const COMPANY = 12
const MAX_PATIENCE = 12
/** In ms: at most, and at least to be worth a timer. */
const MAX_PATIENCE_MS = 250
const MIN_PATIENCE_MS = 2
/** Work for so long is enough, unless commits are further apart than that. */
const MAX_HORIZON_MS = 1000
const SLACK = 1.5
/** Share of the old measurement that is left after a new one. */
const MEMORY = 0.3

export class Prefetch {
  readonly #clock: Clock
  readonly #max: number
  readonly #lingerMs: number
  #rate = 0
  #roundTripMs = 0
  #finished = 0
  #since: number

  /** `lingerMs`: how long a commit may wait, which claims wait with it. */
  constructor(clock: Clock, max: number, lingerMs: number) {
    this.#clock = clock
    this.#max = max
    this.#lingerMs = lingerMs
    this.#since = clock.monotonic()
  }

  /** A message was finished. */
  finished(): void {
    this.#finished++
  }

  /** Nothing was finished for a long time: what was measured before says nothing any more. */
  stalled(): void {
    this.#rate = 0
    this.#finished = 0
    this.#since = this.#clock.monotonic()
  }

  /** Claims that were asked for at `askedAt` have arrived. */
  arrived(askedAt: number): void {
    const took = this.#clock.monotonic() - askedAt
    this.#roundTripMs = this.#roundTripMs === 0 ? took : this.#roundTripMs * MEMORY + took * (1 - MEMORY)
  }

  /** How many to hold beyond those being handled. Measures since the last call. */
  target(): number {
    const now = this.#clock.monotonic()
    const elapsed = now - this.#since
    if (elapsed >= 1 && this.#finished > 0) {
      this.#rate = this.#rate * MEMORY + (this.#finished / elapsed) * (1 - MEMORY)
      this.#finished = 0
      this.#since = now
    } else if (elapsed > MAX_HORIZON_MS + this.#lingerMs) {
      this.#rate = 0
      this.#since = now
    }
    const cycleMs = Math.max(1, this.#lingerMs + Math.max(this.#roundTripMs, this.#patienceMs()))
    const horizon = Math.min(Math.max(MAX_HORIZON_MS, SLACK * cycleMs), CYCLES * cycleMs)
    return Math.min(this.#max, Math.ceil(this.#rate * horizon))
  }

  /** How long what has ended may wait for company while `ready` messages of `logs` logs wait here for a handler. See `SlotPool`. */
  patienceMs(ready: number, logs: number): number {
    const patienceMs = this.#patienceMs()
    const isEnough = ready > this.#rate * (patienceMs + this.#roundTripMs)
    return isEnough && this.#rate * patienceMs >= logs ? patienceMs : 0
  }

  #patienceMs(): number {
    const gatheringMs = Math.min(MAX_PATIENCE * this.#roundTripMs, COMPANY / this.#rate)
    const patienceMs = Math.min(MAX_PATIENCE_MS, Math.max(PATIENCE * this.#roundTripMs, gatheringMs)) - this.#lingerMs
    return patienceMs < MIN_PATIENCE_MS ? 0 : patienceMs
  }
}
