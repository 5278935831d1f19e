/**
 * How many messages a worker claims ahead of its handlers: enough that no handler waits for the writer, and no more.
 *
 * Owns two measurements: how long handlers take, and how long a claim takes to arrive (the cycle). Durations decide, not the rate at which handlers
 * end: two handlers of a second that end together look like thousands of messages a second, and a worker that believed it took the whole backlog.
 */
import type { Clock } from '@s3queue/storage'

/** Work ahead, in cycles: one on its way, one that is late, and one for handlers that end together. */
const CYCLES = 3
/** Handlers that take a hundred cycles lose at most 1 % by waiting for one: they need nothing ahead. */
const NEGLIGIBLE_SHARE = 0.01
/** Settlements may wait for others for this many round trips, of which the commit before them takes one. */
const BATCHING_ROUND_TRIPS = 2.5
/** Where fewer would have ended by then, they wait until about this many have, for this many round trips at most. */
const BATCH_SIZE = 12
const MAX_BATCHING_ROUND_TRIPS = 12
/** In ms: the longest wait, and the shortest that is worth a timer. */
const MAX_BATCHING_MS = 250
const MIN_BATCHING_MS = 2
/** Work for this long is enough, unless cycles are longer. */
const MAX_HORIZON_MS = 1000
const SLACK = 1.5
/** Work ahead of a worker whose writer is in another process, in ms: enough for visits that are half a second apart, which cost a third of more frequent ones. */
const FAR_HORIZON_MS = 2000
/** A cycle with a writer in another process takes at least this long, in ms: both read only every now and then. */
const SHORTEST_FAR_CYCLE_MS = 100
/** Share of the old measurement of a round trip that is left after a new one. */
const MEMORY = 0.3
/** The mean duration is of about this many handlers, and of this many for each that runs at once: fewer would often miss the long ones of a mixture. */
const HANDLERS_REMEMBERED = 64
const REMEMBERED_PER_SLOT = 4
/** The typical duration is of about this many: it follows a change of the workload quickly. */
const TYPICAL_OF = 16
/** Where durations are mixed, this many times the work of equal durations is held ahead at most. */
const MIXTURE = 2
/** What exceeds whole messages by less is measuring error: a message more than others hold is a round more for one handler. */
const ROUNDING = 0.25
/** No handler takes less, in ms: what is shorter cannot be measured. */
const SHORTEST_MS = 0.002
/** A worker whose writer is another process sends its settlements and reads its mailbox this many times while its tickets last, and less often where that is long. */
const VISITS_WHILE_READY = 3
const LONG_MS = 1000
const VISITS_WHILE_LONG = 2

export class Prefetch {
  readonly #clock: Clock
  readonly #concurrency: number
  readonly #max: number
  readonly #lingerMs: number
  #roundTripMs = 0
  #handlers = 0
  /** Handlers running now, and the sum of the moments at which they started. */
  #running = 0
  #startedAtSum = 0
  /** Time that handlers took that have ended, and how many these are. Both fade. */
  #endedMs = 0
  #ended = 0
  /** Mean logarithm of a duration: the geometric mean, which a few long handlers among many short ones hardly change. */
  #meanLog = 0

  /** `lingerMs`: how long a commit may wait, which claims wait with it. */
  constructor(clock: Clock, concurrency: number, max: number, lingerMs: number) {
    this.#clock = clock
    this.#concurrency = concurrency
    this.#max = max
    this.#lingerMs = lingerMs
  }

  /** A handler starts. */
  started(now: number): void {
    this.#running++
    this.#startedAtSum += now
  }

