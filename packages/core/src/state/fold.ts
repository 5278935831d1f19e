/** The queue's state as a fold of its log: what the log calls to rebuild it. */
import type { Fold } from '@s3queue/primitives'
import { applyEvent, beginCommit } from './apply.ts'
import { decodeBatch } from './batch-codec.ts'
import type { QueueEvent } from './events.ts'
import { emptyState, type QueueState } from './model.ts'
import { decodeState } from './snapshot.ts'

/** Receives what a slot holds that does not fit the state and is left out. */
export type OnSkipped = (slot: number, type: QueueEvent['type'], reason: string) => void

/** Receives each event, and the state before it. */
export type BeforeEvent = (state: QueueState, event: QueueEvent) => void

/** Makes the fold of a queue's log; `onSkipped` receives what it leaves out. */
export function createQueueFold(onSkipped: OnSkipped, before: BeforeEvent = () => {}): Fold<QueueState> {
  return {
    start: (snapshot) => (snapshot === undefined ? emptyState() : decodeState(snapshot)),
    apply(state, entry) {
      beginCommit(state, entry.slot)
      if (entry.kind === 'fence') return
      for (const event of decodeBatch<QueueEvent>(entry.body).entries) {
        before(state, event)
        applyEvent(state, event, (reason) => onSkipped(entry.slot, event.type, reason))
      }
    },
  }
}

/** For tools that report nothing. */
export const queueFold: Fold<QueueState> = createQueueFold(() => {})
