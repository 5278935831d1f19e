/** A queue that any number of processes share, as its users see it: like the core's, and what its operators want to see. */
import type { Enqueued, Queue } from '@s3queue/core'
import type { QueueHealth, QueueMetrics } from './metrics.ts'
import type { RegistryRecord } from './registry/record.ts'
import type { CoordinatedEnqueueOptions, EnqueueManyOptions } from './shards/enqueue.ts'

/** A queue that any number of processes share: the core's, with messages for the workers of all of them. `T`, `H`: as in `Queue`. */
export interface CoordinatedQueue<T, H = T> extends Queue<T, H> {
  enqueue(payload: T, options?: CoordinatedEnqueueOptions): Promise<Enqueued>
  /** As in the core: one commit, or one for each shard that gets a part of them. Everything is checked before anything is sent. */
  enqueueMany(payloads: readonly T[], options?: EnqueueManyOptions<T>): Promise<Enqueued[]>
  /** Readings for liveness and readiness probes; makes no request. */
  health(): QueueHealth
  /** Counters and rates of this process; makes no request. */
  metrics(): QueueMetrics
  /**
   * The workers of all processes, as the writers last published, about a second after a worker came. One request for each shard that another process
   * writes. A queue whose writer has published nothing yet is asked for the heartbeats of its workers instead, one request for each, and then `epoch` is 0
   * and `writer` undefined. Undefined outside the writer if there is no worker.
   */
  workers(): Promise<RegistryRecord | undefined>
}
