/** Turns what the writer decided into events for listeners, each once its commit is durable; costs nothing where nobody listens. */
import { attemptOf, timesOf } from '../claim.ts'
import { describeFailure } from '../failure.ts'
import type { SettleDecision } from '../settle.ts'
import type { EnqueueCommand, Settlement } from '../state/commands.ts'
import type { QueueEvent } from '../state/events.ts'
import { type Death, deathOf } from '../state/failures.ts'
import { type Claim, messageId, numberedId, type QueueState } from '../state/model.ts'
import type { SettledElsewhere } from '../transport/port.ts'
import type { Effect } from './commit-loop.ts'
import type { EngineContext } from './context.ts'
import type { Ending } from './endings.ts'
import type { LogTime } from './log-time.ts'

/** Events that say how settlements were taken. */
export const SETTLED = ['completed', 'retried', 'died', 'snoozed', 'released', 'refused'] as const

export class Announcer {
  readonly #context: EngineContext
  readonly #state: QueueState
  readonly #time: LogTime

  constructor(context: EngineContext, state: QueueState, time: LogTime) {
    this.#context = context
    this.#state = state
    this.#time = time
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
    const { events, endings } = this.#context
    const isHeard = SETTLED.some((name) => events.hears(name))
    if (!isHeard && endings.isEmpty) return effect
    const at = this.#state.now
    const outcomes = outcomesOf(settlements, claims, decision, at)
    return after(effect, () => {
      for (const [i, settlement] of settlements.entries()) {
        const [claim, outcome] = [claims[i], outcomes[i]]
        if (claim === undefined || outcome === undefined) continue
        if (isHeard) announceSettled(this.#context, claim, settlement, outcome, at, this.#time.now())
        endings.tell(messageId(claim), () => endingOf(settlement, outcome))
      }
    })
  }

  /** A message was cancelled while a worker had it. */
  cancelled(claim: Claim): void {
    this.#context.events.emit('cancelled', attemptOf(claim))
  }

  /** `decided`: what became of `claims`, whose time was up. */
  expired(claims: readonly Claim[], decided: readonly QueueEvent[]): Effect | undefined {
    const { events, endings, texts } = this.#context
    const isHeard = (['expired', 'died', 'released'] as const).some((name) => events.hears(name))
    if (endings.isEmpty && !isHeard) return undefined
    const deaths = deathsOf(claims, decided, this.#state.now)
    return after(undefined, () => {
      for (const claim of claims) {
        const death = deaths.get(claim.token)
        if (death === undefined) {
          events.emit(claim.releasing ? 'released' : 'expired', attemptOf(claim))
        } else {
          texts.emitDied(events, { ...attemptOf(claim), ...timesOf(claim) }, death)
          endings.tell(messageId(claim), () => ({ kind: 'died', death }))
        }
      }
    })
  }
}

/** How settlements were taken, in their order. `at`: the moment of that, ms since 1970. */
export function outcomesOf(
  settlements: readonly Settlement[],
  claims: readonly (Claim | undefined)[],
  { events, results }: SettleDecision,
  at: number,
): SettledElsewhere[] {
  const nextTry = new Map<number, number>()
  for (const event of events) {
    if (event.type === 'retried' || event.type === 'snoozed') nextTry.set(event.token, event.visibleAt)
  }
  const deaths = deathsOf(claims, events, at)
  return settlements.map(({ token }, i) => ({
    ...{ token, as: results[i] ?? 'stale', visibleAt: nextTry.get(token), died: deaths.get(token) },
  }))
}

/** By token. Made from the decision, as the state may have forgotten a dead letter when its commit is in the log. */
function deathsOf(
  claims: readonly (Claim | undefined)[],
  decided: readonly QueueEvent[],
  at: number,
): ReadonlyMap<number, Death> {
  const deaths = new Map<number, Death>()
  if (!decided.some(({ type }) => type === 'died')) return deaths
  const byToken = new Map(claims.map((claim) => [claim?.token, claim]))
  for (const event of decided) {
    const claim = event.type === 'died' ? byToken.get(event.token) : undefined
    if (event.type !== 'died' || claim === undefined) continue
    deaths.set(event.token, deathOf(claim, at, event))
  }
  return deaths
}

/** Tells listeners how a settlement was taken at `at`, and that `now` is the time; both ms since 1970. */
export function announceSettled(
  { events, texts }: Pick<EngineContext, 'events' | 'texts'>,
  claim: Claim,
  settlement: Settlement,
  { as, visibleAt = 0, died }: SettledElsewhere,
  at: number,
  now: number,
): void {
  const about = attemptOf(claim)
  const times = timesOf(claim, settlement.times)
  if (as === 'completed') {
    const result = resultOf(settlement)
    const durationMs = times.ranMs ?? Math.max(0, now - claim.claimedAt)
    events.emit('completed', { ...about, ...times, durationMs, result })
  } else if (as === 'retried') {
    const { name, message, more } = settlement.kind === 'fail' ? settlement : { name: '', message: '', more: undefined }
    const error = describeFailure({ attempt: claim.attempt, at, name, message, more })
    events.emit('retried', { ...about, ...times, maxAttempts: claim.batch.maxAttempts, error, visibleAt })
  } else if (as === 'died') {
    if (died !== undefined) texts.emitDied(events, { ...about, ...times }, died)
  } else if (as === 'snoozed') {
    events.emit('snoozed', { ...about, ...times, visibleAt })
  } else if (as === 'released') {
    events.emit('released', about)
  } else {
    events.emit('refused', about)
  }
}

function endingOf(settlement: Settlement, { as, died }: SettledElsewhere): Ending | undefined {
  if (as === 'completed') return { kind: 'completed', result: resultOf(settlement) }
  return as === 'died' && died !== undefined ? { kind: 'died', death: died } : undefined
}

function resultOf(settlement: Settlement): unknown {
  const text = settlement.kind === 'complete' ? settlement.result : undefined
  return text === undefined ? undefined : JSON.parse(text)
}

/** `effect`, and then `announce` once it is durable. */
function after(effect: Effect | undefined, announce: () => void): Effect {
  return {
    durable() {
      effect?.durable()
      announce()
    },
    lost: (reason, mayBeInLog) => effect?.lost(reason, mayBeInLog),
  }
}
