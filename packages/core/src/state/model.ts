/**
 * The state of a queue: the fold of its log. Owned by one writer (or one follower) and changed by `applyEvent` alone.
 *
 * Untouched messages have no object of their own: a run stands for all messages of one enqueue that nobody has
 * claimed yet, in some tens of bytes whatever its length. Payloads stay in the commit they came with.
 */
import type { Deque } from './deque.ts'
import type { DeadReason, Extras, Report, Retention } from './events.ts'
import type { FailureHistory } from './failures.ts'
import { Heap } from './heap.ts'
import type { Live } from './live.ts'
import { type Names, noNames } from './names.ts'
import { Recent } from './recent.ts'
import type { Senders } from './senders.ts'

/** What the messages of one enqueue share for all their life. The message number `seq + n` has the payload `index + n` of commit `slot`. */
export interface Batch {
  readonly sender: string
  readonly seq: number
  /** How many messages came with it. */
  size: number
  readonly slot: number
  readonly index: number
  readonly priority: number
  readonly maxAttempts: number
  /** ms since 1970. */
  readonly enqueuedAt: number
  readonly extras: Extras | undefined
}

/** `count` messages of a batch in a row that wait: `seq`, `seq + 1`, … */
export interface Run {
  readonly id: number
  readonly batch: Batch
  seq: number
  count: number
  /** Not to be handed out before this moment; 0 for at once. */
  readonly visibleAt: number
  /** Attempts already made. */
  readonly attempts: number
  readonly failures: FailureHistory
  /** What was behind a message that was taken out of the middle: its turn comes right after this run's. */
  rest: Run | undefined
}

/** A message in the hands of a worker. */
export interface Claim {
  readonly batch: Batch
  readonly seq: number
  /** The fencing token: unique, and higher for every later claim. */
  readonly token: number
  readonly worker: string
  /** Which attempt this is, from 1 on. */
  readonly attempt: number
  readonly claimedAt: number
  /** How long the claim lasts from its commit, or from its latest extension. */
  timeoutMs: number
  readonly failures: FailureHistory
  /** What the handler reported; undefined until it does. */
  report: Report | undefined
  /** An operator wants the message back, and the worker has not confirmed yet that it stopped. */
  releasing: boolean
  /**
   * When a later term took the claim over, ms since 1970 in the log's time: since then no term has extended it. Undefined while a term may extend it
   * without a word in the log: see `engine/claims.ts`.
   */
  adoptedAt?: number | undefined
}

/** A message that nobody will try again by itself. */
export interface DeadLetter {
  readonly batch: Batch
  readonly seq: number
  readonly reason: DeadReason
  readonly attempts: number
  readonly diedAt: number
  readonly failures: FailureHistory
}

/** What is remembered of a completed message, for a while. */
export interface Completion {
  /** How many were completed before it. */
  readonly ordinal: number
  readonly attempts: number
  readonly enqueuedAt: number
  readonly completedAt: number
  /** JSON text. Undefined also where it is long: see `stored`. */
  readonly result: string | undefined
  /** Undefined also where it is long: see `stored`. */
  readonly report: Report | undefined
  /** Where the result, the report or both are, if they are long: in the event of commit `slot` that completed the claim `token`. */
  readonly stored: StoredOutcome | undefined
  /** Characters of the result and the report, wherever they are. */
  readonly chars: number
}

export interface StoredOutcome {
  readonly slot: number
  readonly token: number
}

