/** Turns what the writer decided into events for listeners, each once its commit is durable; costs nothing where nobody listens. */
import { attemptOf } from '../claim.ts'
import type { EventHub } from '../events.ts'
import type { SettleDecision } from '../settle.ts'
import type { EnqueueCommand, Settlement } from '../state/commands.ts'
import type { Failure } from '../state/events.ts'
import { type Claim, messageId, numberedId, type QueueState } from '../state/model.ts'
import type { SettledElsewhere } from '../transport/port.ts'
import type { Effect } from './commit-loop.ts'
import type { EngineContext } from './context.ts'

/** Events that say how settlements were taken. */
export const SETTLED = ['completed', 'retried', 'died', 'snoozed', 'released', 'refused'] as const

export class Announcer {
  readonly #context: EngineContext
  readonly #state: QueueState

  constructor(context: EngineContext, state: QueueState) {
    this.#context = context
    this.#state = state
  }

  enqueued(command: EnqueueCommand): Effect | undefined {
    const { events } = this.#context
    if (!events.hears('enqueued')) return undefined
    const { sender, seq, count, extras } = command
    const ids = Array.from({ length: count }, (_, i) => extras?.id ?? numberedId(sender, seq + i))
    return after(undefined, () => events.emit('enqueued', { ids }))
  }

  /** `claims`: what is known of each settlement's claim, by its worker or by the state before the decision. */
  settled(
    settlements: readonly Settlement[],
    claims: readonly (Claim | undefined)[],
    decision: SettleDecision,
    effect: Effect | undefined,
  ): Effect | undefined {
    if (!SETTLED.some((name) => this.#context.events.hears(name))) return effect
    const nextTry = new Map<number, number>()
    for (const event of decision.events) {
      if (event.type === 'retried' || event.type === 'snoozed') nextTry.set(event.token, event.visibleAt)
    }
    const at = this.#state.now
    return after(effect, () => {
      for (const [i, settlement] of settlements.entries()) {
        this.#announce(settlement, claims[i], decision.results[i], {
          at,
          visibleAt: nextTry.get(settlement.token) ?? 0,
        })
      }
    })
  }

  /** A claim was taken from its worker; `cancelled` if the message is gone as well. */
  revoked(claim: Claim, cancelled: boolean): void {
    this.#context.events.emit(cancelled ? 'cancelled' : 'released', attemptOf(claim))
  }

  expired(claims: readonly Claim[]): Effect | undefined {
    const { events } = this.#context
    if (!events.hears('expired') && !events.hears('died')) return undefined
    return after(undefined, () => {
      for (const claim of claims) {
        if (claim.attempt < claim.batch.maxAttempts) events.emit('expired', attemptOf(claim))
        else this.#died(claim)
      }
    })
  }

  #announce(
    settlement: Settlement,
    claim: Claim | undefined,
    result: SettleDecision['results'][number] | undefined,
    times: { readonly at: number; readonly visibleAt: number },
  ): void {
    const { events, wallNow } = this.#context
    if (claim === undefined || result === undefined) return
    const dead = result === 'died' ? this.#state.dead.get(messageId(claim)) : undefined
    const died = dead === undefined ? undefined : { reason: dead.reason, failures: dead.failures }
    const outcome = { token: claim.token, as: result, visibleAt: times.visibleAt, died }
    announceSettled(events, claim, settlement, outcome, times.at, wallNow())
  }

  #died(claim: Claim): void {
    const dead = this.#state.dead.get(messageId(claim))
    if (dead !== undefined)
      this.#context.events.emit('died', { ...attemptOf(claim), reason: dead.reason, failures: dead.failures })
  }
}

/** Tells listeners how a settlement was taken at `at`, and that `now` is the time; both ms since 1970. */
export function announceSettled(
  events: EventHub,
  claim: Claim,
  settlement: Settlement,
  { as, visibleAt = 0, died }: SettledElsewhere,
  at: number,
  now: number,
): void {
  const about = attemptOf(claim)
  if (as === 'completed') {
    const text = settlement.kind === 'complete' ? settlement.result : undefined
    const result = text === undefined ? undefined : JSON.parse(text)
    events.emit('completed', { ...about, durationMs: Math.max(0, now - claim.claimedAt), result })
  } else if (as === 'retried') {
    const { name, message } = settlement.kind === 'fail' ? settlement : { name: '', message: '' }
    const error: Failure = { attempt: claim.attempt, at, name, message }
    events.emit('retried', { ...about, maxAttempts: claim.batch.maxAttempts, error, visibleAt })
  } else if (as === 'died') {
    if (died !== undefined) events.emit('died', { ...about, ...died })
  } else if (as === 'snoozed') {
    events.emit('snoozed', { ...about, visibleAt })
  } else if (as === 'released') {
    events.emit('released', about)
  } else {
    events.emit('refused', about)
  }
}

/** `effect`, and then `announce` once it is durable. */
function after(effect: Effect | undefined, announce: () => void): Effect {
  return {
    durable() {
      effect?.durable()
      announce()
    },
    lost: (reason) => effect?.lost(reason),
  }
}
