/** Step 3, claim: committed claims become tickets, with their payloads, in the hands of the worker they were made for. */
import type { AttemptEvent, AttemptTimes } from './events.ts'
import type { Payload } from './state/batch-codec.ts'
import { type Claim, messageId } from './state/model.ts'

/** A committed claim and its message's payload: all that a worker needs. */
export interface Ticket {
  readonly claim: Claim
  readonly payload: Payload
}

/** Where payloads are read: at once if they are in memory, else from the store. */
export interface PayloadReader {
  peek(claim: Claim): Payload | undefined
  load(claim: Claim): Promise<Payload>
}

export interface HandOver {
  readonly payloads: PayloadReader
  /** Whether a handler is to have this claim still: reading a payload can take longer than a claim lasts. */
  readonly isWanted: (claim: Claim) => boolean
  readonly deliver: (tickets: Ticket[]) => void
  /** This claim is not wanted any more now that its payload was read. */
  readonly dropped: (claim: Claim) => void
  /** The payload of this claim cannot be read. */
  readonly unreadable: (claim: Claim, error: unknown) => void
}

/** Hands over claims, those at once whose payloads are in memory, the others when theirs are read. */
export function handOver(claims: readonly Claim[], to: HandOver): void {
  const tickets: Ticket[] = []
  for (const claim of claims) {
    const payload = to.payloads.peek(claim)
    if (payload !== undefined) tickets.push({ claim, payload })
    else void readAndDeliver(claim, to)
  }
  if (tickets.length > 0) to.deliver(tickets)
}

async function readAndDeliver(claim: Claim, to: HandOver): Promise<void> {
  try {
    const payload = await to.payloads.load(claim)
    if (to.isWanted(claim)) to.deliver([{ claim, payload }])
    else to.dropped(claim)
  } catch (error) {
    to.unreadable(claim, error)
  }
}

/** What events say of the time that an attempt took. `times`: held and run, as its worker measured them; another process may have sent anything. */
export function timesOf({ batch, claimedAt }: Claim, times?: readonly number[]): AttemptTimes {
  const waitedMs = Math.max(0, claimedAt - batch.enqueuedAt)
  const [heldMs, ranMs] = Array.isArray(times) ? times : []
  return isDuration(heldMs) && isDuration(ranMs) ? { waitedMs, heldMs, ranMs } : { waitedMs }
}

function isDuration(ms: unknown): ms is number {
  return typeof ms === 'number' && ms >= 0 && ms < Number.POSITIVE_INFINITY
}

/** What events say about a claim. */
export function attemptOf(claim: Claim): AttemptEvent {
  return { id: messageId(claim), attempt: claim.attempt, workerId: claim.worker, fencingToken: claim.token }
}
