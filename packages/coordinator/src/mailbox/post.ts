/**
 * The writer's side of one mailbox: what a worker is to be told, gathered while one write is under way, and put there with If-Match.
 *
 * Owns the content that is not confirmed. That every write is conditional is what makes a change of writer safe: what an earlier
 * writer sends later than our first write fails, as it builds on a version that is gone.
 */
import type { Receipt, RevokeReason, SettledElsewhere, TravellingTicket, WriterTerm } from '@s3queue/core/transport'
import { CasObject, CasUnresolved, type CasVersion } from '@s3queue/primitives'
import { mailboxKey } from '../keys.ts'
import { encodeTicket, FORMAT, type MailboxRecord, type TicketRecord } from './record.ts'

export interface PostOptions {
  readonly term: WriterTerm
  readonly worker: string
}

type Waiter = (isThere: boolean) => void

interface Draft {
  tickets: TravellingTicket[]
  receipts: Receipt[]
  revoked: { token: number; why: RevokeReason }[]
  outcomes: SettledElsewhere[]
  running: readonly number[] | undefined
  waiters: Waiter[]
}

export class Post {
  readonly #term: WriterTerm
  readonly #object: CasObject<MailboxRecord>
  #base: CasVersion<MailboxRecord> | undefined
  #draft: Draft | undefined
  #writing: Promise<void> | undefined
  /** The worker has read up to this version. */
  #seen = 0
  #deputy: boolean | undefined
  #handedOver = false
  #waitingBytes = 0

  constructor({ term, worker }: PostOptions) {
    this.#term = term
    const { store, prefix, clock, random, ids } = term.queue
    this.#object = new CasObject({
      store,
      key: mailboxKey(prefix, worker),
      clock,
      random,
      ids,
      onTrouble: term.trouble,
    })
  }

  /** Characters of payloads that lie there and are not confirmed. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** The worker has read this version: what it holds need not be said again. */
  confirmed(version: number): void {
    this.#seen = Math.max(this.#seen, version)
    const unread = this.#base?.value.tickets.filter(({ v }) => v > this.#seen) ?? []
    this.#waitingBytes = sizeOf(unread)
  }

  /** Resolves to true once the tickets are there, to false once it is certain that they never will be read. */
  tickets(tickets: readonly TravellingTicket[]): Promise<boolean> {
    const draft = this.#open()
    draft.tickets.push(...tickets)
    for (const { payload } of tickets) this.#waitingBytes += payload?.length ?? 0
    return this.#sent(draft)
  }

  /** Resolves once nothing of an earlier writer can come there any more, or nobody reads there. */
  adopt(tokens: readonly number[]): Promise<boolean> {
    const draft = this.#open()
    draft.running = tokens
    return this.#sent(draft)
  }

  receipt(receipt: Receipt): void {
    this.#open().receipts.push(receipt)
  }

  revoke(token: number, why: RevokeReason): void {
    this.#open().revoked.push({ token, why })
  }

  outcomes(outcomes: readonly SettledElsewhere[]): void {
    this.#open().outcomes.push(...outcomes)
  }

  /** Whether the worker is to watch this writer closely. */
  appoint(deputy: boolean): void {
    if (this.#deputy === deputy) return
    this.#deputy = deputy
    this.#open()
  }

  /** This writer has gone. Resolves when the worker can know. */
  handOver(): Promise<boolean> {
    this.#handedOver = true
    return this.#sent(this.#open())
  }

  #sent(draft: Draft): Promise<boolean> {
    return new Promise((resolve) => draft.waiters.push(resolve))
  }

  #open(): Draft {
    this.#draft ??= { tickets: [], receipts: [], revoked: [], outcomes: [], running: undefined, waiters: [] }
    this.#writing ??= this.#run().finally(() => {
      this.#writing = undefined
    })
    return this.#draft
  }

  /** Never rejects. What is under way when the term ends is nobody's business any more. */
  async #run(): Promise<void> {
    const { clock } = this.#term.queue
    // What is said in one turn of the event loop goes together.
    await new Promise<void>((resolve) => clock.setTimer(0, resolve))
    while (this.#draft !== undefined && !this.#term.signal.aborted) {
      const draft = this.#draft
      this.#draft = undefined
      const isThere = await this.#put(draft).catch((error: unknown) => {
        if (!this.#term.signal.aborted) this.#term.trouble(error)
        return true
      })
      for (const tell of draft.waiters) tell(isThere)
    }
  }

  async #put(draft: Draft): Promise<boolean> {
    const { signal, epoch } = this.#term
    this.#base ??= await this.#object.read(signal)
    for (;;) {
      const base = this.#base
      if (base === undefined || base.value.sealed || base.value.format !== FORMAT || base.value.epoch > epoch)
        return false
      const next = this.#next(base.value, draft)
      try {
        const { outcome, current } = await this.#object.write(base, next, signal)
        this.#base = current
        if (outcome === 'written') {
          this.#waitingBytes = sizeOf(next.tickets)
          return true
        }
      } catch (error) {
        if (!(error instanceof CasUnresolved)) throw error
        this.#base = await this.#object.read(signal)
      }
    }
  }

  #next(base: MailboxRecord, draft: Draft): MailboxRecord {
    const { epoch, isActive } = this.#term
    const v = base.version + 1
    const isUnread = (part: { readonly v: number }): boolean => part.v > this.#seen
    const mark = <P extends object>(parts: readonly P[]): (P & { readonly v: number })[] =>
      parts.map((part) => ({ ...part, v }))
    const running = draft.running === undefined ? base.running : { v, tokens: draft.running }
    return {
      ...{
        format: FORMAT,
        epoch,
        version: v,
        sealed: false,
        deputy: this.#deputy ?? (base.epoch === epoch && base.deputy),
      },
      handedOver: this.#handedOver ? v : undefined,
      running: running !== undefined && isUnread(running) ? running : undefined,
      tickets: [
        ...base.tickets.filter((ticket) => isUnread(ticket) && isActive(ticket.token)),
        ...draft.tickets.map((ticket) => encodeTicket(ticket, v)),
      ],
      receipts: [...base.receipts.filter(isUnread), ...mark(draft.receipts)],
      revoked: [...base.revoked.filter(isUnread), ...mark(draft.revoked)],
      outcomes: [...base.outcomes.filter(isUnread), ...mark(draft.outcomes)],
    }
  }
}

function sizeOf(tickets: readonly TicketRecord[]): number {
  return tickets.reduce((sum, { text, bytes }) => sum + (text ?? bytes ?? '').length, 0)
}
