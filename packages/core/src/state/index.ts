/**
 * The state machine by itself: `@s3queue/core/state`. Internal: for the benchmark and for tools of this repository. It may change in any
 * release; queues are made with `createQueue` of `@s3queue/core`.
 */
export { decideDispatch } from '../dispatch.ts'
export { decideEnqueue } from '../enqueue.ts'
export { decideSettle } from '../settle.ts'
export { applyEvent, beginCommit } from './apply.ts'
export { decodeBatch, encodeBatch } from './batch-codec.ts'
export type { EnqueueCommand, Settlement } from './commands.ts'
export type { QueueEvent } from './events.ts'
export { describeStats, emptyState, type QueueState, type QueueStats } from './model.ts'
