/** From the lines of a snapshot back to a state. */
import { unpackNumbers, unpackValues } from './columns.ts'
import { enterCompletion } from './endings.ts'
import { type FailureHistory, slotsOf } from './failures.ts'
import { retain } from './live.ts'
import { type Batch, countHeld, messageId, type QueueState } from './model.ts'
import { placeRun } from './runs.ts'
import {
  type AnswerLine,
  type CompletedLine,
  type EndedLine,
  FORMAT,
  type GarbageLine,
  type HeadLine,
  type KeyLine,
  type LeftLine,
  type Line,
  type SenderLine,
  type UnnamedLine,
} from './snapshot-lines.ts'
import { type ClaimColumns, type DeadColumns, RowReader, type RunColumns } from './snapshot-rows.ts'

/** Reads line after line into an empty state. */
export class SnapshotReader {
  readonly #state: QueueState
  readonly #rows = new RowReader()
  #hasHead = false

  constructor(state: QueueState) {
    this.#state = state
  }

  /** Throws when the snapshot has another format. */
  read(line: Line): void {
    if (!this.#hasHead) {
      const { format } = line as Partial<HeadLine>
      if (line.kind !== 'head' || format !== FORMAT) {
        throw new Error(`The snapshot has format ${format}; this version reads format ${FORMAT}. Use a newer version.`)
      }
      this.#hasHead = true
    }
    const state = this.#state
    if (line.kind === 'head') readHead(state, line)
    else if (line.kind === 'senders') readSenders(state, line)
    else if (line.kind === 'completed') readCompleted(state, line)
    else if (line.kind === 'ended') readEnded(state, line)
    else if (line.kind === 'keys') readKeys(state, line)
    else if (line.kind === 'answers') readAnswers(state, line)
    else if (line.kind === 'left') readLeft(state, line)
    else if (line.kind === 'garbage') readGarbage(state, line)
    else if (line.kind === 'unnamed') readUnnamed(state, line)
    else this.#readMessages(line)
  }

  #readMessages(line: RunColumns | ClaimColumns | DeadColumns): void {
    const state = this.#state
    if (line.kind === 'runs') {
      for (const run of this.#rows.runs(line)) {
        this.#needs(run.batch, run.failures, run.count)
        placeRun(state, run, 'back')
      }
    } else if (line.kind === 'active') {
      for (const claim of this.#rows.claims(line)) {
        this.#needs(claim.batch, claim.failures, 1)
        state.active.set(claim.token, claim)
        countHeld(state, claim.worker, claim.batch.priority, 1)
      }
    } else {
      for (const dead of this.#rows.dead(line)) {
        this.#needs(dead.batch, dead.failures, 1)
        state.dead.set(messageId(dead), dead)
      }
    }
  }

  /** Payloads and ids that are in use follow from the messages. */
  #needs({ slot, extras }: Batch, failures: FailureHistory, count: number): void {
    const { live, payloadKeys, names } = this.#state
    retain(live, slot, count)
    for (const of of slotsOf(failures)) retain(live, of)
    if (extras?.payloadKey !== undefined) payloadKeys.used.add(extras.payloadKey)
    if (extras?.id !== undefined) names.held.add(extras.id)
  }
}

function readHead(state: QueueState, head: HeadLine): void {
  state.slot = head.slot
  state.now = head.now
  state.nextToken = head.nextToken
  state.nextRun = head.nextRun
  state.paused = head.paused
  state.shared = head.shared
  state.retention = head.retention
  state.counts.completed = head.completedCount
  state.payloadKeys.sweptAt = head.sweptAt
}

function readSenders(state: QueueState, line: SenderLine): void {
  const next = unpackNumbers(line.next, line.rows)
  const seenAt = unpackNumbers(line.seenAt, line.rows)
  const early = unpackValues(line.early, line.rows)
  for (const [i, name] of unpackValues(line.name, line.rows).entries()) {
    state.senders.set(name, { name, next: next[i] as number, early: early[i] ?? [], seenAt: seenAt[i] as number })
  }
}

function readCompleted(state: QueueState, line: CompletedLine): void {
  const { rows } = line
  const ordinal = unpackNumbers(line.ordinal, rows)
  const attempts = unpackNumbers(line.attempts, rows)
  const enqueuedAt = unpackNumbers(line.enqueuedAt, rows)
  const completedAt = unpackNumbers(line.completedAt, rows)
  const result = unpackValues(line.result, rows)
  const report = unpackValues(line.report, rows)
  const stored = unpackValues(line.stored, rows)
  const chars = unpackNumbers(line.chars, rows)
  for (const [i, id] of unpackValues(line.id, rows).entries()) {
    const [slot, token = 0] = stored[i] ?? []
    if (slot !== undefined) retain(state.live, slot)
    enterCompletion(state, id, {
      ordinal: ordinal[i] as number,
      attempts: attempts[i] as number,
      enqueuedAt: enqueuedAt[i] as number,
      completedAt: completedAt[i] as number,
      result: result[i] ?? undefined,
      report: report[i] ?? undefined,
      stored: slot === undefined ? undefined : { slot, token },
      chars: chars[i] as number,
    })
  }
}

function readEnded(state: QueueState, line: EndedLine): void {
  const until = unpackNumbers(line.until, line.rows)
  for (const [i, id] of unpackValues(line.id, line.rows).entries()) state.names.ended.set(id, until[i] as number)
}

function readKeys(state: QueueState, line: KeyLine): void {
  const id = unpackValues(line.id, line.rows)
  const until = unpackNumbers(line.until, line.rows)
  for (const [i, key] of unpackValues(line.key, line.rows).entries()) {
    state.names.keys.set(key, { id: id[i] as string, until: until[i] as number })
  }
}

function readLeft(state: QueueState, line: LeftLine): void {
  const at = unpackNumbers(line.at, line.rows)
  for (const [i, worker] of unpackValues(line.worker, line.rows).entries()) state.left.set(worker, at[i] as number)
}

function readAnswers(state: QueueState, line: AnswerLine): void {
  const result = unpackNumbers(line.result, line.rows)
  const at = unpackNumbers(line.at, line.rows)
  for (const [i, to] of unpackValues(line.to, line.rows).entries()) {
    state.answers.set(to, { result: result[i] as number, at: at[i] as number })
  }
}

function readGarbage(state: QueueState, line: GarbageLine): void {
  for (const key of unpackValues(line.key, line.rows)) state.payloadKeys.garbage.add(key)
}

function readUnnamed(state: QueueState, line: UnnamedLine): void {
  const since = unpackNumbers(line.since, line.rows)
  for (const [i, key] of unpackValues(line.key, line.rows).entries()) {
    state.payloadKeys.unnamed.set(key, since[i] as number)
  }
}
