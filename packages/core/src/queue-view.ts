/**
 * A queue as one process sees it at one moment: the state, and what other processes enqueued that the writer has not taken out of the inbox.
 * Statistics, lists and lookups read the same view, so they agree with each other.
 */
import type { Payload } from './state/batch-codec.ts'
import { isCompletionOver, isDeadOver } from './state/endings.ts'
import {
  type Completion,
  type DeadLetter,
  describeStats,
  messageId,
  type QueueState,
  type QueueStats,
  type Run,
} from './state/model.ts'

/** Messages that are acknowledged and still lie in the inbox. */
export interface InboxRun {
  /** As the writer will make it. Its place comes behind all that is in the log. */
  readonly run: Run
  /** Payloads by their place in the run; undefined if they were not asked for. */
  readonly payloads: readonly Payload[] | undefined
}

export interface QueueView {
  readonly state: QueueState
  /** ms since 1970. What is due by then is visible. */
  readonly now: number
  /** In the order of the inbox. Without those that the writer will find to be duplicates. */
  readonly inbox: readonly InboxRun[]
}

/** A state by itself, at `now`: the state's own clock does not move while nothing is committed. */
export function viewOf(state: QueueState, now: number): QueueView {
  return { state, now: Math.max(state.now, now), inbox: [] }
}

/** Dead letters within their age, oldest first. */
export function* deadLetters({ state, now }: QueueView): Generator<DeadLetter, void, void> {
  for (const dead of state.dead.values()) if (!isDeadOver(state, dead, now)) yield dead
}

/** Completed messages within their age, oldest first. */
export function* completions({ state, now }: QueueView): Generator<readonly [string, Completion], void, void> {
  for (const entry of state.completed) if (!isCompletionOver(state, entry[1], now)) yield entry
}

/** Dead letters beyond their age, which the state forgets at its next step. Costs no more than what it counts. */
function countExpiredDead({ state, now }: QueueView): number {
  const oldest = state.dead.oldest()
  if (oldest === undefined || !isDeadOver(state, oldest[1], now)) return 0
  let count = 0
  for (const dead of state.dead.values()) {
    if (!isDeadOver(state, dead, now)) break
    count++
  }
  return count
}

/** All runs that wait, those in the inbox last. */
export function* waitingRuns({ state, inbox }: QueueView): Generator<Run, void, void> {
  yield* state.runs.values()
  for (const { run } of inbox) yield run
}

export function statsOf(view: QueueView): QueueStats {
  const { state, now, inbox } = view
  const stats = { ...describeStats(state) }
  const expired = countExpiredDead(view)
  stats.dead -= expired
  stats.total -= expired
  if ((state.delayed.peek()?.visibleAt ?? Number.POSITIVE_INFINITY) <= now) {
    const due = [...state.delayed].filter((run) => run.visibleAt <= now).reduce((sum, run) => sum + run.count, 0)
    stats.waiting += due
    stats.delayed -= due
  }
  for (const { run } of inbox) {
    if (run.visibleAt > now) stats.delayed += run.count
    else stats.waiting += run.count
    stats.total += run.count
  }
  return stats
}

/** The age of the oldest visible message at the moment `now`, in ms; undefined if none is visible. A writer's view is as of its last commit, so its time may be old. */
export function oldestAgeOf(view: QueueView, now: number): number | undefined {
  let oldestAt = Number.POSITIVE_INFINITY
  for (const { count, visibleAt, batch } of waitingRuns(view))
    if (count > 0 && visibleAt <= view.now && batch.enqueuedAt < oldestAt) oldestAt = batch.enqueuedAt
  return oldestAt === Number.POSITIVE_INFINITY ? undefined : Math.max(0, Math.max(view.now, now) - oldestAt)
}

/** A message in the inbox. */
export interface InboxMessage {
  readonly run: Run
  readonly seq: number
  readonly payload: Payload | undefined
}

/** The message with this id, if it lies in the inbox. */
export function findInInbox({ inbox }: QueueView, id: string): InboxMessage | undefined {
  for (const { run, payloads } of inbox) {
    for (let i = 0; i < run.count; i++) {
      const seq = run.seq + i
      if (messageId({ batch: run.batch, seq }) === id) return { run, seq, payload: payloads?.[i] }
    }
  }
  return undefined
}
