/** What the writer made of an enqueue that another process sent through the inbox, read from the state that the log comes to. */
import type { EnqueueCommand } from '../state/commands.ts'
import { findMessage } from '../state/lookup.ts'
import { numberedId, type QueueState } from '../state/model.ts'
import { wasTaken } from '../state/senders.ts'
import type { Answer } from './context.ts'

/**
 * `undecided`: no writer has taken the command. `unknown`: a writer has, but the state no longer tells what it made of it, as the message has ended or the
 * window of its key is over.
 */
export function enqueueOutcome(state: QueueState, command: EnqueueCommand): Answer | 'undecided' | 'unknown' {
  const { sender, seq, extras } = command
  if (!wasTaken(state.senders, sender, seq)) return 'undecided'
  const { id, deduplicationKey } = extras ?? {}
  if (id !== undefined && isKnown(state, id)) return byId(state, command, id)
  const named = deduplicationKey === undefined ? undefined : state.names.keys.get(deduplicationKey)
  if (named === undefined) return 'unknown'
  return named.id === (id ?? numberedId(sender, seq)) ? { kind: 'taken' } : duplicateOf(state, named.id)
}

function isKnown(state: QueueState, id: string): boolean {
  return state.names.held.has(id) || state.completed.get(id) !== undefined
}

function byId(state: QueueState, { sender, seq }: EnqueueCommand, id: string): Answer | 'unknown' {
  const found = findMessage(state, id, state.now)
  // A completed message does not tell which enqueue it came from.
  if (found === undefined || found.status === 'completed') return 'unknown'
  const { batch } = found.status === 'waiting' ? found.run : found.status === 'active' ? found.claim : found.dead
  return batch.sender === sender && batch.seq === seq ? { kind: 'taken' } : duplicateOf(state, id)
}

function duplicateOf(state: QueueState, of: string): Answer {
  return { kind: 'duplicate', of, isDead: state.dead.has(of) }
}
