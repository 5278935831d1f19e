/** One or several logs of the core behind one queue object. Wiring only: where a message belongs, and what all shards are asked, is in `shards/`. */
import {
  type CloseOptions,
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
  QueueClosed,
  type QueueCost,
  type QueueEventName,
  type QueueListener,
  type QueueStats,
  type WaitOptions,
  type Worker,
} from '@s3queue/core'
import {
  type CloseTimes,
  closeBy,
  costOf,
  EventHub,
  LastError,
  openShard,
  type ResolvedQueueOptions,
  resolveCloseOptions,
  streamEvents,
} from '@s3queue/core/shard'
import { type Clock, inTime, type MeteredStore, withMetering } from '@s3queue/storage'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { MetricsReader, type QueueHealth, type QueueMetrics, readHealth } from './metrics.ts'
import { type CoordinatedQueueOptions, resolveCoordinatedQueueOptions } from './options.ts'
import type { CoordinatedQueue } from './queue.ts'
import { mergeRegistries, RegistryReader } from './registry/read-registry.ts'
import type { RegistryRecord } from './registry/record.ts'
import {
  changeEverywhere,
  everywhere,
  inEach,
  shardOfMessage,
  shardOrFirst,
  sumOverMessages,
  total,
} from './shards/asking.ts'
import { type CoordinatedEnqueueOptions, type EnqueueManyOptions, Router } from './shards/enqueue.ts'
import { followShards } from './shards/following.ts'
import { listShards } from './shards/list.ts'
import { ShardRecord } from './shards/record.ts'
import type { Shard } from './shards/shard.ts'
import { Shards } from './shards/shards.ts'
import { ShardedWork } from './shards/work.ts'
import { createMailboxTransport } from './transport.ts'

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

/** Processes look whether there are more shards at every so many-th sign of life of a busy worker. */
const LOOK_BEATS = 6

class ShardedQueue<T> implements CoordinatedQueue<T> {
  readonly name: string
  readonly #shards: Shards<T>
  readonly #router: Router<T>
  readonly #work: ShardedWork<T>
  readonly #store: MeteredStore
  readonly #metrics: MetricsReader
  readonly #settings: ResolvedQueueOptions
  readonly #clock: Clock
  readonly #closed = new AbortController()
  readonly #calls = new Set<Promise<unknown>>()
  readonly #tell: (error: unknown) => void
  /** For what no shard can tell of. */
  readonly #events: EventHub
  #closing: Promise<void> | undefined

  constructor(given: CoordinatedQueueOptions) {
    const { settings, coordination, wanted, forCore } = resolveCoordinatedQueueOptions(given)
    const { name, namespacePrefix, clock, random, ids } = settings
    this.#settings = settings
    const store = withMetering(forCore.store, { clock })
    this.name = name
    this.#clock = clock
    this.#store = store
    this.#metrics = new MetricsReader(clock)
    this.#events = new EventHub(settings)
    this.#tell = (error) => this.#events.trouble(error)
    const queuePrefix = `${namespacePrefix}${name}/`
    const open = (index: number): Shard<T> => {
      const transport = createMailboxTransport(coordination)
      const queue = openShard<T>({ ...forCore, store, transport, shard: index })
      const registry = new RegistryReader(store, `${queuePrefix}${index}/`, clock)
      return { index, queue, transport, registry }
    }
    const lastError = new LastError({ clock, queue: name, store: store.description })
    const onTrouble = (error: unknown): void => {
      lastError.note(error)
      this.#tell(error)
    }
    const record = new ShardRecord({ name, store, queuePrefix, clock, random, ids, onTrouble })
    const lookMs = LOOK_BEATS * coordination.heartbeatIntervalMs
    this.#shards = new Shards({ settings, wanted, record, open, lookMs, tell: this.#tell, lastError })
    this.#router = new Router(this.#shards, random)
    this.#work = new ShardedWork({ ...settings, ...coordination, shards: this.#shards, tell: this.#tell })
  }

  get isProcessing(): boolean {
    return this.#work.isProcessing
  }

  get running(): number {
    return this.#work.runningCount
  }

