/**
 * The state as bytes and back. Runs are written in the order of their queues and keep their ids, since
 * later commits speak of them: a state read back must go on exactly like the one that was written.
 */
import type { DeadReason, Extras, Failure, Retention } from './events.ts'
import { type Batch, type Completion, emptyState, messageId, type QueueState, type Report, type Run } from './model.ts'
import type { Named } from './names.ts'
import { chainOf, placeRun, visibleRuns } from './runs.ts'
import type { SenderRecord } from './senders.ts'

const FORMAT = 1

type BatchTuple = readonly [
  sender: string,
  seq: number,
  slot: number,
  index: number,
  priority: number,
  maxAttempts: number,
  enqueuedAt: number,
  extras: Extras | null,
]
/** Batches are written once and spoken of by their place in the list. */
type RunTuple = readonly [
  batch: number,
  seq: number,
  id: number,
  count: number,
  visibleAt: number,
  attempts: number,
  failures: readonly Failure[],
]
type ClaimTuple = readonly [
  batch: number,
  seq: number,
  token: number,
  worker: string,
  attempt: number,
  claimedAt: number,
  timeoutMs: number,
  failures: readonly Failure[],
  report: Report | null,
]
type DeadTuple = readonly [
  batch: number,
  seq: number,
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
  readonly paused: boolean
  readonly retention: Retention
  readonly completedCount: number
  readonly batches: readonly BatchTuple[]
  readonly runs: readonly RunTuple[]
  readonly active: readonly ClaimTuple[]
  readonly dead: readonly DeadTuple[]
  readonly completed: readonly (readonly [string, Completion])[]
  readonly senders: readonly (readonly [string, SenderRecord])[]
  readonly names: readonly (readonly [string, Named])[]
  readonly answers: readonly (readonly [string, { readonly result: number; readonly at: number }])[]
  readonly garbage: readonly string[]
}

/** Numbers batches in the order in which they are first spoken of. */
class BatchTable {
  readonly tuples: BatchTuple[] = []
  readonly #numbers = new Map<Batch, number>()

  numberOf(batch: Batch): number {
    let number = this.#numbers.get(batch)
    if (number === undefined) {
      const { sender, seq, slot, index, priority, maxAttempts, enqueuedAt, extras } = batch
      number = this.tuples.push([sender, seq, slot, index, priority, maxAttempts, enqueuedAt, extras ?? null]) - 1
      this.#numbers.set(batch, number)
    }
    return number
  }
}

/** The state as bytes. */
export function encodeState(state: QueueState): Uint8Array {
  const table = new BatchTable()
  const later = [...state.delayed].sort((a, b) => a.visibleAt - b.visibleAt || a.id - b.id)
  const runs = [...visibleRuns(state), ...later.flatMap((run) => [...chainOf(run)])].filter((run) => run.count > 0)
  const json: SnapshotJson = {
    format: FORMAT,
    slot: state.slot,
    now: state.now,
    nextToken: state.nextToken,
    nextRun: state.nextRun,
    paused: state.paused,
    retention: state.retention,
    completedCount: state.counts.completed,
    runs: runs.map((r) => [table.numberOf(r.batch), r.seq, r.id, r.count, r.visibleAt, r.attempts, r.failures]),
    active: Array.from(
      state.active.values(),
      (c): ClaimTuple => [
        ...([table.numberOf(c.batch), c.seq, c.token, c.worker, c.attempt, c.claimedAt] as const),
        ...([c.timeoutMs, c.failures, c.report ?? null] as const),
      ],
    ),
    dead: Array.from(
      state.dead.values(),
      (d): DeadTuple => [table.numberOf(d.batch), d.seq, d.reason, d.attempts, d.diedAt, d.failures],
    ),
    completed: [...state.completed],
    senders: [...state.senders],
    names: [...state.names],
    answers: [...state.answers],
    garbage: [...state.payloadKeys.garbage],
    batches: table.tuples,
  }
  return new TextEncoder().encode(JSON.stringify(json))
}

/** Reads a state back. Throws when the snapshot has another format. */
export function decodeState(bytes: Uint8Array): QueueState {
  const json = JSON.parse(new TextDecoder().decode(bytes)) as SnapshotJson
  if (json.format !== FORMAT) {
    throw new Error(`The snapshot has format ${json.format}; this version reads format ${FORMAT}. Use a newer version.`)
  }
  const state = emptyState()
  state.slot = json.slot
  state.now = json.now
  state.nextToken = json.nextToken
  state.nextRun = json.nextRun
  state.paused = json.paused
  state.retention = json.retention
  state.counts.completed = json.completedCount
  for (const [id, completion] of json.completed) state.completed.set(id, completion)
  for (const [sender, record] of json.senders) state.senders.set(sender, record)
  for (const [name, named] of json.names) state.names.set(name, named)
  for (const [key, answer] of json.answers) state.answers.set(key, answer)
  for (const key of json.garbage) state.payloadKeys.garbage.add(key)
  decodeMessages(state, json)
  return state
}

function decodeMessages(state: QueueState, json: SnapshotJson): void {
  const batches = json.batches.map(([sender, seq, slot, index, priority, maxAttempts, enqueuedAt, extras]): Batch => {
    if (extras?.payloadKey !== undefined) state.payloadKeys.used.add(extras.payloadKey)
    return { sender, seq, slot, index, priority, maxAttempts, enqueuedAt, extras: extras ?? undefined }
  })
  const use = (number: number, count: number): Batch => {
    const batch = batches[number] as Batch
    state.live.set(batch.slot, (state.live.get(batch.slot) ?? 0) + count)
    return batch
  }
  for (const [number, seq, id, count, visibleAt, attempts, failures] of json.runs) {
    const run: Run = { id, batch: use(number, count), seq, count, visibleAt, attempts, failures, rest: undefined }
    placeRun(state, run, 'back')
  }
  for (const [number, seq, token, worker, attempt, claimedAt, timeoutMs, failures, report] of json.active) {
    const batch = use(number, 1)
    state.active.set(token, {
      batch,
      seq,
      token,
      worker,
      attempt,
      claimedAt,
      timeoutMs,
      failures,
      report: report ?? undefined,
    })
  }
  for (const [number, seq, reason, attempts, diedAt, failures] of json.dead) {
    const dead = { batch: use(number, 1), seq, reason, attempts, diedAt, failures }
    state.dead.set(messageId(dead), dead)
  }
}
