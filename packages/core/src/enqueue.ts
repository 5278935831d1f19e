/** Step 1, enqueue: new messages come into the queue, each batch once, however often its command arrives. */
import type { EnqueueCommand } from './state/commands.ts'
import type { QueueEvent } from './state/events.ts'
import type { QueueState } from './state/model.ts'
import { findName, findNames } from './state/names.ts'
import { wasTaken } from './state/senders.ts'

export type EnqueueDecision =
  /** `before`: what happens first, if anything. */
  | { readonly kind: 'enqueued'; readonly event: QueueEvent; readonly before?: QueueEvent | undefined }
  /** A message with this id or deduplication key is known. */
  | { readonly kind: 'duplicate'; readonly event: QueueEvent; readonly of: string; readonly isDead: boolean }
  /** The command came before: its messages are enqueued already. */
  | { readonly kind: 'repeated' }

export function decideEnqueue(state: QueueState, command: EnqueueCommand): EnqueueDecision {
  const { sender, seq, extras } = command
  if (wasTaken(state.senders, sender, seq)) return { kind: 'repeated' }
  const of = findName(state.names, extras, state.now)
  if (of === undefined) return { kind: 'enqueued', event: enqueued(command) }
  if (command.onDead === 'replace') {
    // An id and a key may be those of two messages: unless both are dead, the one that is not stays the one that is meant.
    const ids = findNames(state.names, extras, state.now)
    if (ids.every((id) => state.dead.has(id)))
      return { kind: 'enqueued', event: enqueued(command), before: { type: 'forgotten', ids } }
  }
  // The payload was written before the duplicate was known.
  const garbage = extras?.payloadKey === undefined ? {} : { payloadKey: extras.payloadKey }
  return {
    kind: 'duplicate',
    event: { type: 'duplicate', sender, seq, of, ...garbage },
    of,
    isDead: state.dead.has(of),
  }
}

function enqueued(command: EnqueueCommand): QueueEvent {
  if (!('onDead' in command)) return { ...command, type: 'enqueued' }
  const { onDead: _, ...message } = command
  return { ...message, type: 'enqueued' }
}
