/**
 * A queue as one process sees it at one moment: the state, and what other processes enqueued that the writer has not taken out of the inbox.
 * Statistics, lists and lookups read the same view, so they agree with each other.
 */
import type { Payload } from './state/batch-codec.ts'
import { describeStats, messageId, type QueueState, type QueueStats, type Run } from './state/model.ts'

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

/** A state by itself. */
export function viewOf(state: QueueState): QueueView {
  return { state, now: state.now, inbox: [] }
}

/** All runs that wait, those in the inbox last. */
export function* waitingRuns({ state, inbox }: QueueView): Generator<Run, void, void> {
  yield* state.runs.values()
  for (const { run } of inbox) yield run
}

export function statsOf({ state, now, inbox }: QueueView): QueueStats {
  const stats = { ...describeStats(state) }
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
