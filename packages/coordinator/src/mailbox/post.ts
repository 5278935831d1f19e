/**
 * The writer's side of one mailbox: what a worker is to be told, gathered while one write is under way, and put there with If-Match.
 *
 * Owns the content that is not confirmed. That every write is conditional is what makes a change of writer safe: what an earlier
 * writer sends later than our first write fails, as it builds on a version that is gone.
 */
import type { Receipt, RevokeReason, SettledElsewhere, TravellingTicket, WriterTerm } from '@s3queue/core/transport'
import { CasObject, CasUnresolved, type CasVersion, CorruptObject, waitBeforeRetry } from '@s3queue/primitives'
import { mailboxKey } from '../keys.ts'
import { type Draft, type Duty, draftOf, nextRecord, unsure } from './draft.ts'
import { FORMAT, type MailboxRecord, type TicketRecord } from './record.ts'

/** A worker that was asked to give tickets back is asked again when it has read that, or after this long, in ms. */
const RECALL_AGAIN_MS = 2000

export interface PostOptions {
  readonly term: WriterTerm
  readonly worker: string
  /** A write took so long, in ms. */
  readonly onWritten: (ms: number) => void
}

/** In which mailbox a draft lies now; `perhaps`: it may have been read, and never will be from here on. */
type Fate = { readonly in: string } | 'perhaps' | 'never'

export class Post {
  readonly #term: WriterTerm
  readonly #onWritten: (ms: number) => void
  readonly #object: CasObject<MailboxRecord>
  #base: CasVersion<MailboxRecord> | undefined
  #draft: Draft<Fate> | undefined
  #writing: Promise<void> | undefined
  /** The worker has read up to this version. */
  #seen = 0
  #duty: Duty | undefined
  #handedOver = false
  #waitingBytes = 0
  /** Until then the worker has nothing to do, as it has not read what was sent to it while it held nothing, monotonic. */
  idleUntil: number = Number.NEGATIVE_INFINITY
  #recallAgainAt = 0
  /** The version in which tickets were asked back last. */
  #recalledIn = Number.POSITIVE_INFINITY

  constructor({ term, worker, onWritten }: PostOptions) {
    this.#term = term
    this.#onWritten = onWritten
    const { store, prefix, clock, random, ids } = term.queue
    const key = mailboxKey(prefix, worker)
    this.#object = new CasObject({ store, key, clock, random, ids, onTrouble: term.trouble })
  }