export interface ChangeWatch {
  runChanges(run: Run): void
  claimChanges(claim: Claim): void
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
  paused: boolean
  /** Claims may be in the hands of other processes than the writer's: only a process with a transport may write. For ever once true. */
  shared: boolean
  retention: Retention
  /** All waiting runs by id, visible or not. */
  readonly runs: Map<number, Run>
  /** Visible runs by priority, first to go first. A run that was emptied is skipped when its turn comes. */
  readonly ready: Map<number, Deque<Run>>
  /** The keys of `ready`, highest first. */
  priorities: readonly number[]
  /** Runs that are not visible yet, earliest first. */
  readonly delayed: Heap<Run>
  readonly active: Map<number, Claim>
  /** How many of them each worker has; none is no entry. */
  readonly held: Map<string, number>
  /** Workers that left, and when, ms since 1970: for a while, as a writer may hear of them from what they left behind. */
  readonly left: Map<string, number>
  /** How many active messages have which priority; none is no entry. */
  readonly activePriorities: Map<number, number>
  /** By id, oldest first. */
  readonly dead: Recent<DeadLetter>
  /** By id, oldest first, within the retention. */
  readonly completed: Recent<Completion>
  /** Characters of the results and reports of all that are in `completed`. */
  completedChars: number
  readonly senders: Senders
  /** Ids and deduplication keys in use. */
  readonly names: Names
  /** Results of control commands by sender and number, for a while. */
  readonly answers: Map<string, { readonly result: number; readonly at: number }>
  /** How many payloads and long texts of each commit are still needed. */
  readonly live: Live
  /** Payload objects in use, those to be deleted, and since when others were seen that no message names, ms since 1970, oldest first. */
  readonly payloadKeys: {
    readonly used: Set<string>
    readonly garbage: Set<string>
    readonly unnamed: Map<string, number>
    /** When they were last looked for, or the queue began. */
    sweptAt: number
  }
  readonly counts: { waiting: number; delayed: number; completed: number }
  /** Runs that were emptied before their turn and may still stand in a row. */
  withdrawn: number
  /** Told before a run or a claim is changed, while a cut of the state is being read. */
  watch: ChangeWatch | undefined
}

/** The retention of a queue that nobody has configured yet. */
export const KEEP_NOTHING: Retention = {
  completedCount: 0,
  completedAgeMs: 0,
  completedBytes: 0,
  deadCount: Number.MAX_SAFE_INTEGER,
  deadAgeMs: Number.MAX_SAFE_INTEGER,
}

/** A message's id: its own, or who numbered it and the number in base 36. */
export function messageId({ batch, seq }: { readonly batch: Batch; readonly seq: number }): string {
  return batch.extras?.id ?? numberedId(batch.sender, seq)
}

/** The id of a message that was given none. */
export function numberedId(sender: string, seq: number): string {
  return `${sender}-${seq.toString(36)}`
}

/** Which payload of its commit a message has. */
export function payloadIndex({ batch, seq }: { readonly batch: Batch; readonly seq: number }): number {
  return batch.index + seq - batch.seq
}

/** A queue in which nothing has happened yet. */
export function emptyState(): QueueState {
  return {
    slot: 0,
    payloads: 0,
    now: 0,
    nextToken: 1,
    nextRun: 1,
    paused: false,
    shared: false,
    retention: KEEP_NOTHING,
    runs: new Map(),
    ready: new Map(),
    priorities: [],
    delayed: new Heap(
      ({ visibleAt }) => visibleAt,
      ({ id }) => id,
    ),
    active: new Map(),
    held: new Map(),
    left: new Map(),
    activePriorities: new Map(),
    dead: new Recent(),
    completed: new Recent(),
    completedChars: 0,
    senders: new Map(),
    names: noNames(),
    answers: new Map(),
    live: new Map(),
    payloadKeys: { used: new Set(), garbage: new Set(), unnamed: new Map(), sweptAt: 0 },
    counts: { waiting: 0, delayed: 0, completed: 0 },
    withdrawn: 0,
    watch: undefined,
  }
}

/** How many messages are in which condition. `total` is the sum of the others. */
export interface QueueStats {
  /** Visible, to be claimed at once. */
  readonly waiting: number
  /** Enqueued for later, or waiting out a backoff. */
  readonly delayed: number
  /** Claimed by a worker: its handler runs, or the worker holds it ahead of a free handler. `Queue.running` and `Queue.heldAhead` tell the two apart for one process. */
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

/** `count` claims more, or fewer, on messages of `priority` are in the hands of `worker`. */
export function countHeld(state: QueueState, worker: string, priority: number, count: number): void {
  addTo(state.held, worker, count)
  addTo(state.activePriorities, priority, count)
}

function addTo<K>(counts: Map<K, number>, key: K, count: number): void {
  const now = (counts.get(key) ?? 0) + count
  if (now === 0) counts.delete(key)
  else counts.set(key, now)
}
