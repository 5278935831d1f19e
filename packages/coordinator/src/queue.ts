/** A queue that any number of processes share: one or several logs of the core behind one object, and what its operators want to see. */
import {
  type DrainOptions,
  type DrainResult,
  type Enqueued,
  type EventsOptions,
  type FollowedEvent,
  type FollowOptions,
  type Handler,
  type ListOptions,
  type MessageInfo,
  type MessagePage,
  type NamedEvent,
  type ProcessOptions,
  type Queue,
  QueueClosed,
  type QueueCost,
  type QueueEventName,
  type QueueListener,
  type QueueOptions,
  type QueueStats,
  type WaitOptions,
  type Worker,
} from '@s3queue/core'
import {
  assertSignal,
  EventHub,
  openShard,
  QUEUE_KEYS,
  resolveQueueOptions,
  shardOf,
  streamEvents,
} from '@s3queue/core/shard'
import { assertKnownKeys, type Clock, type MeteredStore, numberOption, withMetering } from '@s3queue/storage'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { MetricsReader, type QueueHealth, type QueueMetrics, readHealth } from './metrics.ts'
import { COORDINATOR_KEYS, type CoordinatorOptions, resolveCoordinatorOptions } from './options.ts'
import { mergeRegistries, RegistryReader } from './registry/read-registry.ts'
import type { RegistryRecord } from './registry/record.ts'
import { type CoordinatedEnqueueOptions, type EnqueueManyOptions, Router } from './shards/enqueue.ts'
import { merged } from './shards/following.ts'
import { listShards } from './shards/list.ts'
import { ShardRecord } from './shards/record.ts'
import type { Shard } from './shards/shard.ts'
import { Shards } from './shards/shards.ts'
import { ShardedWork } from './shards/work.ts'
import { createMailboxTransport } from './transport.ts'

export interface CoordinatedQueueOptions extends Omit<QueueOptions, 'transport' | 'shard'>, CoordinatorOptions {
  /**
   * Over how many logs the queue is spread, 1 to 64: each has a writer of its own and costs what a queue costs. The number is written down in the store and
   * can be raised, never lowered. Default: as many as are written down, else one.
   */
  readonly shards?: number | undefined
}

export interface CoordinatedQueue<T, H = T> extends Queue<T, H> {
  enqueue(payload: T, options?: CoordinatedEnqueueOptions): Promise<Enqueued>
  /** As in the core: one commit, or one for each shard that gets a part of them. Everything is checked before anything is sent. */
  enqueueMany(payloads: readonly T[], options?: EnqueueManyOptions<T>): Promise<Enqueued[]>
  /** Readings for liveness and readiness probes; makes no request. */
  health(): QueueHealth
  /** Counters and rates of this process; makes no request. */
  metrics(): QueueMetrics
  /** The workers of all processes, as the writers last told; undefined before one told anything. One request for each shard that another process writes. */
  workers(): Promise<RegistryRecord | undefined>
}

/**
 * The queue `options.name`, shared with other processes. Like the core's `createQueue`, with a transport over nothing but the store: every process with a
 * worker gets messages, whoever writes. Makes no request until it is used.
 *
 * Throws `InvalidOption` for options that are unknown or impossible. That the queue has more shards than `shards` says is seen when it is first used: then each
 * call rejects with that.
 */
export function createCoordinatedQueue<S extends StandardSchemaV1>(
  options: CoordinatedQueueOptions & { readonly schema: S },
): CoordinatedQueue<StandardSchemaV1.InferInput<S>, StandardSchemaV1.InferOutput<S>>
export function createCoordinatedQueue<T = unknown>(options: CoordinatedQueueOptions): CoordinatedQueue<T>
export function createCoordinatedQueue<T>(options: CoordinatedQueueOptions): CoordinatedQueue<T> {
  return new ShardedQueue<T>(options)
}

const WHO = 'createCoordinatedQueue'
/** The transport is this package's, and which log is which is told by the number of shards alone. */
const KEYS: readonly string[] = [
  ...QUEUE_KEYS.filter((key) => key !== 'transport' && key !== 'shard'),
  ...COORDINATOR_KEYS,
  'shards',
]

/** Processes look whether there are more shards at every so many-th sign of life of a busy worker. */
const LOOK_BEATS = 6

class ShardedQueue<T> implements CoordinatedQueue<T> {
  readonly name: string
  readonly #shards: Shards<T>
  readonly #router: Router<T>
  readonly #work: ShardedWork<T>
  readonly #store: MeteredStore
  readonly #metrics: MetricsReader
  readonly #clock: Clock
  readonly #closed = new AbortController()
  readonly #calls = new Set<Promise<unknown>>()
  readonly #tell: (error: unknown) => void
  /** For what no shard can tell of. */
  readonly #events: EventHub
  #closing: Promise<void> | undefined

