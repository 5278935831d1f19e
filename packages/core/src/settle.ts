/** Step 5, settle: a worker says how its claims ended; each is taken only while its token is the current one. */
import type { Settlement } from './state/commands.ts'
import type { QueueEvent } from './state/events.ts'
import type { Claim, QueueState } from './state/model.ts'

/** What the writer adds to a failed attempt: how long to wait before the next, in ms. */
export type RetryDelay = (attempt: number) => number

/** How one settlement ended: recorded, or refused because its claim has passed on. */
export type SettledAs = 'completed' | 'retried' | 'died' | 'released' | 'stale'

export interface SettleDecision {
  readonly events: readonly QueueEvent[]
  /** One for each settlement, in their order. */
  readonly results: readonly SettledAs[]
}

/** Decides a batch of settlements. A token that comes twice in it counts the first time. */
export function decideSettle(
  state: QueueState,
  settlements: readonly Settlement[],
  retryDelay: RetryDelay,
): SettleDecision {
  const events: QueueEvent[] = []
  const completed: number[] = []
  const unstarted: number[] = []
  const interrupted: number[] = []
  const seen = new Set<number>()
  const results = settlements.map((settlement): SettledAs => {
    const claim = state.active.get(settlement.token)
    if (claim === undefined || seen.has(settlement.token)) return 'stale'
    seen.add(settlement.token)
    if (settlement.kind === 'complete') {
      completed.push(claim.token)
      return 'completed'
    }
    if (settlement.kind === 'release') {
      if (settlement.started && claim.attempt >= claim.maxAttempts) {
        events.push(died(claim, 'Interrupted', 'the worker stopped during the last attempt', true))
        return 'died'
      }
      if (settlement.started) interrupted.push(claim.token)
      else unstarted.push(claim.token)
      return 'released'
    }
    if (!settlement.retriable || claim.attempt >= claim.maxAttempts) {
      events.push(died(claim, settlement.name, settlement.message, settlement.retriable))
      return 'died'
    }
    const visibleAt = state.now + retryDelay(claim.attempt)
    events.push({ type: 'retried', token: claim.token, visibleAt, name: settlement.name, message: settlement.message })
    return 'retried'
  })
  if (completed.length > 0) events.push({ type: 'completed', tokens: completed })
  if (interrupted.length > 0) events.push({ type: 'released', tokens: interrupted, started: true })
  if (unstarted.length > 0) events.push({ type: 'released', tokens: unstarted, started: false })
  return { events, results }
}

function died(claim: Claim, name: string, message: string, retriable: boolean): QueueEvent {
  return { type: 'died', token: claim.token, reason: retriable ? 'attempts-used-up' : 'not-retriable', name, message }
}
