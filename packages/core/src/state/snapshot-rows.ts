/** Messages in a snapshot: what each kind of row is made of, and how rows become columns and messages again. */
import { type NumberColumn, packNumbers, packValues, unpackNumbers, unpackValues, type ValueColumn } from './columns.ts'
import type { BeforeImages } from './cut.ts'
import type { Backoff, DeadReason, Extras, Report } from './events.ts'
import { countFailures, type FailureHistory, NO_FAILURES } from './failures.ts'
import type { Batch, Claim, DeadLetter, Run } from './model.ts'

/** What rows of messages have of their batches. A batch with messages in several rows is written with each. */
export interface BatchColumns {
  readonly sender: ValueColumn<string>
  readonly first: NumberColumn
  readonly size: NumberColumn
  readonly slot: NumberColumn
  readonly index: NumberColumn
  readonly priority: NumberColumn
  readonly maxAttempts: NumberColumn
  readonly enqueuedAt: NumberColumn
  /** Null where no row has any. */
  readonly extras: ExtrasColumns | null
}

export interface ExtrasColumns {
  readonly id: ValueColumn<string | null>
  readonly deduplicationKey: ValueColumn<string | null>
  readonly windowMs: ValueColumn<number | null>
  readonly backoff: ValueColumn<Backoff | null>
  readonly lifo: ValueColumn<true | null>
  readonly payloadKey: ValueColumn<string | null>
}

interface MessageColumns extends BatchColumns {
  readonly rows: number
  readonly seq: NumberColumn
  readonly failures: ValueColumn<FailureHistory | null>
}

export interface RunColumns extends MessageColumns {
  readonly kind: 'runs'
  readonly id: NumberColumn
  readonly count: NumberColumn
  readonly visibleAt: NumberColumn
  readonly attempts: NumberColumn
}

export interface ClaimColumns extends MessageColumns {
  readonly kind: 'active'
  readonly token: NumberColumn
  readonly worker: ValueColumn<string>
  readonly attempt: NumberColumn
  readonly claimedAt: NumberColumn
  readonly timeoutMs: NumberColumn
  readonly report: ValueColumn<Report | null>
  /** Null where no row is being released; missing in snapshots of earlier versions. */
  readonly releasing?: ValueColumn<true | null> | null
  /** Null where no row has any; missing in snapshots of earlier versions. */
  readonly adoptedAt?: ValueColumn<number | null> | null
}

export interface DeadColumns extends MessageColumns {
  readonly kind: 'dead'
  readonly reason: ValueColumn<DeadReason>
  readonly attempts: NumberColumn
  readonly diedAt: NumberColumn
}

interface Row {
  readonly batch: Batch
  readonly failures: FailureHistory
}

/** A run as it is to be written. */
export interface RunRow extends Row {
  readonly run: Run
  readonly seq: number
  readonly count: number
}

function packMessages<R extends Row>(rows: readonly R[], seqOf: (row: R) => number): MessageColumns {
  return {
    rows: rows.length,
    sender: packValues(rows, ({ batch }) => batch.sender),
    first: packNumbers(rows, ({ batch }) => batch.seq),
    size: packNumbers(rows, ({ batch }) => batch.size),
    slot: packNumbers(rows, ({ batch }) => batch.slot),
    index: packNumbers(rows, ({ batch }) => batch.index),
    priority: packNumbers(rows, ({ batch }) => batch.priority),
    maxAttempts: packNumbers(rows, ({ batch }) => batch.maxAttempts),
    enqueuedAt: packNumbers(rows, ({ batch }) => batch.enqueuedAt),
    extras: packExtras(rows),
    seq: packNumbers(rows, seqOf),
    failures: packValues(rows, ({ failures }) => (countFailures(failures) > 0 ? failures : null)),
  }
}

function packExtras(rows: readonly Row[]): ExtrasColumns | null {
  if (rows.every(({ batch }) => batch.extras === undefined)) return null
  return {
    id: packValues(rows, ({ batch }) => batch.extras?.id ?? null),
    deduplicationKey: packValues(rows, ({ batch }) => batch.extras?.deduplicationKey ?? null),
    windowMs: packValues(rows, ({ batch }) => batch.extras?.windowMs ?? null),
    backoff: packValues(rows, ({ batch }) => batch.extras?.backoff ?? null, contentOf),
    lifo: packValues(rows, ({ batch }) => batch.extras?.lifo ?? null),
    payloadKey: packValues(rows, ({ batch }) => batch.extras?.payloadKey ?? null),
  }
}