  constructor(given: CoordinatedQueueOptions) {
    assertKnownKeys(WHO, given, KEYS)
    const { heartbeatIntervalMs, heartbeatTtlMs, dispatchIntervalMs, shards: wanted, ...forCore } = given
    const settings = resolveQueueOptions(forCore, WHO)
    const coordination = resolveCoordinatorOptions(WHO, { heartbeatIntervalMs, heartbeatTtlMs, dispatchIntervalMs })
    const { name, namespacePrefix, clock, random, ids, logger } = settings
    if (wanted !== undefined) numberOption(WHO, 'shards', wanted, 1, { min: 1, max: 64, integer: true })
    const store = withMetering(forCore.store, { clock })
    this.name = name
    this.#clock = clock
    this.#store = store
    this.#metrics = new MetricsReader(clock)
    this.#events = new EventHub((error) => logger.error(`a listener of queue "${name}" threw: ${String(error)}`))
    this.#tell = (error) => {
      if (this.#events.hears('trouble')) this.#events.emit('trouble', { error })
      else logger.warn(error instanceof Error ? error.message : String(error))
    }
    const queuePrefix = `${namespacePrefix}${name}/`
    const open = (index: number): Shard<T> => {
      const transport = createMailboxTransport(coordination)
      const queue = openShard<T>({ ...forCore, store, transport, shard: index })
      const registry = new RegistryReader(store, `${queuePrefix}${index}/`)
      return { index, queue, transport, registry }
    }
    const record = new ShardRecord({
      name,
      store,
      queuePrefix,
      clock,
      random,
      ids,
      onTrouble: (error) => this.#tell(error),
    })
    const lookMs = LOOK_BEATS * coordination.heartbeatIntervalMs
    this.#shards = new Shards({ settings, wanted, record, open, lookMs, tell: this.#tell })
    this.#router = new Router(this.#shards, random)
    this.#work = new ShardedWork({ ...settings, ...coordination, shards: this.#shards, tell: this.#tell })
  }

  get isProcessing(): boolean {
    return this.#work.isProcessing
  }

  enqueue(payload: T, options?: CoordinatedEnqueueOptions): Promise<Enqueued> {
    if (this.#closing !== undefined) return Promise.reject(new QueueClosed(this.name))
    // Once their number is known, the call is in the hands of a shard when this returns.
    const isKnown = this.#shards.known !== undefined
    const call = this.#router.enqueue(payload, options)
    return isKnown ? call : this.#track(call)
  }

  async enqueueMany(payloads: readonly T[], options?: EnqueueManyOptions<T>): Promise<Enqueued[]> {
    this.#assertOpen()
    return this.#track(this.#router.enqueueMany(payloads, options))
  }

  #track<R>(call: Promise<R>): Promise<R> {
    this.#calls.add(call)
    const done = (): void => void this.#calls.delete(call)
    call.then(done, done)
    return call
  }

  process(handler: Handler<T>, options?: ProcessOptions): Worker {
    this.#assertOpen()
    return this.#work.start(handler, options)
  }

  async processNext(
    handler: Handler<T>,
    options?: Omit<ProcessOptions, 'concurrency' | 'maxPrefetch'>,
  ): Promise<boolean> {
    this.#assertOpen()
    return this.#work.one(handler, options)
  }

  drain(options?: DrainOptions): Promise<DrainResult> {
    return this.#work.drain(options)
  }

  async getStats(): Promise<QueueStats> {
    const all = await this.#everywhere(({ queue }) => queue.getStats())
    const sum = (of: keyof QueueStats): number => all.reduce((total, stats) => total + stats[of], 0)
    return {
      ...{ waiting: sum('waiting'), delayed: sum('delayed'), active: sum('active') },
      ...{ completed: sum('completed'), dead: sum('dead'), total: sum('total') },
    }
  }

  getCost(): QueueCost {
    const metrics = this.#store.metrics()
    const { requests, dollars } = metrics
    const costs = this.#shards.open.map(({ queue }) => queue.getCost())
    const enqueued = costs.reduce((sum, cost) => sum + cost.enqueued, 0)
    const handled = costs.reduce((sum, cost) => sum + cost.handled, 0)
    const messages = Math.max(enqueued, handled)
    return {
      ...{ requests, metrics, dollars, enqueued, handled },
      requestsPerMessage: messages === 0 ? undefined : requests / messages,
      dollarsPerMillionMessages: messages === 0 ? undefined : (dollars / messages) * 1e6,
    }
  }

