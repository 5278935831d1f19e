export { type BackoffFunction, type BackoffOptions, resolveBackoff } from './backoff.ts'
export { type ClosableQueue, type CloseOnSignalsOptions, closeOnSignals } from './close-on-signals.ts'
export type { CloseOptions } from './close-options.ts'
export type { QueueCost } from './cost.ts'
export type { DrainOptions, DrainResult } from './drain.ts'
export type { EnqueueOptions } from './enqueue-options.ts'
export {
  CalledInHandler,
  Cancelled,
  ClaimLost,
  ClockOff,
  EventSkipped,
  InvalidPayload,
  InvalidResult,
  MessageDied,
  MessageNotFound,
  NotAcknowledged,
  NotRetriable,
  PayloadTooLarge,
  QueueClosed,
  QueueError,
  type QueueErrorCode,
  QueueNotFound,
  Released,
  TimeLimitExceeded,
  TransportMissing,
  WorkerExists,
  WorkerStopped,
} from './errors.ts'
export type { EventsOptions, NamedEvent } from './event-stream.ts'
export type { AttemptEvent, QueueEventName, QueueEvents, QueueListener } from './events.ts'
export type { ErrorInfo, Failure } from './failure.ts'
export type { FollowedEvent, FollowedEventName, GapEvent } from './follow/events.ts'
export type { FollowOptions } from './follow/follow.ts'
export type { Handler, HandlerContext, Message } from './handle.ts'
export type { QueueHealth } from './health.ts'
export type { Enqueued } from './intake.ts'
export type { ListOptions, MessagePage } from './list.ts'
export { createQueue } from './local-queue.ts'
export type { MessageInfo, MessageStatus } from './message-info.ts'
export type { QueueOptions, Runtime } from './options.ts'
export { complete, deadLetter, Outcome, retry, snooze } from './outcome.ts'
export type { ProcessOptions, StopOptions } from './process-options.ts'
export type { Queue, Worker } from './queue.ts'
export { type RetentionOptions, resolveRetention } from './retention.ts'
export type { DeadReason } from './state/events.ts'
export type { QueueStats } from './state/model.ts'
export type { WaitOptions } from './wait-for.ts'
