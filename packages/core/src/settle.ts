/** Step 5, settle: a worker says how its claims ended; each is taken only while its token is the current one. */
import type { ErrorRecord } from './failure.ts'
import type { Settlement } from './state/commands.ts'
import { failureOf, isLongReport } from './state/endings.ts'
import type { DeadReason, QueueEvent, Report } from './state/events.ts'
import type { Claim, QueueState } from './state/model.ts'

/** How long to wait before the next attempt at a message, in ms. */
export type RetryDelay = (claim: Claim, settlement: Extract<Settlement, { kind: 'fail' }>) => number

/** How one settlement ended: recorded, or refused because its claim has passed on. */
export type SettledAs = 'completed' | 'retried' | 'died' | 'snoozed' | 'released' | 'stale'

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
  const draft = new Draft(state, retryDelay)
  const seen = new Set<number>()
  const results = settlements.map((settlement): SettledAs => {
    const claim = state.active.get(settlement.token)
    if (claim === undefined || seen.has(settlement.token)) return 'stale'
    seen.add(settlement.token)
    return draft.add(claim, settlement)
  })
  return { events: draft.events(), results }
}

/** Gathers events; what many claims have in common becomes one. */
class Draft {
  readonly #state: QueueState
  readonly #retryDelay: RetryDelay
  readonly #single: QueueEvent[] = []
  readonly #completed: number[] = []
  readonly #resultOf: [number, string][] = []
  readonly #reportOf: [number, Report][] = []
  readonly #unstarted: number[] = []
  readonly #cutOff: number[] = []
  readonly #interrupted: number[] = []

  constructor(state: QueueState, retryDelay: RetryDelay) {
    this.#state = state
    this.#retryDelay = retryDelay
  }

  add(claim: Claim, settlement: Settlement): SettledAs {
    const { token } = claim
    if (settlement.kind === 'complete') {
      this.#completed.push(token)
      if (settlement.result !== undefined) this.#resultOf.push([token, settlement.result])
      if (claim.report !== undefined && isLongReport(claim.report)) this.#reportOf.push([token, claim.report])
      return 'completed'
    }
    if (settlement.kind === 'fail') return this.#fail(claim, settlement)
    if (settlement.kind === 'reject') return this.#die(claim, 'rejected', settlement)
    if (settlement.kind === 'snooze') {
      this.#single.push({ type: 'snoozed', token, visibleAt: this.#state.now + settlement.ms })
      return 'snoozed'
    }
    if (!settlement.started) {
      this.#unstarted.push(token)
      return 'released'
    }
    // An operator's release counts the attempt, but for the last one; one that a stopping worker cut off is not counted.
    if (claim.releasing && claim.attempt < claim.batch.maxAttempts) this.#interrupted.push(token)
    else this.#cutOff.push(token)
    return 'released'
  }

  events(): QueueEvent[] {
    const events = this.#single
    if (this.#completed.length > 0) {
      const results = this.#resultOf.length > 0 ? { results: this.#resultOf } : {}
      const reports = this.#reportOf.length > 0 ? { reports: this.#reportOf } : {}
      events.push({ type: 'completed', tokens: this.#completed, ...results, ...reports })
    }
    if (this.#interrupted.length > 0) events.push({ type: 'released', tokens: this.#interrupted, started: true })
    if (this.#cutOff.length > 0) events.push({ type: 'released', tokens: this.#cutOff, started: true, counted: false })
    if (this.#unstarted.length > 0) events.push({ type: 'released', tokens: this.#unstarted, started: false })
    return events
  }

  #fail(claim: Claim, settlement: Extract<Settlement, { kind: 'fail' }>): SettledAs {
    const { token } = claim
    if (!settlement.retriable) return this.#die(claim, 'not-retriable', settlement)
    if (claim.attempt >= claim.batch.maxAttempts) return this.#die(claim, 'attempts-used-up', settlement)
    const visibleAt = this.#state.now + this.#retryDelay(claim, settlement)
    this.#single.push({ type: 'retried', token, visibleAt, ...failureOf(claim, settlement) })
    return 'retried'
  }

  #die(claim: Claim, reason: DeadReason, settlement: ErrorRecord): SettledAs {
    this.#single.push({ type: 'died', token: claim.token, reason, ...failureOf(claim, settlement) })
    return 'died'
  }
}