  async get(id: string): Promise<MessageInfo | undefined> {
    return (await this.#shardOf(id))?.queue.get(id)
  }

  async getPayload(id: string): Promise<T> {
    return (await this.#shardOrFirst(id)).queue.getPayload(id)
  }

  async list(options: ListOptions): Promise<MessagePage> {
    return listShards(await this.#shards.all(), options)
  }

  async waitFor(id: string, options?: WaitOptions): Promise<unknown> {
    return (await this.#shardOrFirst(id)).queue.waitFor(id, options)
  }

  async pause(): Promise<boolean> {
    return this.#inEach(({ queue }) => queue.pause())
  }

  async resume(): Promise<boolean> {
    return this.#inEach(({ queue }) => queue.resume())
  }

  async cancel(id: string): Promise<boolean> {
    return (await this.#shardOf(id))?.queue.cancel(id) ?? false
  }

  async release(id: string): Promise<boolean> {
    return (await this.#shardOf(id))?.queue.release(id) ?? false
  }

  async purge(): Promise<number> {
    return total(await this.#everywhere(({ queue }) => queue.purge()))
  }

  async redrive(which?: string | readonly string[] | ((message: MessageInfo) => boolean)): Promise<number> {
    if (which === undefined || typeof which === 'function')
      return total(await this.#everywhere(({ queue }) => queue.redrive(which)))
    return this.#each(which, (queue, ids) => queue.redrive(ids))
  }

  forget(which: string | readonly string[]): Promise<number> {
    return this.#each(which, (queue, ids) => queue.forget(ids))
  }

  on<N extends QueueEventName>(name: N, listener: QueueListener<N>): () => void {
    const offs: (() => void)[] = []
    const stop = this.#shards.each(({ queue }) => offs.push(queue.on(name, listener)))
    if (name === 'trouble') offs.push(this.#events.on(name, listener))
    return () => {
      stop()
      for (const off of offs) off()
    }
  }

  events(options: EventsOptions = {}): AsyncIterable<NamedEvent> {
    return streamEvents(this, options, this.#closed.signal, this.#clock)
  }

  follow(options: FollowOptions = {}): AsyncIterable<FollowedEvent> {
    this.#assertOpen()
    const { signal } = options
    assertSignal('follow', signal)
    const end = new AbortController()
    const signals = [this.#closed.signal, end.signal, ...(signal === undefined ? [] : [signal])]
    const either = AbortSignal.any(signals)
    const first = this.#shards.first.queue.follow({ ...options, signal: either })
    const source = merged<FollowedEvent>((add, fail) => {
      let stop = (): void => {}
      const begin = (): void => {
        let isLater = false
        stop = this.#shards.each(({ index, queue }) =>
          add(index === 0 ? first : queue.followFrom({ ...options, signal: either }, isLater)),
        )
        isLater = true
        void this.#shards.watch(either)
      }
      this.#shards.all().then(begin, fail)
      return () => stop()
    }, either)
    return endedBy(source, end)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#work.close()
    await Promise.allSettled(this.#calls)
    this.#shards.close()
    const closed = await Promise.allSettled(this.#shards.open.map(({ queue }) => queue.close()))
    this.#closed.abort()
    for (const one of closed) if (one.status === 'rejected') throw one.reason
  }

  health(): QueueHealth {
    return readHealth(this.isProcessing, this.#transports())
  }

  metrics(): QueueMetrics {
    return this.#metrics.read(this.getCost(), this.#work.workerId, this.#transports())
  }

  async workers(): Promise<RegistryRecord | undefined> {
    const registries = await this.#everywhere(
      async ({ registry, transport }) => transport.registry() ?? registry.read(),
    )
    return mergeRegistries(registries)
  }

  #transports() {
    return this.#shards.open.map(({ transport }) => transport)
  }

  async #everywhere<R>(ask: (shard: Shard<T>) => Promise<R>): Promise<R[]> {
    return Promise.all((await this.#shards.all()).map(ask))
  }

  /** Also in those that come meanwhile: who raises their number relies on that. True if any says so. */
  async #inEach(ask: (shard: Shard<T>) => Promise<boolean>): Promise<boolean> {
    const answers: boolean[] = []
    let shards = [...(await this.#shards.all())]
    while (answers.length < shards.length) {
      answers.push(...(await Promise.all(shards.slice(answers.length).map(ask))))
      shards = [...(await this.#shards.all())]
    }
    return answers.some(Boolean)
  }

  /** Where the message with this id is, if it is anywhere. */
  async #shardOf(id: string): Promise<Shard<T> | undefined> {
    const count = await this.#shards.count()
    if (typeof id !== 'string') return this.#shards.first
    return this.#shards.at(shardOf(id) ?? Router.homeOf(id, count))
  }

  /** For calls that reject where there is no such message: that is for a shard to say. */
  async #shardOrFirst(id: string): Promise<Shard<T>> {
    return (await this.#shardOf(id)) ?? this.#shards.first
  }

  /** Asks each shard for its part of some messages, and sums up. */
  async #each(
    which: string | readonly string[],
    ask: (queue: Queue<T>, ids: readonly string[]) => Promise<number>,
  ): Promise<number> {
    const ids: readonly string[] = typeof which === 'string' ? [which] : which
    // What is no list of ids is refused by a shard, whichever it is.
    if (!Array.isArray(ids) || ids.some((id) => typeof id !== 'string')) return ask(this.#shards.first.queue, ids)
    const homes = await Promise.all(ids.map((id) => this.#shardOf(id)))
    const parts = Map.groupBy(ids.keys(), (i) => homes[i])
    return total(
      await Promise.all(
        Array.from(parts, ([shard, places]) =>
          shard === undefined
            ? 0
            : ask(
                shard.queue,
                places.map((i) => ids[i] as string),
              ),
        ),
      ),
    )
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new QueueClosed(this.name)
  }
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

/** An iteration that aborts `end` when its reader leaves it. */
async function* endedBy<E>(source: AsyncIterable<E>, end: AbortController): AsyncGenerator<E, void, void> {
  try {
    yield* source
  } finally {
    end.abort()
  }
}
