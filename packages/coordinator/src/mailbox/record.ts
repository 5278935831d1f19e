/**
 * What lies in a mailbox: all that a worker has not confirmed to have read, each part with the version in which it first stood there.
 *
 * Versions grow by one with each write of a writer, across changes of writer. A worker passes over what it has read in an earlier version.
 */
import type { Claim, Payload, Receipt, RevokeReason, SettledElsewhere, TravellingTicket } from '@s3queue/core/transport'
import {
  asLogMark,
  type Fields,
  isCount,
  isFields,
  isListOf,
  isOptional,
  isText,
  isWithin,
  type LogMark,
} from '@s3queue/primitives'

/** A larger text cannot be parsed, so a larger mailbox is not read. */
export const MAX_MAILBOX_BYTES: number = 512 << 20

/** The version of everything that the coordinators of different processes say to each other. */
export const FORMAT = 1

/** A claim with its payload. */
export interface TicketRecord {
  readonly v: number
  readonly token: number
  readonly attempt: number
  readonly claimedAt: number
  readonly timeoutMs: number
  readonly failures: Claim['failures']
  readonly batch: Omit<Claim['batch'], 'size'>
  /** JSON text of the payload, or its bytes in Base64; neither if it is in an object of its own. */
  readonly text?: string
  readonly bytes?: string
}

export interface MailboxRecord {
  readonly format: number
  /** No two mailboxes have the same, also of one worker: it may make another one where its own cannot be read any more. */
  readonly id: string
  /** Of the writer that wrote this; 0: the worker itself, at the beginning. */
  readonly epoch: number
  readonly version: number
  /** The newest place in the log of the writer that wrote this; undefined if the worker did. */
  readonly log?: LogMark | undefined
  /** The worker is one of those that watch the writer closely. */
  readonly deputy: boolean
  /** The worker is leaving: nothing put here is read any more. */
  readonly sealed: boolean
  /** How often the worker is to read its mailbox while it is idle, in ms, at least. Undefined: rarely. */
  readonly idlePollMs?: number | undefined
  /** The writer has gone in order in this version: its lease is free. */
  readonly handedOver?: number | undefined
  /** Claims that this writer found running when it took over: those of them that the worker does not know never reached it. */
  readonly running?: { readonly v: number; readonly tokens: readonly number[] } | undefined
  /** How many tickets that no handler has started the writer asks back, in all that was not read. */
  readonly recall?: { readonly v: number; readonly count: number } | undefined
  readonly tickets: readonly TicketRecord[]
  readonly receipts: readonly (Receipt & { readonly v: number })[]
  readonly revoked: readonly { readonly v: number; readonly token: number; readonly why: RevokeReason }[]
  readonly outcomes: readonly (SettledElsewhere & { readonly v: number })[]
}

const SETTLED_AS: ReadonlySet<unknown> = new Set<SettledElsewhere['as']>([
  ...(['completed', 'retried', 'died', 'snoozed', 'released', 'stale'] as const),
])

/** A mailbox as any process may have written it; undefined if it is not one. One of another format is returned as it is. */
export function decodeMailbox(value: unknown): MailboxRecord | undefined {
  if (!isFields(value)) return undefined
  if (typeof value.format === 'number' && value.format !== FORMAT) return value as Fields & MailboxRecord
  return isMailbox(value) ? value : undefined
}

function isMailbox(fields: Fields): fields is Fields & MailboxRecord {
  const { format, id, epoch, version, log, deputy, sealed, idlePollMs, handedOver, running, recall } = fields
  return (
    format === FORMAT &&
    isText(id) &&
    [epoch, version].every(isCount) &&
    isOptional(log, (mark) => asLogMark(mark) !== undefined) &&
    typeof deputy === 'boolean' &&
    typeof sealed === 'boolean' &&
    isOptional(idlePollMs, (ms) => isWithin(ms)) &&
    isOptional(handedOver, isCount) &&
    isOptional(running, (part) => isFields(part) && isCount(part.v) && areCounts(part.tokens)) &&
    isOptional(recall, (part) => isFields(part) && isCount(part.v) && isCount(part.count)) &&
    isListOf(fields.tickets, isTicket) &&
    isListOf(fields.receipts, ({ v, notice, lost, lasting }) => {
      return isCount(v) && isCount(notice) && areCounts(lost) && Array.isArray(lasting) && lasting.every(isLasting)
    }) &&
    isListOf(fields.revoked, ({ v, token, why }) => {
      return isCount(v) && isCount(token) && (why === 'cancelled' || why === 'released')
    }) &&
    isListOf(fields.outcomes, ({ v, token, as, visibleAt }) => {
      return isCount(v) && isCount(token) && SETTLED_AS.has(as) && isOptional(visibleAt, (at) => isWithin(at))
    })
  )
}

function isTicket({ v, token, attempt, claimedAt, timeoutMs, failures, batch, text, bytes }: Fields): boolean {
  return (
    [v, token, attempt].every(isCount) &&
    isWithin(claimedAt) &&
    isWithin(timeoutMs) &&
    isFields(failures) &&
    isListOf(failures.short, isFailure) &&
    Array.isArray(failures.stored) &&
    failures.stored.every(Number.isSafeInteger) &&
    isFields(batch) &&
    isText(batch.sender) &&
    [batch.seq, batch.slot, batch.index, batch.maxAttempts].every(isCount) &&
    Number.isFinite(batch.priority) &&
    isWithin(batch.enqueuedAt) &&
    isOptional(batch.extras, isFields) &&
    isOptional(text, isText) &&
    isOptional(bytes, isText)
  )
}

function isFailure({ attempt, at, name, message }: Fields): boolean {
  return isCount(attempt) && isWithin(at) && isText(name) && isText(message)
}

function areCounts(values: unknown): boolean {
  return Array.isArray(values) && values.every(isCount)
}

/** What a receipt says of a lasting extension. */
function isLasting(pair: unknown): boolean {
  return Array.isArray(pair) && isCount(pair[0]) && (pair[1] === null || isWithin(pair[1]))
}

/** An empty mailbox, as its worker makes it. `version`: the last one it has read, if there was a mailbox before. */
export function emptyMailbox(id: string, version: number): MailboxRecord {
  return {
    ...{ format: FORMAT, id, epoch: 0, version, deputy: false, sealed: false },
    ...{ tickets: [], receipts: [], revoked: [], outcomes: [] },
  }
}

export function encodeTicket({ claim, payload }: TravellingTicket, v: number): TicketRecord {
  const { token, attempt, claimedAt, timeoutMs, failures, seq } = claim
  const { size: _, ...batch } = claim.batch
  // The message alone, not all those that came with it.
  const own = { ...batch, seq, index: batch.index + seq - batch.seq }
  return { v, token, attempt, claimedAt, timeoutMs, failures, batch: own, ...encodePayload(payload) }
}

export function decodeTicket(record: TicketRecord, worker: string): TravellingTicket {
  const { token, attempt, claimedAt, timeoutMs, failures, batch, text, bytes } = record
  const claim: Claim = {
    ...{ batch: { ...batch, size: 1 }, seq: batch.seq, token, worker, attempt, claimedAt, timeoutMs, failures },
    report: undefined,
    releasing: false,
  }
  return { claim, payload: text ?? (bytes === undefined ? undefined : Buffer.from(bytes, 'base64')) }
}

function encodePayload(payload: Payload | undefined): Pick<TicketRecord, 'text' | 'bytes'> {
  if (payload === undefined) return {}
  if (typeof payload === 'string') return { text: payload }
  return { bytes: Buffer.from(payload).toString('base64') }
}
