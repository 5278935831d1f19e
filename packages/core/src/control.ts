/** What operators do to a queue and its messages: pause and resume, cancel, release, purge, redrive, forget, accept a restored log. */
import type { ControlAction, ControlCommand } from './state/commands.ts'
import type { QueueEvent } from './state/events.ts'
import { findMessage } from './state/lookup.ts'
import type { QueueState } from './state/model.ts'
import { wasTaken } from './state/senders.ts'

export interface ControlDecision {
  readonly events: readonly QueueEvent[]
  /** How many messages it concerned, or 1 and 0 for yes and no. */
  readonly result: number
  /** The claim whose handler must be told. */
  readonly token?: number | undefined
}

/** Decides a command and notes its answer, so that its sender finds it wherever it looks. Undefined if it was carried out before. */
export function decideControl(state: QueueState, { sender, seq, action }: ControlCommand): ControlDecision | undefined {
  if (wasTaken(state.senders, sender, seq)) return undefined
  const decision = decide(state, action)
  const { result } = decision
  return { ...decision, events: [...decision.events, { type: 'answered', sender, seq, result }] }
}

function decide(state: QueueState, action: ControlAction): ControlDecision {
  switch (action.kind) {
    case 'pause':
      return pause(state, true)
    case 'resume':
      return pause(state, false)
    case 'cancel':
      return cancel(state, action.id)
    case 'release':
      return release(state, action.id)
    case 'purge': {
      const result = state.counts.waiting + state.counts.delayed
      return { events: result > 0 ? [{ type: 'purged' }] : [], result }
    }
    case 'accept-restore': {
      const token = tokenAfterRestore(state)
      return { events: [{ type: 'restored', token }], result: token }
    }
    case 'redrive': {
      const ids =
        action.ids === undefined ? [...state.dead.keys()] : unique(action.ids).filter((id) => state.dead.has(id))
      return { events: ids.length > 0 ? [{ type: 'redriven', ids }] : [], result: ids.length }
    }
    case 'forget': {
      const ids = unique(action.ids).filter((id) => state.dead.has(id) || state.completed.has(id))
      return { events: ids.length > 0 ? [{ type: 'forgotten', ids }] : [], result: ids.length }
    }
  }
}

/** Tokens after a restore are counted from here on, ms since 1970. Until the year 2088 they are safe integers. */
const TOKENS_SINCE = Date.UTC(2020, 0, 1)
/** More claims than this are made in no second. */
const TOKENS_PER_SECOND = 2 ** 22
/** By how much tokens grow at least, where the clock is wrong. */
const LEAST_RAISE = 2 ** 32

/**
 * A token above all that were used before the log was restored. Nothing in the restored log says how many claims followed it. But claims come at most at a certain rate,
 * and all of them came before now: so the token goes by the time.
 */
function tokenAfterRestore({ now, nextToken }: QueueState): number {
  const byTime = Math.ceil((now - TOKENS_SINCE) / 1000) * TOKENS_PER_SECOND
  return Math.max(byTime, nextToken + LEAST_RAISE)
}

function pause(state: QueueState, paused: boolean): ControlDecision {
  if (state.paused === paused) return { events: [], result: 0 }
  return { events: [{ type: 'paused', paused }], result: 1 }
}

function cancel(state: QueueState, id: string): ControlDecision {
  const found = findMessage(state, id, state.now)
  if (found?.status === 'active')
    return { events: [{ type: 'cancelled', token: found.claim.token }], result: 1, token: found.claim.token }
  if (found?.status !== 'waiting') return { events: [], result: 0 }
  return { events: [{ type: 'withdrawn', run: found.run.id, offset: found.seq - found.run.seq }], result: 1 }
}

function release(state: QueueState, id: string): ControlDecision {
  const found = findMessage(state, id, state.now)
  if (found?.status !== 'active') return { events: [], result: 0 }
  const { token, releasing } = found.claim
  if (releasing) return { events: [], result: 1 }
  // Its handler may still run: the message goes back only when its worker has stopped, or when the claim's time is over.
  return { events: [{ type: 'releasing', token }], result: 1, token }
}

function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)]
}
