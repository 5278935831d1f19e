/**
 * Finds out before the first message whether a store keeps what everything above it rests on. It does what a specification cannot: some
 * servers ignore a condition, some check it and then write as a second step, and all of them answer 200.
 */
import { StoreUnavailable } from '../port/errors.ts'
import type { ObjectStore } from '../port/object-store.ts'
import { sleep } from '../runtime/clock.ts'
import { Broken, Doubtful, Inconclusive, unsupported } from './findings.ts'
import { type ProbeOptions, type ResolvedProbeOptions, resolveProbeOptions } from './probe-options.ts'
import { raceRound } from './races.ts'
import { createScratch, type Scratch } from './scratch.ts'
import { SEQUENTIAL_CHECKS } from './sequential-checks.ts'

export interface ProbeReport {
  /** The store's description. */
  readonly store: string
  /** How many requests the probe sent, its cleaning up among them. */
  readonly requests: number
  /** Races that were held: of create-only writes, and as many of if-match writes. */
  readonly rounds: number
  readonly writers: number
  /** Checks and races that were repeated because they had proved nothing. */
  readonly repeated: number
  /** Small objects that could not be cleaned up; they lie below `scratchPrefix`. */
  readonly leftBehind: number
  readonly scratchPrefix: string
  /** Undefined without a clock. */
  readonly durationMs: number | undefined
}

/** Rounds that are held at the same time, on keys of their own: the time of the probe is that of a third of them. */
const LANES = 3
/** How often a check is made until it is given up as unanswered. */
const ATTEMPTS = 8
/** How often a write must be refused that should have been taken, until the store is. */
const DOUBTS = 3
const PAUSE_MS = 200
const LONGEST_PAUSE_MS = 5_000

/**
 * Checks `store` and returns what that took. Throws `UnsupportedStore`, which names the store, the check and what it saw, if the store does not keep the port;
 * `StoreUnavailable` if a check got no usable answers, however often it was made; whatever else `store` throws that does not pass by itself.
 *
 * Costs 23 requests and `2 × writers + 2` for each round: 203 by default, which is a tenth of a cent on S3, in the time of about 40 requests
 * one after another. All objects lie below `<prefix>probe/<ulid>/` and are deleted at the end, plainly. A write that lands after its outcome was `unknown` may stay behind.
 */
export async function probeStore(store: ObjectStore, options: ProbeOptions): Promise<ProbeReport> {
  const resolved = resolveProbeOptions(options)
  const { clock, ids, rounds, writers, prefix, signal } = resolved
  signal?.throwIfAborted()
  const beganMs = clock?.monotonic() ?? 0
  const scratchPrefix = `${prefix}probe/${ids.ulid()}/`
  const scratch = createScratch(store, scratchPrefix, signal)
  let repeated = 0
  let leftBehind = 0
  try {
    repeated = await runChecks(scratch, resolved)
  } finally {
    leftBehind = await scratch.cleanUp()
  }
  return {
    store: store.description,
    requests: scratch.requests,
    rounds,
    writers,
    repeated,
    leftBehind,
    scratchPrefix,
    durationMs: clock && clock.monotonic() - beganMs,
  }
}

/** Runs all checks and returns how many had to be repeated. */
async function runChecks(scratch: Scratch, options: ResolvedProbeOptions): Promise<number> {
  const { ids, random, rounds, writers } = options
  let repeated = 0
  const decide = async (name: string, folder: string, check: (folder: string) => Promise<void>): Promise<void> => {
    const repetitions = await runUntilDecided(name, scratch, options, () => check(scratch.folder(folder)))
    repeated += repetitions
  }
  for (const { name, run } of SEQUENTIAL_CHECKS) await decide(name, 'check', (folder) => run(scratch, folder))

  let held = 0
  let failed = false
  const lane = async (): Promise<void> => {
    while (held < rounds && !failed) {
      const name = `race ${++held} of ${rounds}`
      await decide(name, 'race', (folder) => raceRound(scratch, folder, { random, writers, mark: () => ids.nonce() }))
    }
  }
  const stopOthers = (error: unknown): never => {
    failed = true
    throw error
  }
  // All lanes have ended before the scratch is cleaned up: a write that is still under way would stay behind.
  const lanes = await Promise.allSettled(
    Array.from({ length: Math.min(LANES, rounds) }, () => lane().catch(stopOthers)),
  )
  for (const result of lanes) if (result.status === 'rejected') throw result.reason
  return repeated
}

/** Makes a check until its writes are answered, and returns how often it had to be repeated. */
async function runUntilDecided(
  name: string,
  scratch: Scratch,
  { clock, random, signal }: ResolvedProbeOptions,
  check: () => Promise<void>,
): Promise<number> {
  let doubts = 0
  for (let repetitions = 0; ; repetitions++) {
    try {
      await check()
      return repetitions
    } catch (error) {
      if (error instanceof Doubtful && ++doubts < DOUBTS) continue
      if (error instanceof Broken) throw unsupported(scratch.description, name, error.saw)
      if (!(error instanceof Inconclusive)) throw error
      if (repetitions + 1 >= ATTEMPTS) {
        const problem = `gave no usable answer in the check "${name}", ${ATTEMPTS} times`
        throw new StoreUnavailable(`The store ${scratch.description} ${problem}. Try again later.`, {
          cause: error.cause,
        })
      }
      const drawnMs = random.next() * PAUSE_MS * 2 ** repetitions
      const pauseMs = Math.max(drawnMs, Math.min(error.retryAfterMs ?? 0, LONGEST_PAUSE_MS))
      if (clock) await sleep(clock, pauseMs, signal)
    }
  }
}
