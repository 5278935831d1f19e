export {
  ClaimLost,
  InvalidPayload,
  NotAcknowledged,
  NotRetriable,
  PayloadTooLarge,
  QueueClosed,
  QueueError,
  type QueueErrorCode,
  WorkerExists,
  WorkerStopped,
} from './errors.ts'
export type { QueueEventName, QueueEvents, QueueListener } from './events.ts'
export type { Handler, HandlerContext, Message } from './handle.ts'
export type { BackoffOptions, ProcessOptions, QueueOptions, Runtime } from './options.ts'
export { createQueue, type Enqueued, type Queue, type StopOptions, type Worker } from './queue.ts'
export type { DeadReason, Failure } from './state/events.ts'
export type { QueueStats } from './state/model.ts'
