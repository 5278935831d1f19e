/** Step 3, claim: committed claims become tickets, with their payloads, in the hands of the worker they were made for. */
import type { PayloadCache, Payloads } from './engine/payload-cache.ts'
import type { AttemptEvent } from './events.ts'
import { type Claim, messageId } from './state/model.ts'

/** A committed claim and its message's payload: all that a worker needs. */
export interface Ticket {
  readonly claim: Claim
  /** JSON text. */
  readonly payload: string
}

export interface HandOver {
  readonly payloads: PayloadCache
  /** Whether a claim is still running: reading a payload can take longer than a claim lasts. */
  readonly isActive: (token: number) => boolean
  readonly deliver: (tickets: Ticket[]) => void
  /** The payloads of these claims cannot be read. */
  readonly unreadable: (claims: readonly Claim[], error: unknown) => void
}

/** Hands over claims, those at once whose payloads are in memory, the others when their commits are read. */
export function handOver(claims: readonly Claim[], to: HandOver): void {
  const tickets: Ticket[] = []
  const missing = new Map<number, Claim[]>()
  let slot = -1
  let payloads: Payloads | undefined
  for (const claim of claims) {
    if (claim.slot !== slot) {
      slot = claim.slot
      payloads = to.payloads.peek(slot)
    }
    if (payloads !== undefined) tickets.push({ claim, payload: payloads.text(claim.index) })
    else missing.set(slot, [...(missing.get(slot) ?? []), claim])
  }
  if (tickets.length > 0) to.deliver(tickets)
  for (const [from, waiting] of missing) void readAndDeliver(from, waiting, to)
}

async function readAndDeliver(slot: number, claims: readonly Claim[], to: HandOver): Promise<void> {
  let payloads: Payloads
  try {
    payloads = await to.payloads.load(slot)
  } catch (error) {
    to.unreadable(claims, error)
    return
  }
  to.deliver(
    claims.filter((claim) => to.isActive(claim.token)).map((claim) => ({ claim, payload: payloads.text(claim.index) })),
  )
}

/** What events say about a claim. */
export function attemptOf(claim: Claim): AttemptEvent {
  return { id: messageId(claim), attempt: claim.attempt, workerId: claim.worker, fencingToken: claim.token }
}