  /** Characters of payloads that lie there and are not confirmed. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** The worker has read this version: what it holds need not be said again. */
  confirmed(version: number): void {
    this.#seen = Math.max(this.#seen, version)
    if (this.#seen >= this.#recalledIn) this.#recallAgainAt = 0
    const unread = this.#base?.value.tickets.filter(({ v }) => v > this.#seen) ?? []
    this.#waitingBytes = sizeOf(unread)
  }

  /**
   * Tickets for this mailbox, and for no other that the worker may have made since. Resolves to true once they are there or may have been, to false once it
   * is certain that they never will be.
   */
  async tickets(tickets: readonly TravellingTicket[], mailbox: string): Promise<boolean> {
    const draft = this.#open()
    for (const ticket of tickets) {
      draft.tickets.push({ ticket, mailbox })
      this.#waitingBytes += ticket.payload?.length ?? 0
    }
    const fate = await this.#sent(draft)
    return typeof fate === 'string' ? fate === 'perhaps' : fate.in === mailbox
  }

  /** Resolves once nothing of an earlier writer can arrive there any longer; to false if no worker reads there. */
  async adopt(tokens: readonly number[]): Promise<boolean> {
    const draft = this.#open()
    draft.running.push(...tokens)
    return (await this.#sent(draft)) !== 'never'
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

  /** Asks for up to `count` tickets that no handler has started. Passed over while an earlier request is on its way, or its answer. */
  recall(count: number): void {
    const { clock } = this.#term.queue
    if (clock.monotonic() < this.#recallAgainAt) return
    this.#recallAgainAt = clock.monotonic() + RECALL_AGAIN_MS
    this.#recalledIn = Number.POSITIVE_INFINITY
    this.#open().recall += count
  }

  /** What the worker is to do while it is idle. */
  appoint(duty: Duty): void {
    if (this.#duty?.deputy === duty.deputy && this.#duty.idlePollMs === duty.idlePollMs) return
    this.#duty = duty
    this.#open()
  }

  /** This writer has gone. Resolves when the worker can know. */
  async handOver(): Promise<void> {
    this.#handedOver = true
    await this.#sent(this.#open())
  }

  #sent(draft: Draft<Fate>): Promise<Fate> {
    return new Promise((resolve) => draft.waiters.push(resolve))
  }

  #open(): Draft<Fate> {
    this.#draft ??= draftOf()
    this.#writing ??= this.#run().finally(() => {
      this.#writing = undefined
      if (this.#draft !== undefined) this.#open()
    })
    return this.#draft
  }

  /** Never rejects. What is under way when the term ends is nobody's business any more. */
  async #run(): Promise<void> {
    const { clock } = this.#term.queue
    // What is said in one turn of the event loop goes together.
    await new Promise<void>((resolve) => clock.setTimer(0, resolve))
    while (this.#draft !== undefined) {
      const draft = this.#draft
      this.#draft = undefined
      const fate = await this.#put(draft).catch((): Fate => 'perhaps')
      for (const tell of draft.waiters) tell(fate)
    }
  }

  /** Tries for as long as it takes. Rejects when the term is over. */
  async #put(draft: Draft<Fate>): Promise<Fate> {
    const { signal } = this.#term
    const tokens = draft.tickets.map(({ ticket }) => ticket.claim.token)
    let isSure = true
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted()
      let hasRead = false
      try {
        this.#base ??= await this.#object.read(signal)
        hasRead = true
        const fate = await this.#write(isSure ? draft : unsure(draft, tokens))
        if (fate !== undefined) return fate === 'never' && !isSure ? 'perhaps' : fate
      } catch (error) {
        // What became of a write that failed, nobody knows.
        isSure &&= !hasRead
        await this.#recover(error, attempt)
      }
    }
  }

  async #recover(error: unknown, attempt: number): Promise<void> {
    const { signal, queue, trouble } = this.#term
    signal.throwIfAborted()
    this.#base = undefined
    if (error instanceof CasUnresolved) return
    if (error instanceof CorruptObject) await this.#replace(error)
    else await waitBeforeRetry({ ...queue, onTrouble: trouble }, attempt, error, signal)
  }

  /** One write. Undefined: another came first. */
  async #write(draft: Draft<Fate>): Promise<Fate | undefined> {
    const { signal, epoch, isActive, mark, queue } = this.#term
    const base = this.#base
    if (base === undefined || base.value.sealed || base.value.format !== FORMAT || base.value.epoch > epoch) {
      // The next time it may be another one.
      if (base?.value.sealed !== false) this.#base = undefined
      return 'never'
    }
    const about = { epoch, isActive, log: mark(), seen: this.#seen, duty: this.#duty, handedOver: this.#handedOver }
    const next = nextRecord(base.value, draft, about)
    const startedAt = queue.clock.monotonic()
    const { outcome, current } = await this.#object.write(base, next, signal)
    this.#onWritten(queue.clock.monotonic() - startedAt)
    this.#base = current
    if (outcome === 'lost') return current === undefined ? 'never' : undefined
    if (draft.recall > 0) this.#recalledIn = next.version
    this.#waitingBytes = sizeOf(next.tickets)
    return { in: next.id }
  }

  /** A mailbox that nobody can read is of no use: its worker makes another one. */
  async #replace(error: CorruptObject): Promise<void> {
    const { signal, queue, trouble } = this.#term
    trouble(error)
    await queue.store.delete([this.#object.key], { signal })
  }
}

function sizeOf(tickets: readonly TicketRecord[]): number {
  return tickets.reduce((sum, { text, bytes }) => sum + (text ?? bytes ?? '').length, 0)
}
