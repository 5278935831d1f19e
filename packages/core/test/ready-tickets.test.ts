import { describe, expect, it } from 'vitest'
import type { Claim } from '../src/state/model.ts'
import { type HeldTicket, ReadyTickets } from '../src/worker/ready-tickets.ts'

function ticket(token: number, priority = 0): HeldTicket {
  const batch = { sender: 's', seq: 0, size: 1, slot: 1, index: 0, maxAttempts: 3, enqueuedAt: 0, extras: undefined }
  const claim: Claim = {
    ...{ batch: { ...batch, priority }, seq: 0, token, worker: 'w', attempt: 1, claimedAt: 0, timeoutMs: 1000 },
    ...{ failures: { short: [], stored: [] }, report: undefined, releasing: false },
  }
  return { claim, payload: '1', timeoutMs: 1000, arrivedAt: 0, deadlineAt: 1000 }
}

function readyWith(...tickets: HeldTicket[]): ReadyTickets {
  const ready = new ReadyTickets()
  for (const one of tickets) ready.push(one)
  return ready
}

const tokensOf = (tickets: Iterable<HeldTicket>): number[] => Array.from(tickets, ({ claim }) => claim.token)

function startAll(ready: ReadyTickets): number[] {
  const started: number[] = []
  for (let next = ready.shift(); next !== undefined; next = ready.shift()) started.push(next.claim.token)
  return started
}

describe('tickets that wait for a handler', () => {
  it('start in the order of their priorities, and of their arrival within one', () => {
    const ready = readyWith(ticket(1), ticket(2, 5), ticket(3), ticket(4, -1), ticket(5, 5))
    expect(ready.size).toBe(5)
    expect(tokensOf(ready)).toEqual([2, 5, 1, 3, 4])
    expect(startAll(ready)).toEqual([2, 5, 1, 3, 4])
    expect(ready.size).toBe(0)
  })

  it('leave from the end when some are taken back, and those never start', () => {
    const ready = readyWith(ticket(1), ticket(2), ticket(3, 9), ticket(4))
    expect(tokensOf(ready.takeBack(2))).toEqual([2, 4])
    expect(startAll(ready)).toEqual([3, 1])
    expect(tokensOf(ready.takeBack(1))).toEqual([])
  })

  it('are all taken back if as many are wanted', () => {
    const ready = readyWith(ticket(1), ticket(2))
    expect(tokensOf(ready.takeBack(Number.POSITIVE_INFINITY))).toEqual([1, 2])
    expect(ready.size).toBe(0)
    ready.push(ticket(3))
    expect(startAll(ready)).toEqual([3])
  })

  it('are removed one by one by their tokens', () => {
    const ready = readyWith(ticket(1), ticket(2, 1), ticket(3))
    expect(ready.take(2)?.claim.token).toBe(2)
    expect(ready.take(2)).toBeUndefined()
    expect(ready.size).toBe(2)
    expect(startAll(ready)).toEqual([1, 3])
  })
})