/** A writer shares one backoff among all messages of an enqueue; who reads the log has one for each. */
function contentOf(backoff: Backoff | null): string {
  return backoff === null ? '' : `${backoff.baseMs} ${backoff.maxMs} ${backoff.jitter}`
}

function unpackExtras(columns: ExtrasColumns | null, rows: number): readonly (Extras | undefined)[] {
  if (columns === null) return new Array<undefined>(rows).fill(undefined)
  const deduplicationKey = unpackValues(columns.deduplicationKey, rows)
  const windowMs = unpackValues(columns.windowMs, rows)
  const backoff = unpackValues(columns.backoff, rows)
  const lifo = unpackValues(columns.lifo, rows)
  const payloadKey = unpackValues(columns.payloadKey, rows)
  return unpackValues(columns.id, rows).map((id, i) => {
    const extras: { -readonly [K in keyof Extras]: Extras[K] } = {}
    if (id !== null) extras.id = id
    if (deduplicationKey[i] != null) extras.deduplicationKey = deduplicationKey[i]
    if (windowMs[i] != null) extras.windowMs = windowMs[i]
    if (backoff[i] != null) extras.backoff = backoff[i]
    if (lifo[i] != null) extras.lifo = true
    if (payloadKey[i] != null) extras.payloadKey = payloadKey[i]
    return Object.keys(extras).length > 0 ? extras : undefined
  })
}

export function packRuns(rows: readonly RunRow[]): RunColumns {
  return {
    kind: 'runs',
    ...packMessages(rows, ({ seq }) => seq),
    id: packNumbers(rows, ({ run }) => run.id),
    count: packNumbers(rows, ({ count }) => count),
    visibleAt: packNumbers(rows, ({ run }) => run.visibleAt),
    attempts: packNumbers(rows, ({ run }) => run.attempts),
  }
}

export function packClaims(claims: readonly Claim[], images: BeforeImages): ClaimColumns {
  return {
    kind: 'active',
    ...packMessages(claims, ({ seq }) => seq),
    token: packNumbers(claims, ({ token }) => token),
    worker: packValues(claims, ({ worker }) => worker),
    attempt: packNumbers(claims, ({ attempt }) => attempt),
    claimedAt: packNumbers(claims, ({ claimedAt }) => claimedAt),
    timeoutMs: packNumbers(claims, (claim) => images.claimOf(claim).timeoutMs),
    report: packValues(claims, (claim) => images.claimOf(claim).report ?? null),
    releasing: packReleasing(claims, images),
    adoptedAt: packAdopted(claims, images),
  }
}

function packReleasing(claims: readonly Claim[], images: BeforeImages): ValueColumn<true | null> | null {
  const isReleasing = (claim: Claim): boolean => images.claimOf(claim).releasing
  if (!claims.some(isReleasing)) return null
  return packValues(claims, (claim) => (isReleasing(claim) ? true : null))
}

function packAdopted(claims: readonly Claim[], images: BeforeImages): ValueColumn<number | null> | null {
  const adoptedAt = (claim: Claim): number | null => images.claimOf(claim).adoptedAt ?? null
  return claims.every((claim) => adoptedAt(claim) === null) ? null : packValues(claims, adoptedAt)
}

export function packDead(dead: readonly DeadLetter[]): DeadColumns {
  return {
    kind: 'dead',
    ...packMessages(dead, ({ seq }) => seq),
    reason: packValues(dead, ({ reason }) => reason),
    attempts: packNumbers(dead, ({ attempts }) => attempts),
    diedAt: packNumbers(dead, ({ diedAt }) => diedAt),
  }
}

/** Reads messages back, and shares what they had in common before. */
export class RowReader {
  readonly #texts = new Map<string, string>()
  /** Batches of more than one message, by slot and place in it. */
  readonly #batches = new Map<number, Map<number, Batch>>()

  runs(columns: RunColumns): Run[] {
    const { batches, seq, failures } = this.#messages(columns)
    const id = unpackNumbers(columns.id, columns.rows)
    const count = unpackNumbers(columns.count, columns.rows)
    const visibleAt = unpackNumbers(columns.visibleAt, columns.rows)
    const attempts = unpackNumbers(columns.attempts, columns.rows)
    return batches.map((batch, i) => ({
      id: id[i] as number,
      batch,
      seq: seq[i] as number,
      count: count[i] as number,
      visibleAt: visibleAt[i] as number,
      attempts: attempts[i] as number,
      failures: failures[i] ?? NO_FAILURES,
      rest: undefined,
    }))
  }

