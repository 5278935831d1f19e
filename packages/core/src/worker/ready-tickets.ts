/**
 * The tickets of a worker that no handler has started: the most urgent first, and the oldest of equal priority.
 *
 * A ticket that leaves by `takeBack` or `take` is never returned by `shift`: a recalled message does not start here.
 */
import type { Ticket } from '../claim.ts'
import { Deque } from '../state/deque.ts'

export interface HeldTicket extends Ticket {
  /** How long the claim lasts from each proof that this process is the writer. */
  readonly timeoutMs: number
  /** When it came into the worker's hands, monotonic. */
  readonly arrivedAt: number
  deadlineAt: number
}

export class ReadyTickets {
  /** By priority, highest first. Nearly always one entry. */
  #rows: { readonly priority: number; readonly tickets: Deque<HeldTicket> }[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  push(ticket: HeldTicket): void {
    this.#size++
    this.#row(ticket.claim.batch.priority).push(ticket)
  }

  /** The next to start. */
  shift(): HeldTicket | undefined {
    const [first] = this.#rows
    if (first === undefined) return undefined
    const ticket = first.tickets.shift()
    this.#size--
    if (first.tickets.size === 0) this.#rows.shift()
    return ticket
  }

  /** Takes out up to `count` tickets, those that would start last. */
  takeBack(count: number): HeldTicket[] {
    const all = [...this]
    const kept = Math.max(0, all.length - count)
    this.#rows = []
    this.#size = 0
    for (let i = 0; i < kept; i++) this.push(all[i] as HeldTicket)
    return all.slice(kept)
  }

  /** Takes out the ticket of a claim, if it is here. */
  take(token: number): HeldTicket | undefined {
    let taken: HeldTicket | undefined
    for (const { tickets } of this.#rows) {
      tickets.retain((ticket) => {
        if (ticket.claim.token !== token) return true
        taken = ticket
        return false
      })
      if (taken === undefined) continue
      this.#size--
      this.#rows = this.#rows.filter((row) => row.tickets.size > 0)
      break
    }
    return taken
  }

  *[Symbol.iterator](): Iterator<HeldTicket> {
    for (const { tickets } of this.#rows) yield* tickets
  }

  #row(priority: number): Deque<HeldTicket> {
    const [first] = this.#rows
    if (first?.priority === priority) return first.tickets
    const at = this.#rows.findIndex((row) => row.priority <= priority)
    const known = this.#rows[at]
    if (known?.priority === priority) return known.tickets
    const tickets = new Deque<HeldTicket>()
    this.#rows.splice(at < 0 ? this.#rows.length : at, 0, { priority, tickets })
    return tickets
  }
}
