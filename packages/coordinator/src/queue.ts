/** A queue that any number of processes share: the core's queue over the mailbox transport, and what its operators want to see. */
import { createQueue, type Queue, type QueueOptions } from '@s3queue/core'
import { systemClock } from '@s3queue/storage'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { MetricsReader, type QueueHealth, type QueueMetrics } from './metrics.ts'
import type { CoordinatorOptions } from './options.ts'
import { readRegistry } from './registry/read-registry.ts'
import type { RegistryRecord } from './registry/record.ts'
import { createMailboxTransport } from './transport.ts'

export type CoordinatedQueueOptions = Omit<QueueOptions, 'transport' | 'shard'> & CoordinatorOptions

export interface CoordinatedQueue<T> extends Queue<T> {
  /** Readings for liveness and readiness probes; makes no request. */
  health(): QueueHealth
  /** Counters and rates of this process; makes no request. */
  metrics(): QueueMetrics
  /** The workers of all processes, as the writer last told; undefined before it told anything. One request, none in the writer's process. */
  workers(): Promise<RegistryRecord | undefined>
}

/**
 * The queue `options.name`, shared with other processes. Like the core's `createQueue`, with a transport over nothing but the store: every process with a
 * worker gets messages, whoever writes. Makes no request until it is used.
 *
 * Throws `InvalidOption` for options that are unknown or impossible.
 */
export function createCoordinatedQueue<S extends StandardSchemaV1>(
  options: CoordinatedQueueOptions & { readonly schema: S },
): CoordinatedQueue<StandardSchemaV1.InferInput<S>>
export function createCoordinatedQueue<T = unknown>(options: CoordinatedQueueOptions): CoordinatedQueue<T>
export function createCoordinatedQueue<T>(options: CoordinatedQueueOptions): CoordinatedQueue<T> {
  const { heartbeatIntervalMs, heartbeatTtlMs, dispatchIntervalMs, ...forCore } = options
  const transport = createMailboxTransport({ heartbeatIntervalMs, heartbeatTtlMs, dispatchIntervalMs })
  const queue = createQueue<T>({ ...forCore, transport })
  const clock = options.runtime?.clock ?? systemClock
  const { name, namespace = 's3queue', store } = options
  const registry = `${namespace}/${name}/0/`
  const metrics = new MetricsReader(clock)
  return Object.assign(queue, {
    health: (): QueueHealth => {
      const { lastHeartbeat, coordinatorElected, isCoordinator } = transport
      return { isRunning: queue.isProcessing, lastHeartbeat, coordinatorElected, isCoordinator }
    },
    metrics: (): QueueMetrics => metrics.read(queue, transport),
    workers: async (): Promise<RegistryRecord | undefined> => transport.registry() ?? readRegistry(store, registry),
  })
}
