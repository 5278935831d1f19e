/** The queue's state as a fold of its log: what the log calls to rebuild it. */
import type { Fold } from '@s3queue/primitives'
import { applyEvent, beginCommit } from './apply.ts'
import { decodeBatch } from './batch-codec.ts'
import type { QueueEvent } from './events.ts'
import { emptyState, type QueueState } from './model.ts'
import { decodeState } from './snapshot.ts'

export const queueFold: Fold<QueueState> = {
  start: (snapshot) => (snapshot === undefined ? emptyState() : decodeState(snapshot)),
  apply(state, entry) {
    beginCommit(state, entry.slot)
    if (entry.kind === 'fence') return
    for (const event of decodeBatch<QueueEvent>(entry.body).entries) applyEvent(state, event)
  },
}
