export type { Adopted, QueueEntry, QueueErrorDetails, RecordQueueStats } from '@s3queue/s3db'
export { QueueError } from '@s3queue/s3db'
export { type ActionMessage, createActionHandler } from './action-handler.ts'
export type { Duration } from './duration.ts'
export type { EventPlugin } from './event-plugin.ts'
export type { FinalStatus, PluginMetrics, RenewalRejection, S3QueueEventName, S3QueueEvents } from './events.ts'
export type { FailureMode, FailureOptions, FailureStrategy } from './failure-strategy.ts'
export type { HandlerContext, OnMessage } from './handler-context.ts'
export type { InstallablePlugin } from './installable-plugin.ts'
export type { S3QueueOptions } from './options.ts'
export { S3QueuePlugin } from './plugin.ts'
export type { PluginConfig } from './plugin-config.ts'
export type {
  DeletedQueue,
  DeleteQueueOptions,
  EnqueueOptions,
  QueueMethods,
  RenewOptions,
  StartOptions,
  Truncated,
  TruncateOptions,
} from './resource-methods.ts'
export { withQueue } from './with-queue.ts'
