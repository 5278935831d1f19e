/** What a worker is to be told next, and what its mailbox holds once that is added. */
import type { Receipt, RevokeReason, SettledElsewhere, TravellingTicket } from '@s3queue/core/transport'
import { encodeTicket, FORMAT, type MailboxRecord } from './record.ts'

/** `F`: what those who wait are told of it. */
export interface Draft<F> {
  /** Each for one mailbox. */
  readonly tickets: { readonly ticket: TravellingTicket; readonly mailbox: string }[]
  readonly receipts: Receipt[]
  readonly revoked: { readonly token: number; readonly why: RevokeReason }[]
  readonly outcomes: SettledElsewhere[]
  /** Tokens of claims that the worker should know; those it does not know never reached it. */
  readonly running: number[]
  /** How many tickets are asked back. */
  recall: number
  readonly waiters: ((fate: F) => void)[]
}

export function draftOf<F>(): Draft<F> {
  return { tickets: [], receipts: [], revoked: [], outcomes: [], running: [], recall: 0, waiters: [] }
}

/** A draft that may have been read already: its tickets are not sent again, but those of which the worker knows nothing are to be given back. */
export function unsure<F>(draft: Draft<F>, tokens: readonly number[]): Draft<F> {
  return { ...draft, tickets: [], running: [...draft.running, ...tokens] }
}

/** What a worker does for the queue while it is idle. */
export type Duty = Pick<MailboxRecord, 'deputy' | 'idlePollMs'>

export interface Author {
  readonly epoch: number
  readonly log: MailboxRecord['log']
  readonly isActive: (token: number) => boolean
  /** The worker has read up to this version. */
  readonly seen: number
  /** Undefined: as before. */
  readonly duty: Duty | undefined
  readonly handedOver: boolean
}

export function nextRecord<F>(base: MailboxRecord, draft: Draft<F>, author: Author): MailboxRecord {
  const { epoch, log, isActive, seen, duty, handedOver } = author
  const { id } = base
  const v = base.version + 1
  const isUnread = (part: { readonly v: number }): boolean => part.v > seen
  const mark = <P extends object>(parts: readonly P[]): (P & { readonly v: number })[] =>
    parts.map((part) => ({ ...part, v }))
  const tickets = draft.tickets.filter(({ ticket, mailbox }) => mailbox === id && isActive(ticket.claim.token))
  return {
    ...{ format: FORMAT, id, epoch, version: v, log, sealed: false },
    ...dutyOf(duty ?? (base.epoch === epoch ? base : undefined)),
    handedOver: handedOver ? v : undefined,
    running: nextRunning(base, draft.running, v, isUnread),
    recall:
      draft.recall > 0
        ? { v, count: draft.recall }
        : base.recall !== undefined && isUnread(base.recall)
          ? base.recall
          : undefined,
    tickets: [
      ...base.tickets.filter((ticket) => isUnread(ticket) && isActive(ticket.token)),
      ...tickets.map(({ ticket }) => encodeTicket(ticket, v)),
    ],
    receipts: [...base.receipts.filter(isUnread), ...mark(draft.receipts)],
    revoked: [...base.revoked.filter(isUnread), ...mark(draft.revoked)],
    outcomes: [...base.outcomes.filter(isUnread), ...mark(draft.outcomes)],
  }
}

function dutyOf(duty: Duty | undefined): Duty {
  return { deputy: duty?.deputy ?? false, idlePollMs: duty?.idlePollMs }
}

function nextRunning(
  { running }: MailboxRecord,
  added: readonly number[],
  v: number,
  isUnread: (part: { readonly v: number }) => boolean,
): MailboxRecord['running'] {
  const before = running !== undefined && isUnread(running) ? running : undefined
  return added.length === 0 ? before : { v, tokens: [...(before?.tokens ?? []), ...added] }
}
