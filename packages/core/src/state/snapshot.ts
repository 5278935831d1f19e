/**
 * The state as bytes and back. Runs are written in the order of their queues and keep their ids, since
 * later commits speak of them: a state read back must go on exactly like the one that was written.
 */
import type { DeadReason, Failure } from './events.ts'
import {
  type Claim,
  type DeadLetter,
  emptyState,
  messageId,
  type Origin,
  placeRun,
  type QueueState,
  type Run,
} from './model.ts'
import type { SenderRecord } from './senders.ts'

const FORMAT = 1

type OriginTuple = readonly [
  sender: string,
  seq: number,
  slot: number,
  index: number,
  priority: number,
  maxAttempts: number,
  enqueuedAt: number,
]
type RunTuple = readonly [
  ...OriginTuple,
  id: number,
  count: number,
  visibleAt: number,
  attempts: number,
  failures: readonly Failure[],
]
type ClaimTuple = readonly [
  ...OriginTuple,
  token: number,
  worker: string,
  attempt: number,
  claimedAt: number,
  timeoutMs: number,
  failures: readonly Failure[],
]
type DeadTuple = readonly [
  ...OriginTuple,
  reason: DeadReason,
  attempts: number,
  diedAt: number,
  failures: readonly Failure[],
]

interface SnapshotJson {
  readonly format: number
  readonly slot: number
  readonly now: number
  readonly nextToken: number
  readonly nextRun: number
  readonly completed: number
  readonly runs: readonly RunTuple[]
  readonly active: readonly ClaimTuple[]
  readonly dead: readonly DeadTuple[]
  readonly senders: readonly (readonly [string, SenderRecord])[]
}

function originOf(o: Origin): OriginTuple {
  return [o.sender, o.seq, o.slot, o.index, o.priority, o.maxAttempts, o.enqueuedAt]
}

function toOrigin(t: readonly [...OriginTuple, ...unknown[]]): Origin {
  const [sender, seq, slot, index, priority, maxAttempts, enqueuedAt] = t
  return { sender, seq, slot, index, priority, maxAttempts, enqueuedAt }
}

function runTuple(r: Run): RunTuple {
  return [...originOf(r), r.id, r.count, r.visibleAt, r.attempts, r.failures]
}

/** The state as bytes. */
export function encodeState(state: QueueState): Uint8Array {
  const visible = state.priorities.flatMap((priority) => [...(state.ready.get(priority) ?? [])])
  const later = [...state.delayed].sort((a, b) => a.visibleAt - b.visibleAt || a.id - b.id)
  const json: SnapshotJson = {
    format: FORMAT,
    slot: state.slot,
    now: state.now,
    nextToken: state.nextToken,
    nextRun: state.nextRun,
    completed: state.counts.completed,
    runs: [...visible, ...later].filter((run) => run.count > 0).map(runTuple),
    active: Array.from(
      state.active.values(),
      (c) => [...originOf(c), c.token, c.worker, c.attempt, c.claimedAt, c.timeoutMs, c.failures] as const,
    ),
    dead: Array.from(state.dead.values(), (d) => [...originOf(d), d.reason, d.attempts, d.diedAt, d.failures] as const),
    senders: [...state.senders],
  }
  return new TextEncoder().encode(JSON.stringify(json))
}

/** Reads a state back. Throws when the snapshot has another format. */
export function decodeState(bytes: Uint8Array): QueueState {
  const json = JSON.parse(new TextDecoder().decode(bytes)) as SnapshotJson
  if (json.format !== FORMAT)
    throw new Error(`The snapshot has format ${json.format}; this version reads format ${FORMAT}. Use a newer version.`)
  const state = emptyState()
  state.slot = json.slot
  state.now = json.now
  state.nextToken = json.nextToken
  state.nextRun = json.nextRun
  state.counts.completed = json.completed
  const keep = (slot: number, count: number): void => void state.live.set(slot, (state.live.get(slot) ?? 0) + count)
  for (const tuple of json.runs) {
    const [, , slot, , , , , id, count, visibleAt, attempts, failures] = tuple
    placeRun(state, { ...toOrigin(tuple), id, count, visibleAt, attempts, failures }, 'back')
    keep(slot, count)
  }
  for (const tuple of json.active) {
    const [, , slot, , , , , token, worker, attempt, claimedAt, timeoutMs, failures] = tuple
    const claim: Claim = { ...toOrigin(tuple), token, worker, attempt, claimedAt, timeoutMs, failures }
    state.active.set(token, claim)
    keep(slot, 1)
  }
  for (const tuple of json.dead) {
    const [, , slot, , , , , reason, attempts, diedAt, failures] = tuple
    const dead: DeadLetter = { ...toOrigin(tuple), reason, attempts, diedAt, failures }
    state.dead.set(messageId(dead), dead)
    keep(slot, 1)
  }
  for (const [sender, record] of json.senders) state.senders.set(sender, record)
  return state
}
