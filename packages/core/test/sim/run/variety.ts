/** What single messages may have of their own, and how little of the past is kept: what a profile can add to a world. */
import type { Random } from '@s3queue/storage'
import type { EnqueueOptions } from '../../../src/index.ts'
import { chance, whole } from '../world/draw.ts'

export interface Variety {
  /** Share of enqueues with attempts, a backoff or a place of their own. */
  readonly settings: number
  /** Share of payloads that are bytes. */
  readonly bytes: number
  /** Completed messages beyond this are forgotten. */
  readonly completedCount: number
}

/** The most that a message may ask for. */
export const MOST_ATTEMPTS = 6
export const LONGEST_BACKOFF_MS = 3_000

export function drawVariety(random: Random): Variety {
  return {
    settings: chance(random, 0.5) ? 0 : random.next(),
    bytes: chance(random, 0.5) ? 0 : random.next(),
    completedCount: chance(random, 0.5) ? 100_000 : whole(random, 0, 10),
  }
}

/** Settings of one enqueue. `drawn`: those that it has in every world. */
export function withVariety(
  random: Random,
  variety: Variety | undefined,
  drawn: EnqueueOptions | undefined,
): EnqueueOptions | undefined {
  if (variety === undefined || !chance(random, variety.settings)) return drawn
  const baseMs = whole(random, 0, LONGEST_BACKOFF_MS)
  return {
    ...drawn,
    ...(chance(random, 0.5) ? { lifo: true } : {}),
    ...(chance(random, 0.5) ? { maxAttempts: whole(random, 1, MOST_ATTEMPTS) } : {}),
    ...(chance(random, 0.5) ? { backoff: { baseMs, maxMs: LONGEST_BACKOFF_MS, jitter: random.next() } } : {}),
  }
}
