/**
 * The state of a queue: the fold of its log. Owned by one writer (or one follower) and changed by `applyEvent` alone.
 *
 * Untouched messages have no object of their own: a run stands for all messages of one enqueue that nobody has
 * claimed yet, in some tens of bytes whatever its length. Payloads stay in the commit they came with.
 */
import { Deque } from './deque.ts'
import type { DeadReason, Failure } from './events.ts'
import { Heap } from './heap.ts'
import type { Senders } from './senders.ts'

/** Where a message comes from and where its payload lies: what never changes in its life. */
export interface Origin {
  readonly sender: string
  /** The sender's number for it. Together with `sender` it is the message's id. */
  readonly seq: number
  /** The commit that holds the payload, and which payload there. */
  readonly slot: number
  readonly index: number
  readonly priority: number
  readonly maxAttempts: number
  /** ms since 1970. */
  readonly enqueuedAt: number
}

/** `count` messages in a row that wait: they differ in `seq` and `index` alone, both counting up. */
export interface Run extends Origin {
  readonly id: number
  seq: number
  index: number
  count: number
  /** Not to be handed out before this moment; 0 for at once. */
  readonly visibleAt: number
  /** Attempts already made. */
  readonly attempts: number
  readonly failures: readonly Failure[]
}

/** A message in the hands of a worker. */
export interface Claim extends Origin {
  /** The fencing token: unique, and higher for every later claim. */
  readonly token: number
  readonly worker: string
  /** Which attempt this is, from 1 on. */
  readonly attempt: number
  readonly claimedAt: number
  /** How long the claim lasts from its commit, or from its latest extension. */
  timeoutMs: number
  readonly failures: readonly Failure[]
}

/** A message that nobody will try again by itself. */
export interface DeadLetter extends Origin {
  readonly reason: DeadReason
  readonly attempts: number
  readonly diedAt: number
  readonly failures: readonly Failure[]
}

export interface QueueState {
  /** The commit that is being, or was last, folded in. */
  slot: number
  /** Payloads of that commit seen so far. */
  payloads: number
  /** The writer's clock as of the last `time` event, ms since 1970. Never goes back. */
  now: number
  nextToken: number
  nextRun: number
  /** All waiting runs by id, visible or not. */
  readonly runs: Map<number, Run>
  /** Visible runs by priority, first to go first. A run that was emptied is skipped when its turn comes. */
  readonly ready: Map<number, Deque<Run>>
  /** The keys of `ready`, highest first. */
  priorities: readonly number[]
  /** Runs that are not visible yet, earliest first. */
  readonly delayed: Heap<Run>
  readonly active: Map<number, Claim>
  readonly dead: Map<string, DeadLetter>
  readonly senders: Senders
  /** How many payloads of each commit are still needed. */
  readonly live: Map<number, number>
  readonly counts: { waiting: number; delayed: number; completed: number }
}

/** A message's id: who numbered it, and the number in base 36. */
export function messageId(origin: { readonly sender: string; readonly seq: number }): string {
  return `${origin.sender}-${origin.seq.toString(36)}`
}

/** A queue in which nothing has happened yet. */
export function emptyState(): QueueState {
  return {
    slot: 0,
    payloads: 0,
    now: 0,
    nextToken: 1,
    nextRun: 1,
    runs: new Map(),
    ready: new Map(),
    priorities: [],
    delayed: new Heap((a, b) => a.visibleAt < b.visibleAt || (a.visibleAt === b.visibleAt && a.id < b.id)),
    active: new Map(),
    dead: new Map(),
    senders: new Map(),
    live: new Map(),
    counts: { waiting: 0, delayed: 0, completed: 0 },
  }
}

/** How many messages are in which condition. `total` is the sum of the others. */
export interface QueueStats {
  /** Visible, to be claimed at once. */
  readonly waiting: number
  /** Enqueued for later, or waiting out a backoff. */
  readonly delayed: number
  /** Claimed by a worker. */
  readonly active: number
  readonly completed: number
  /** In the dead letters. */
  readonly dead: number
  readonly total: number
}

export function describeStats(state: QueueState): QueueStats {
  const { waiting, delayed, completed } = state.counts
  const active = state.active.size
  const dead = state.dead.size
  return { waiting, delayed, active, completed, dead, total: waiting + delayed + active + completed + dead }
}

/** The visible runs of a priority. */
export function readyRuns(state: QueueState, priority: number): Deque<Run> {
  let runs = state.ready.get(priority)
  if (runs === undefined) {
    runs = new Deque()
    state.ready.set(priority, runs)
    state.priorities = [...state.ready.keys()].sort((a, b) => b - a)
  }
  return runs
}

/** Adds a run of messages that wait. Returned messages go to the front of those with the same priority: they were first before. */
export function addRun(state: QueueState, run: Omit<Run, 'id'>, place: 'front' | 'back'): void {
  placeRun(state, { id: state.nextRun++, ...run }, place)
}

/** The same for a run that has an id. */
export function placeRun(state: QueueState, run: Run, place: 'front' | 'back'): void {
  state.runs.set(run.id, run)
  if (run.visibleAt > state.now) {
    state.delayed.push(run)
    state.counts.delayed += run.count
    return
  }
  const ready = readyRuns(state, run.priority)
  if (place === 'front') ready.pushFront(run)
  else ready.push(run)
  state.counts.waiting += run.count
}

/** Makes visible what is due at `now`. */
export function promoteDue(state: QueueState): void {
  for (let run = state.delayed.peek(); run !== undefined && run.visibleAt <= state.now; run = state.delayed.peek()) {
    state.delayed.pop()
    if (run.count === 0) continue
    readyRuns(state, run.priority).push(run)
    state.counts.delayed -= run.count
    state.counts.waiting += run.count
  }
}

/** One payload of `slot` is needed no more. */
export function dropPayload(state: QueueState, slot: number): void {
  const left = (state.live.get(slot) ?? 0) - 1
  if (left > 0) state.live.set(slot, left)
  else state.live.delete(slot)
}
