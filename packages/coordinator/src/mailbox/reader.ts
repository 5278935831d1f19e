/**
 * The worker's side of its mailbox: one object, polled with `If-None-Match`, so a look at nothing new costs a request without a body.
 *
 * Owns what was read and nobody took yet. The moment that matters for a claim's time is when its ticket was *not there yet*: the start of the
 * last look that did not show it.
 */
import type { StandbyProcess, TravellingTicket } from '@s3queue/core/transport'
import { asLogMark, CasObject, type CasVersion } from '@s3queue/primitives'
import { FormatMismatch } from '../errors.ts'
import { mailboxKey } from '../keys.ts'
import { decodeTicket, emptyMailbox, FORMAT, type MailboxRecord } from './record.ts'

const ID_CHARS = 10

/** A ticket from the mailbox. `absentAt`: a moment, monotonic, at which it was not there yet. */
export interface ReadTicket {
  readonly ticket: TravellingTicket
  readonly absentAt: number
}

/** What is new in a mailbox besides tickets. */
export interface Letter
  extends Pick<MailboxRecord, 'receipts' | 'revoked' | 'outcomes' | 'running' | 'epoch' | 'deputy' | 'idlePollMs'> {
  readonly handedOver: boolean
  /** How many tickets the writer asks back. */
  readonly recall: number
}

export class MailboxReader {
  readonly #standby: StandbyProcess
  readonly #object: CasObject<MailboxRecord>
  #known: CasVersion<MailboxRecord> | undefined
  #lookedAt = 0
  #version = 0
  readonly #tickets: ReadTicket[] = []
  #nextTicket = 0

  constructor(standby: StandbyProcess) {
    this.#standby = standby
    const { queue, worker, trouble } = standby
    const { store, prefix, clock, random, ids } = queue
    const key = mailboxKey(prefix, worker.id)
    this.#object = new CasObject({ store, key, clock, random, ids, onTrouble: trouble })
  }

  get key(): string {
    return this.#object.key
  }

  /** The last version that was read. */
  get version(): number {
    return this.#version
  }

  /** The mailbox that is read; undefined while it is not certain that there is one. */
  get mailbox(): string | undefined {
    return this.#known?.value.id
  }

  /** The next ticket that was read, in constant time and without a request; undefined if there is none at hand. */
  popTicket(): ReadTicket | undefined {
    const ticket = this.#tickets[this.#nextTicket]
    if (ticket === undefined) {
      this.#tickets.length = 0
      this.#nextTicket = 0
      return undefined
    }
    this.#nextTicket++
    return ticket
  }

  /** Looks once; what is new comes back, and its tickets are to be popped. Makes the mailbox if there is none. Waits through outages. */
  async look(signal: AbortSignal): Promise<Letter | undefined> {
    const { clock } = this.#standby.queue
    const startedAt = clock.monotonic()
    const known = this.#known
    const answer =
      known === undefined ? await this.#object.read(signal) : await this.#object.readIfChanged(known, signal)
    const absentAt = this.#lookedAt
    if (answer === 'unchanged') {
      this.#lookedAt = startedAt
      return undefined
    }
    if (answer === undefined) {
      if (known !== undefined) this.#standby.doubt()
      await this.#create(startedAt, signal)
      return undefined
    }
    this.#known = answer
    this.#lookedAt = startedAt
    return known === undefined ? this.#find(answer.value) : this.#read(answer.value, absentAt)
  }

  /** Nothing put here is read any more from now on. Resolves to the tickets that nobody has read. */
  async seal(signal: AbortSignal): Promise<readonly TravellingTicket[]> {
    const sealed = await this.#object.update(
      (record) => (record === undefined || record.sealed ? undefined : { ...record, sealed: true }),
      signal,
    )
    if (sealed === undefined) return []
    const unread = sealed.value.tickets.filter(({ v }) => v > this.#version)
    return unread.map((ticket) => decodeTicket(ticket, this.#standby.worker.id))
  }

  async #create(startedAt: number, signal: AbortSignal): Promise<void> {
    const id = this.#standby.queue.ids.nonce(ID_CHARS)
    const { outcome, current } = await this.#object.write(undefined, emptyMailbox(id, this.#version), signal)
    // If somebody has written on it meanwhile, the next look reads it as found.
    this.#known = outcome === 'written' && current.value.epoch === 0 ? current : undefined
    this.#lookedAt = startedAt
  }

  /**
   * A mailbox from an earlier stay: nobody knows how old its tickets are. Those of them that the worker does not know are as if they had not
   * reached it.
   */
  #find(record: MailboxRecord): Letter | undefined {
    if (!this.#accept(record)) return undefined
    const { epoch, deputy, idlePollMs, tickets, running, revoked, outcomes, version: v } = record
    const tokens = [...tickets.map(({ token }) => token), ...(running?.tokens ?? [])]
    return {
      ...{ epoch, deputy, idlePollMs, handedOver: false, recall: 0, receipts: [], revoked, outcomes },
      running: { v, tokens },
    }
  }

  /** False if it is from a writer that was replaced: its successor names all claims that hold. Either way, what stands there is read. */
  #accept(record: MailboxRecord): boolean {
    const { epoch, sawEpoch, meets, doubt } = this.#standby
    if (record.format !== FORMAT) throw new FormatMismatch(this.key, record.format, FORMAT)
    // Versions grow, whoever writes them.
    if (record.version < this.#version) doubt()
    this.#version = record.version
    if (record.epoch < epoch()) return false
    const mark = asLogMark(record.log)
    if (mark !== undefined && !meets(mark)) return false
    sawEpoch(record.epoch)
    return true
  }

  #read(record: MailboxRecord, absentAt: number): Letter | undefined {
    const { worker } = this.#standby
    const seen = this.#version
    if (!this.#accept(record)) return undefined
    const isNew = (part: { readonly v: number }): boolean => part.v > seen
    for (const ticket of record.tickets) {
      if (isNew(ticket)) this.#tickets.push({ ticket: decodeTicket(ticket, worker.id), absentAt })
    }
    const { running, handedOver = 0, recall } = record
    return {
      ...{ epoch: record.epoch, deputy: record.deputy, idlePollMs: record.idlePollMs, handedOver: handedOver > seen },
      receipts: record.receipts.filter(isNew),
      revoked: record.revoked.filter(isNew),
      outcomes: record.outcomes.filter(isNew),
      running: running !== undefined && isNew(running) ? running : undefined,
      recall: recall !== undefined && isNew(recall) ? recall.count : 0,
    }
  }
}
