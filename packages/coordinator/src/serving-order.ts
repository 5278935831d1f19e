/**
 * The order in which remote workers are served: those that read their mailboxes soonest come first.
 *
 * A worker that sent a notice a moment ago reads its mailbox often. While all sleep it is the turn of the light sleepers, which read theirs about each second. A
 * heartbeat says nothing about how soon a worker reads.
 */

/** A worker that sent a notice within this time, in ms, reads its mailbox often. */
export const AWAKE_MS = 2000
/** How often a worker reads its mailbox in that time, and as long after it heard from the writer, at least: in ms, and more often where a request takes less than a twentieth of that. */
const AWAKE_LOOK_MS = 250
const NEAR_LOOK_MS = 100
const LATENCIES = 20

/** How often a worker that is awake reads its mailbox while it has nothing to do, in ms. */
export function awakeLookMs(latencyMs: number): number {
  return latencyMs === 0 ? AWAKE_LOOK_MS : Math.min(AWAKE_LOOK_MS, Math.max(NEAR_LOOK_MS, LATENCIES * latencyMs))
}

/** Light sleepers read their mailboxes this often while they have nothing to do, right after the writer reads the bell: some of all workers, so that a message soon has a handler. */
export const LIGHT_POLL_MS = 1050
/** On a store that charges for requests they do so this part of the interval after the writer reads the bell: by then it has handed out what came. */
export const LIGHT_PHASE = 0.4

/** A part of the visibility timeout: a ticket that waits longer in a mailbox has lost too much of its time. */
const LOOKS_PER_TIMEOUT = 3

/** How often a worker that is no light sleeper reads its mailbox while it has nothing to do, in ms. */
export function asleepMs({
  maxPollMs,
  visibilityTimeoutMs,
}: {
  readonly maxPollMs: number
  readonly visibilityTimeoutMs: number
}): number {
  return Math.min(maxPollMs, visibilityTimeoutMs / LOOKS_PER_TIMEOUT)
}

export interface Candidate {
  /** When its last notice came, monotonic. */
  readonly noticedAt: number
}

/** Whether it is likely to look into its mailbox soon. */
export function isAwake({ noticedAt }: Candidate, now: number): boolean {
  return now - noticedAt < AWAKE_MS
}

/** `latestFirst`: all candidates, by their last notices; looked at only as far as the caller goes. */
export function* inServingOrder<C extends Candidate>(
  latestFirst: Iterable<C>,
  lightSleepers: readonly C[],
  now: number,
): Generator<C, void, void> {
  const isAsleep = (candidate: C): boolean => !isAwake(candidate, now)
  let isEachAsleep = false
  for (const candidate of latestFirst) {
    if (!isEachAsleep && isAsleep(candidate)) {
      isEachAsleep = true
      yield* lightSleepers.filter(isAsleep)
    }
    if (isEachAsleep && lightSleepers.includes(candidate)) continue
    yield candidate
  }
}
