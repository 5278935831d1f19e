/**
 * The state machine by itself: `@s3queue/core/state`. Internal: for the benchmark and for tools of this repository. It may change in any
 * release; queues are made with `createQueue` of `@s3queue/core`.
 */
import { messageId, type QueueState } from './model.ts'

export { decideDispatch } from '../dispatch.ts'
export { decideEnqueue } from '../enqueue.ts'
export { decideSettle } from '../settle.ts'
export { applyEvent, beginCommit } from './apply.ts'
export { decodeBatch, encodeBatch } from './batch-codec.ts'
export type { EnqueueCommand, Settlement } from './commands.ts'
export type { QueueEvent } from './events.ts'
export { describeStats, emptyState, type QueueState, type QueueStats } from './model.ts'

/** The id of the message that a claim is on, by its token. Throws if nobody holds it. */
export function messageIdOf(state: QueueState, token: number): string {
  const claim = state.active.get(token)
  if (claim === undefined) throw new Error(`No claim has the token ${token}.`)
  return messageId(claim)
}