  /** A handler that started at `startedAt` has ended. */
  endedAt(now: number, startedAt: number): void {
    this.#running--
    // Begins anew where it can: rounding errors must not pile up for as long as the process lasts.
    this.#startedAtSum = this.#running === 0 ? 0 : this.#startedAtSum - startedAt
    this.#handlers++
    const memory = Math.max(HANDLERS_REMEMBERED, REMEMBERED_PER_SLOT * this.#concurrency)
    const kept = 1 - 1 / memory
    this.#endedMs = this.#endedMs * kept + now - startedAt
    this.#ended = this.#ended * kept + 1
    const log = Math.log(Math.max(SHORTEST_MS, now - startedAt))
    this.#meanLog += (log - this.#meanLog) / Math.min(this.#handlers, TYPICAL_OF)
  }

  /** Claims that were requested at `askedAt` have arrived. */
  arrived(askedAt: number): void {
    const took = this.#clock.monotonic() - askedAt
    this.#roundTripMs = this.#roundTripMs === 0 ? took : this.#roundTripMs * MEMORY + took * (1 - MEMORY)
  }

  /** Messages per ms that the handlers finish while all of them are busy; 0 until the first has ended. */
  get rate(): number {
    return this.#handlers === 0 ? 0 : this.#concurrency / this.#meanMs
  }

  /** With the time of those that still run: long handlers end late. */
  get #meanMs(): number {
    const runningMs = this.#running * this.#clock.monotonic() - this.#startedAtSum
    return Math.max(SHORTEST_MS, (this.#endedMs + runningMs) / this.#ended)
  }

  /** How many to hold beyond those being handled. `isFar`: the writer is in another process. */
  target(isFar: boolean): number {
    if (this.#handlers === 0) return 0
    const typicalMs = Math.exp(this.#meanLog)
    const shortestMs = isFar ? SHORTEST_FAR_CYCLE_MS : 1
    const cycleMs = Math.max(shortestMs, this.#lingerMs + Math.max(this.#roundTripMs, this.#batchingMs()))
    if (cycleMs < NEGLIGIBLE_SHARE * typicalMs) return 0
    const nearMs = Math.min(Math.max(MAX_HORIZON_MS, SLACK * cycleMs), CYCLES * cycleMs)
    const horizonMs = isFar ? Math.max(FAR_HORIZON_MS, nearMs) : nearMs
    const rounds = horizonMs / this.#meanMs
    // A row of short handlers among long ones is not to end within a cycle.
    const rowRounds = Math.min(cycleMs / typicalMs, MIXTURE * rounds)
    // Handlers that began together end together: each of them may need its next message at that moment.
    const wanted = Math.max(rowRounds, rounds < 1 ? Math.min(1, 2 * rounds) : rounds)
    return Math.min(this.#max, Math.ceil(this.#concurrency * wanted - ROUNDING))
  }

  /** How long `ready` tickets keep the handlers busy, in ms. */
  lastsMs(ready: number): number {
    return this.#handlers === 0 ? 0 : ready / this.rate
  }

  /** How long a visit to the writer may wait while `ready` tickets are at hand, in ms: several visits fit into that time. */
  visitMs(ready: number): number {
    const lastsMs = this.lastsMs(ready)
    return lastsMs / (lastsMs < LONG_MS ? VISITS_WHILE_READY : VISITS_WHILE_LONG)
  }

  /** How long settlements may wait for others while `ready` messages of `logs` logs are at hand. See `SlotPool`. */
  batchingMs(ready: number, logs: number): number {
    const batchingMs = this.#batchingMs()
    const isEnough = ready > this.rate * (batchingMs + this.#roundTripMs)
    return isEnough && this.rate * batchingMs >= logs ? batchingMs : 0
  }

  #batchingMs(): number {
    if (this.#handlers === 0) return 0
    const gatheringMs = Math.min(MAX_BATCHING_ROUND_TRIPS * this.#roundTripMs, BATCH_SIZE / this.rate)
    const longestMs = Math.min(MAX_BATCHING_MS, Math.max(BATCHING_ROUND_TRIPS * this.#roundTripMs, gatheringMs))
    const batchingMs = longestMs - this.#lingerMs
    return batchingMs < MIN_BATCHING_MS ? 0 : batchingMs
  }
}