  claims(columns: ClaimColumns): Claim[] {
    const { batches, seq, failures } = this.#messages(columns)
    const token = unpackNumbers(columns.token, columns.rows)
    const worker = unpackValues(columns.worker, columns.rows)
    const attempt = unpackNumbers(columns.attempt, columns.rows)
    const claimedAt = unpackNumbers(columns.claimedAt, columns.rows)
    const timeoutMs = unpackNumbers(columns.timeoutMs, columns.rows)
    const report = unpackValues(columns.report, columns.rows)
    const releasing = columns.releasing == null ? [] : unpackValues(columns.releasing, columns.rows)
    const adoptedAt = columns.adoptedAt == null ? [] : unpackValues(columns.adoptedAt, columns.rows)
    return batches.map((batch, i) => ({
      batch,
      seq: seq[i] as number,
      token: token[i] as number,
      worker: this.#shared(worker[i] as string),
      attempt: attempt[i] as number,
      claimedAt: claimedAt[i] as number,
      timeoutMs: timeoutMs[i] as number,
      failures: failures[i] ?? NO_FAILURES,
      report: report[i] ?? undefined,
      releasing: releasing[i] === true,
      adoptedAt: adoptedAt[i] ?? undefined,
    }))
  }

  dead(columns: DeadColumns): DeadLetter[] {
    const { batches, seq, failures } = this.#messages(columns)
    const reason = unpackValues(columns.reason, columns.rows)
    const attempts = unpackNumbers(columns.attempts, columns.rows)
    const diedAt = unpackNumbers(columns.diedAt, columns.rows)
    return batches.map((batch, i) => ({
      batch,
      seq: seq[i] as number,
      reason: reason[i] as DeadReason,
      attempts: attempts[i] as number,
      diedAt: diedAt[i] as number,
      failures: failures[i] ?? NO_FAILURES,
    }))
  }

  #messages(columns: MessageColumns): {
    readonly batches: readonly Batch[]
    readonly seq: readonly number[]
    readonly failures: readonly (FailureHistory | null)[]
  } {
    const { rows } = columns
    return {
      batches: this.#batchesOf(columns, rows),
      seq: unpackNumbers(columns.seq, rows),
      failures: unpackValues(columns.failures, rows).map(sharingEmpty),
    }
  }

  #batchesOf(columns: BatchColumns, rows: number): Batch[] {
    const sender = unpackValues(columns.sender, rows)
    const seq = unpackNumbers(columns.first, rows)
    const size = unpackNumbers(columns.size, rows)
    const slot = unpackNumbers(columns.slot, rows)
    const index = unpackNumbers(columns.index, rows)
    const priority = unpackNumbers(columns.priority, rows)
    const maxAttempts = unpackNumbers(columns.maxAttempts, rows)
    const enqueuedAt = unpackNumbers(columns.enqueuedAt, rows)
    const extras = unpackExtras(columns.extras, rows)
    return sender.map((name, i) =>
      this.#sharedBatch({
        sender: this.#shared(name),
        seq: seq[i] as number,
        size: size[i] as number,
        slot: slot[i] as number,
        index: index[i] as number,
        priority: priority[i] as number,
        maxAttempts: maxAttempts[i] as number,
        enqueuedAt: enqueuedAt[i] as number,
        extras: extras[i],
      }),
    )
  }

  /** The same text as one string. */
  #shared(text: string): string {
    const known = this.#texts.get(text)
    if (known === undefined) this.#texts.set(text, text)
    return known ?? text
  }

  #sharedBatch(batch: Batch): Batch {
    if (batch.size === 1) return batch
    let inSlot = this.#batches.get(batch.slot)
    if (inSlot === undefined) {
      inSlot = new Map()
      this.#batches.set(batch.slot, inSlot)
    }
    const known = inSlot.get(batch.index)
    if (known === undefined) inSlot.set(batch.index, batch)
    return known ?? batch
  }
}

/** Most histories have failures of one kind alone: all others have one empty array together. */
function sharingEmpty(history: FailureHistory | null): FailureHistory | null {
  if (history === null) return null
  return {
    short: history.short.length > 0 ? history.short : NO_FAILURES.short,
    stored: history.stored.length > 0 ? history.stored : NO_FAILURES.stored,
  }
}
