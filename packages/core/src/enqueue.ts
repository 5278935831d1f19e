/** Step 1, enqueue: new messages come into the queue, each batch once, however often its command arrives. */
import type { EnqueueCommand } from './state/commands.ts'
import type { QueueEvent } from './state/events.ts'
import type { QueueState } from './state/model.ts'
import { wasTaken } from './state/senders.ts'

/** The event, or undefined if these messages were taken before: then they are enqueued already, and the sender may be told so. */
export function decideEnqueue(state: QueueState, command: EnqueueCommand): QueueEvent | undefined {
  if (wasTaken(state.senders, command.sender, command.seq)) return undefined
  return { ...command, type: 'enqueued' }
}
