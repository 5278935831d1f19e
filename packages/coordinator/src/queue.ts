/** A queue that any number of processes share: the core's queue over the mailbox transport, and what its operators want to see. */
import {
  createQueue,
  type Handler,
  type ProcessOptions,
  type Queue,
  type QueueEventName,
  type QueueListener,
  type QueueOptions,
  type Worker,
} from '@s3queue/core'
import { type Clock, systemClock } from '@s3queue/storage'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { MetricsReader, type QueueHealth, type QueueMetrics } from './metrics.ts'
import type { CoordinatorOptions } from './options.ts'
import { readRegistry } from './registry/read-registry.ts'
import type { RegistryRecord } from './registry/record.ts'
import { createMailboxTransport, type MailboxTransport } from './transport.ts'

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
  return new TicketQueue<T>({ queue, transport, clock, readWorkers: () => readRegistry(store, registry) })
}

interface TicketQueueOptions<T> {
  readonly queue: Queue<T>
  readonly transport: MailboxTransport
  readonly clock: Clock
  readonly readWorkers: () => Promise<RegistryRecord | undefined>
}

/** The core's queue with what a transport can tell. All that is not about the transport is the core's own. */
class TicketQueue<T> implements CoordinatedQueue<T> {
  readonly #queue: Queue<T>
  readonly #options: TicketQueueOptions<T>
  readonly #metrics: MetricsReader
  #worker: Worker | undefined

  constructor(options: TicketQueueOptions<T>) {
    this.#options = options
    this.#queue = options.queue
    this.#metrics = new MetricsReader(options.clock)
  }

  health(): QueueHealth {
    const { lastHeartbeat, coordinatorElected, isCoordinator } = this.#options.transport
    return { isRunning: this.#worker !== undefined, lastHeartbeat, coordinatorElected, isCoordinator }
  }

  metrics(): QueueMetrics {
    return this.#metrics.read(this.#queue, this.#options.transport, this.#worker !== undefined)
  }

  async workers(): Promise<RegistryRecord | undefined> {
    return this.#options.transport.registry() ?? this.#options.readWorkers()
  }

  process(handler: Handler<T>, options?: ProcessOptions): Worker {
    const worker = this.#queue.process(handler, options)
    this.#worker = worker
    return {
      id: worker.id,
      get running() {
        return worker.running
      },
      stop: async (stopOptions) => {
        await worker.stop(stopOptions)
        if (this.#worker === worker) this.#worker = undefined
      },
    }
  }

  async close(): Promise<void> {
    await this.#queue.close()
    this.#worker = undefined
  }

  get name(): string {
    return this.#queue.name
  }

  enqueue(...given: Parameters<Queue<T>['enqueue']>): ReturnType<Queue<T>['enqueue']> {
    return this.#queue.enqueue(...given)
  }

  enqueueMany(...given: Parameters<Queue<T>['enqueueMany']>): ReturnType<Queue<T>['enqueueMany']> {
    return this.#queue.enqueueMany(...given)
  }

  processNext(...given: Parameters<Queue<T>['processNext']>): ReturnType<Queue<T>['processNext']> {
    return this.#queue.processNext(...given)
  }

  drain(...given: Parameters<Queue<T>['drain']>): ReturnType<Queue<T>['drain']> {
    return this.#queue.drain(...given)
  }

  getStats(...given: Parameters<Queue<T>['getStats']>): ReturnType<Queue<T>['getStats']> {
    return this.#queue.getStats(...given)
  }

  getCost(...given: Parameters<Queue<T>['getCost']>): ReturnType<Queue<T>['getCost']> {
    return this.#queue.getCost(...given)
  }

  get(...given: Parameters<Queue<T>['get']>): ReturnType<Queue<T>['get']> {
    return this.#queue.get(...given)
  }

  getPayload(...given: Parameters<Queue<T>['getPayload']>): ReturnType<Queue<T>['getPayload']> {
    return this.#queue.getPayload(...given)
  }

  list(...given: Parameters<Queue<T>['list']>): ReturnType<Queue<T>['list']> {
    return this.#queue.list(...given)
  }

  waitFor(...given: Parameters<Queue<T>['waitFor']>): ReturnType<Queue<T>['waitFor']> {
    return this.#queue.waitFor(...given)
  }

  pause(...given: Parameters<Queue<T>['pause']>): ReturnType<Queue<T>['pause']> {
    return this.#queue.pause(...given)
  }

  resume(...given: Parameters<Queue<T>['resume']>): ReturnType<Queue<T>['resume']> {
    return this.#queue.resume(...given)
  }

  cancel(...given: Parameters<Queue<T>['cancel']>): ReturnType<Queue<T>['cancel']> {
    return this.#queue.cancel(...given)
  }

  release(...given: Parameters<Queue<T>['release']>): ReturnType<Queue<T>['release']> {
    return this.#queue.release(...given)
  }

  purge(...given: Parameters<Queue<T>['purge']>): ReturnType<Queue<T>['purge']> {
    return this.#queue.purge(...given)
  }

  redrive(...given: Parameters<Queue<T>['redrive']>): ReturnType<Queue<T>['redrive']> {
    return this.#queue.redrive(...given)
  }

  events(...given: Parameters<Queue<T>['events']>): ReturnType<Queue<T>['events']> {
    return this.#queue.events(...given)
  }

  on<N extends QueueEventName>(name: N, listener: QueueListener<N>): () => void {
    return this.#queue.on(name, listener)
  }
}