  get heldAhead(): number {
    return this.#shards.opened.reduce((sum, { queue }) => sum + queue.heldAhead, 0)
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
    const all = await everywhere(this.#shards, ({ queue }) => queue.getStats())
    const sum = (of: keyof QueueStats): number => total(all.map((stats) => stats[of]))
    return {
      ...{ waiting: sum('waiting'), delayed: sum('delayed'), active: sum('active') },
      ...{ completed: sum('completed'), dead: sum('dead'), total: sum('total') },
    }
  }

  async getOldestAge(): Promise<number | undefined> {
    const ages = await everywhere(this.#shards, ({ queue }) => queue.getOldestAge())
    const known = ages.filter((age) => age !== undefined)
    return known.length === 0 ? undefined : Math.max(...known)
  }

  getCost(): QueueCost {
    const costs = this.#shards.open.map(({ queue }) => queue.getCost())
    const [enqueued, handled] = [total(costs.map((cost) => cost.enqueued)), total(costs.map((cost) => cost.handled))]
    return costOf(this.#store.metrics(), { enqueued, handled })
  }

  async get(id: string): Promise<MessageInfo | undefined> {
    return (await shardOfMessage(this.#shards, id))?.queue.get(id)
  }

  async getPayload(id: string): Promise<T> {
    return (await shardOrFirst(this.#shards, id)).queue.getPayload(id)
  }

  async list(options: ListOptions): Promise<MessagePage> {
    return listShards(await this.#shards.toRead(), options)
  }

  async waitFor(id: string, options?: WaitOptions): Promise<unknown> {
    return (await shardOrFirst(this.#shards, id)).queue.waitFor(id, options)
  }

  async pause(): Promise<boolean> {
    return inEach(this.#shards, ({ queue }) => queue.pause())
  }

  async resume(): Promise<boolean> {
    if ((await this.#shards.countToRead()) === undefined) return false
    return inEach(this.#shards, ({ queue }) => queue.resume())
  }

  async isPaused(): Promise<boolean> {
    return (await everywhere(this.#shards, ({ queue }) => queue.isPaused())).some(Boolean)
  }

  async cancel(id: string): Promise<boolean> {
    return (await shardOfMessage(this.#shards, id))?.queue.cancel(id) ?? false
  }

  async release(id: string): Promise<boolean> {
    return (await shardOfMessage(this.#shards, id))?.queue.release(id) ?? false
  }

  async purge(): Promise<number> {
    return total(await changeEverywhere(this.#shards, ({ queue }) => queue.purge()))
  }

  async redrive(which?: string | readonly string[] | ((message: MessageInfo) => boolean)): Promise<number> {
    if (which === undefined || typeof which === 'function')
      return total(await changeEverywhere(this.#shards, ({ queue }) => queue.redrive(which)))
    return sumOverMessages(this.#shards, which, (queue, ids) => queue.redrive(ids))
  }

  async acceptRestore(): Promise<number> {
    return Math.min(...(await everywhere(this.#shards, ({ queue }) => queue.acceptRestore())))
  }

  forget(which: string | readonly string[]): Promise<number> {
    return sumOverMessages(this.#shards, which, (queue, ids) => queue.forget(ids))
  }

  on<N extends QueueEventName>(name: N, listener: QueueListener<N>): () => void {
    const offs: (() => void)[] = []
    // Shards that are opened later get the listener with the context of this call.
    const context = this.#settings.contexts.capture()
    const stop = this.#shards.each(({ queue }) => offs.push(context.run(() => queue.on(name, listener))))
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
    return followShards(this.#shards, options, this.#closed.signal)
  }

  async close(options?: CloseOptions): Promise<void> {
    const times = resolveCloseOptions(options, this.#settings)
    if (times.handlersMs > 0) this.#work.assertOutsideHandlers('close()')
    this.#closing ??= this.#settings.contexts.outside.run(() => this.#close(times))
    return this.#closing
  }

  async #close(times: CloseTimes): Promise<void> {
    const startedAt = this.#clock.monotonic()
    const { settled } = await this.#work.close(times.handlersMs)
    const endAt = closeBy(times, startedAt, this.#clock.monotonic())
    const leftMs = (): number => Math.max(0, endAt - this.#clock.monotonic())
    const late = (): Error => new QueueClosed(this.name)
    await inTime(this.#clock, leftMs() / 2, settled, late).catch(() => {})
    await inTime(this.#clock, leftMs() / 2, Promise.allSettled(this.#calls), late).catch(() => {})
    this.#shards.close()
    const timeoutMs = leftMs()
    const closed = await Promise.allSettled(this.#shards.opened.map(({ queue }) => queue.close({ timeoutMs })))
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
    const registries = await everywhere(
      this.#shards,
      async ({ registry, transport }) => transport.registry() ?? registry.read(),
    )
    return mergeRegistries(registries)
  }

  #transports() {
    return this.#shards.open.map(({ transport }) => transport)
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new QueueClosed(this.name)
  }
}
