/**
 * The failed attempts of a message. Short texts are part of the state. Long ones stay in the commits that recorded them, and the state keeps
 * where they are: so the memory that a message takes has a bound, whatever its handlers throw.
 *
 * A commit that holds such a text is kept, as one with a payload is: see `QueueState.live`.
 */
import type { DeadReason, FailureRecord, FailureText, QueueEvent } from './events.ts'
import { type Live, release, retain } from './live.ts'

export interface FailureHistory {
  /** Those whose texts are short, oldest first. */
  readonly short: readonly FailureRecord[]
  /**
   * The others, oldest first, flat: for each one the attempt, when it was recorded, and where its text is. That is the commit's slot and the token
   * of the claim, or two numbers below one for a text that needs none: see `unsettled`.
   */
  readonly stored: readonly number[]
}

/** A failure whose text is in commit `slot`, in the event about `token`. */
export interface StoredFailure {
  readonly attempt: number
  readonly at: number
  readonly slot: number
  readonly token: number
}

export const NO_FAILURES: FailureHistory = { short: [], stored: [] }

const FAILURES_KEPT = 20
/** Characters of a message's short texts, in all: 100,000 dead letters with failures of usual length take some 80 MiB. */
const SHORT_CHARS = 160
/** Numbers for each stored failure. */
const WIDTH = 4

/** An attempt failed: what `text` says of it stands in the commit that is being applied, in an event about `token`. */
export function addFailure(
  live: Live,
  history: FailureHistory,
  failed: StoredFailure,
  text: FailureText,
): FailureHistory {
  const { attempt, at, slot, token } = failed
  const room = SHORT_CHARS - history.short.reduce((sum, failure) => sum + charsOf(failure), 0)
  if (charsOf(text) <= room) return trim(live, { ...history, short: [...history.short, { attempt, at, ...text }] })
  if (slot > 0) retain(live, slot)
  return trim(live, { ...history, stored: [...history.stored, attempt, at, slot, token] })
}

/** How an attempt failed whose claim ended without a settlement. `crashed`: the process of its worker has ended. */
export function unsettled(timeoutMs: number, crashed: boolean): FailureText {
  return crashed
    ? { name: 'ProcessEnded', message: 'the process of its worker has ended' }
    : { name: 'VisibilityTimeout', message: `no settlement within ${timeoutMs} ms` }
}

/** A claim ended without a settlement. No event has a text for it, so the numbers say it. */
export function addUnsettled(
  live: Live,
  history: FailureHistory,
  failed: Pick<StoredFailure, 'attempt' | 'at'>,
  timeoutMs: number,
  crashed: boolean,
): FailureHistory {
  return addFailure(
    live,
    history,
    { ...failed, slot: crashed ? -1 : 0, token: -timeoutMs },
    unsettled(timeoutMs, crashed),
  )
}

/** What is known without a look into the log; undefined for a failure whose text is there. */
export function textWithoutLog({ slot, token }: StoredFailure): FailureText | undefined {
  return slot > 0 ? undefined : unsettled(-token, slot < 0)
}

export function countFailures({ short, stored }: FailureHistory): number {
  return short.length + stored.length / WIDTH
}

/** All of them, oldest first. */
export function* failuresOf({ short, stored }: FailureHistory): Generator<FailureRecord | StoredFailure, void, void> {
  let next = 0
  for (const failure of storedFailures(stored)) {
    for (let first = short[next]; first !== undefined && isBefore(first, failure); first = short[++next]) yield first
    yield failure
  }
  yield* short.slice(next)
}

/** All of them, oldest first; undefined if some of their texts are in the log. */
export function textsAtHand(history: FailureHistory): readonly FailureRecord[] | undefined {
  if (history.stored.length === 0) return history.short
  const known: FailureRecord[] = []
  for (const failure of failuresOf(history)) {
    if ('message' in failure) {
      known.push(failure)
      continue
    }
    const text = textWithoutLog(failure)
    if (text === undefined) return undefined
    const { attempt, at } = failure
    known.push({ attempt, at, ...text })
  }
  return known
}

/** The commits that hold texts. */
export function* slotsOf({ stored }: FailureHistory): Generator<number, void, void> {
  for (const { slot } of storedFailures(stored)) if (slot > 0) yield slot
}

/** The message needs the texts of its failures no longer. */
export function dropFailures(live: Live, history: FailureHistory): void {
  if (history.stored.length > 0) for (const slot of slotsOf(history)) release(live, slot)
}

function* storedFailures(stored: readonly number[]): Generator<StoredFailure, void, void> {
  for (let i = 0; i + WIDTH <= stored.length; i += WIDTH) {
    const [attempt = 0, at = 0, slot = 0, token = 0] = stored.slice(i, i + WIDTH)
    yield { attempt, at, slot, token }
  }
}

function isBefore(a: FailureRecord, b: StoredFailure): boolean {
  return a.at < b.at || (a.at === b.at && a.attempt < b.attempt)
}

function trim(live: Live, history: FailureHistory): FailureHistory {
  if (countFailures(history) <= FAILURES_KEPT) return history
  const { short, stored } = history
  const [oldest] = failuresOf(history)
  if (oldest === short[0]) return { short: short.slice(1), stored }
  const [first] = slotsOf({ short: [], stored: stored.slice(0, WIDTH) })
  if (first !== undefined) release(live, first)
  return { short, stored: stored.slice(WIDTH) }
}

/** Characters of a failure, with all that is recorded of it. */
export function charsOf({ name, message, more, progress, log = [] }: FailureText): number {
  const rest = (more?.length ?? 0) + (progress?.length ?? 0)
  return log.reduce((sum, line) => sum + line.length, name.length + message.length + rest)
}

/** What an event says of a failure, without the rest of the event. */
export function failureTextOf({ name, message, more, progress, log }: FailureText): FailureText {
  return {
    ...{ name, message },
    ...(more === undefined ? {} : { more }),
    ...(progress === undefined ? {} : { progress }),
    ...(log === undefined ? {} : { log }),
  }
}

/** How a message died: what is reported of it. */
export interface Death {
  readonly reason: DeadReason
  /** Failures of its earlier attempts. */
  readonly earlier: FailureHistory
  readonly last: FailureRecord
}

/** How `claim` died at `at`, ms since 1970, as its event says. */
export function deathOf(
  claim: { readonly attempt: number; readonly failures: FailureHistory },
  at: number,
  event: Extract<QueueEvent, { type: 'died' }>,
): Death {
  const { attempt, failures: earlier } = claim
  return { reason: event.reason, earlier, last: { attempt, at, ...failureTextOf(event) } }
}

/** All failures of a death, the last ones that are kept, oldest first. */
export function failuresOfDeath({ earlier, last }: Death): (FailureRecord | StoredFailure)[] {
  return [...failuresOf(earlier), last].slice(-FAILURES_KEPT)
}
