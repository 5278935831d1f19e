/** The queue behind a plugin: the one place that says which, and with which options. */
import { type CoordinatedQueue, createCoordinatedQueue } from '@s3queue/coordinator'
import type { MessagePayload } from '@s3queue/s3db'
import type { Logger, ObjectStore } from '@s3queue/storage'
import type { ResolvedS3QueueOptions } from './options.ts'

export type PluginQueue = CoordinatedQueue<MessagePayload>

export interface OpenQueueOptions {
  readonly settings: ResolvedS3QueueOptions
  readonly store: ObjectStore
  /** First part of all keys. */
  readonly namespace: string
  readonly logger: Logger
}

/** Makes no request until it is used. */
export function openQueue({ settings, store, namespace, logger }: OpenQueueOptions): PluginQueue {
  return createCoordinatedQueue<MessagePayload>({
    ...{ name: settings.queueName, namespace, store, logger },
    // The name is that of the resource, so it is right, and a database may be read before its first task.
    ifMissing: 'empty',
    visibilityTimeoutMs: settings.visibilityTimeoutMs,
    maxAttempts: settings.maxAttempts,
    backoff: settings.backoff,
    retention: settings.retention,
    lingerMs: settings.lingerMs,
    maxPollMs: settings.maxPollMs,
    takeoverAfterMs: settings.takeoverAfterMs,
    heartbeatIntervalMs: settings.heartbeatMs,
    heartbeatTtlMs: settings.heartbeatTtlMs,
    dispatchIntervalMs: settings.pollMs,
    deduplicationWindowMs: 300_000,
  })
}
