/** Step 1, enqueue: new messages come into the queue, each batch once, however often its command arrives. */
import type { EnqueueCommand } from './state/commands.ts'
import type { QueueEvent } from './state/events.ts'
import type { QueueState } from './state/model.ts'
import { findName } from './state/names.ts'
import { wasTaken } from './state/senders.ts'

export type EnqueueDecision =
  | { readonly kind: 'enqueued'; readonly event: QueueEvent }
  /** A message with this id or deduplication key is known. */
  | { readonly kind: 'duplicate'; readonly event: QueueEvent; readonly of: string }
  /** The command came before: its messages are enqueued already. */
  | { readonly kind: 'repeated' }

export function decideEnqueue(state: QueueState, command: EnqueueCommand): EnqueueDecision {
  const { sender, seq, extras } = command
  if (wasTaken(state.senders, sender, seq)) return { kind: 'repeated' }
  const of = findName(state.names, extras, state.now)
  if (of !== undefined) {
    // Its payload was written before anybody knew.
    const garbage = extras?.payloadKey === undefined ? {} : { payloadKey: extras.payloadKey }
    return { kind: 'duplicate', event: { type: 'duplicate', sender, seq, of, ...garbage }, of }
  }
  return { kind: 'enqueued', event: { ...command, type: 'enqueued' } }
}
