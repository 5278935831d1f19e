/** The queue as its users see it. Wiring only: everything that happens, happens in the engine and the worker. */

import {
  assertKnownKeys,
  InvalidOption,
  numberOption,
  type StoreMetrics,
  withMetering,
  withStoreTime,
} from '@s3queue/storage'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type DrainOptions, type DrainResult, drainQueue } from './drain.ts'
import { Engine } from './engine/engine.ts'
import { QueueClosed, WorkerExists } from './errors.ts'
import { type EventsOptions, type NamedEvent, streamEvents } from './event-stream.ts'
import { assertEventName, EventHub, type QueueEventName, type QueueListener } from './events.ts'
import type { FollowedEvent } from './follow/events.ts'
import { type FollowOptions, resolveFollowOptions } from './follow/follow.ts'
import { assertHandler, type Handler } from './handle.ts'
import { type Enqueued, type EnqueueOptions, Intake } from './intake.ts'
import { type ListOptions, listMessages, type MessagePage, resolveListOptions } from './list.ts'
import { describeDead, describeMessage, type MessageInfo } from './message-info.ts'
import { type QueueOptions, type ResolvedQueueOptions, resolveQueueOptions } from './options.ts'
import {
  makeWorkerId,
  type ProcessOptions,
  type ResolvedProcessOptions,
  resolveProcessOptions,
} from './process-options.ts'
import { findMessage } from './state/lookup.ts'
import type { QueueStats } from './state/model.ts'
import { notFound, type WaitOptions, waitForResult } from './wait-for.ts'
import { SlotPool } from './worker/slots.ts'
import { WorkerRuntime } from './worker/worker.ts'

export interface StopOptions {
  /** How long to wait for running handlers, in ms. Default: the queue's `visibilityTimeoutMs`. */
  readonly timeoutMs?: number | undefined
}

/** A running worker. */
export interface Worker {
  readonly id: string
  /** Handlers running now. */
  readonly running: number
  /**
   * Takes nothing new, waits for running handlers, and gives back the rest at once. Handlers that are not done in time get their signal
   * aborted. Resolves when all of it is recorded.
   */
  stop(options?: StopOptions): Promise<void>
}

/** What this queue object asked of its store since it was created. */
export interface QueueCost {
  readonly requests: number
  /** By kind, with bytes, latencies and dollars: see `@s3queue/storage`. */
  readonly metrics: StoreMetrics
  /** At the prices of S3 Standard. An estimate: what a request costs elsewhere, you know better. */
  readonly dollars: number
  /** Messages this object enqueued, and attempts its worker finished. */
  readonly enqueued: number
  readonly handled: number
  /** Requests and dollars by the larger of both; undefined while both are 0. */
  readonly requestsPerMessage: number | undefined
  readonly dollarsPerMillionMessages: number | undefined
}

export interface Queue<T> {
  readonly name: string
  /** Whether a worker of this queue object runs. */
  readonly isProcessing: boolean
  /** Enqueues one message. It is durable when this resolves. Calls of one turn of the event loop share a commit. */
  enqueue(payload: T, options?: EnqueueOptions): Promise<Enqueued>
  /** Enqueues many in one commit. `options` hold for all, or are made for each by a function. */
  enqueueMany(
    payloads: readonly T[],
    options?: EnqueueOptions | ((payload: T, index: number) => EnqueueOptions),
  ): Promise<Enqueued[]>
  /** Starts the worker of this queue object; one at a time. */
  process(handler: Handler<T>, options?: ProcessOptions): Worker
  /**
   * Handles one message and resolves to true, or to false if there was none to be had: nothing is visible, the queue is paused, or a worker
   * of another process has it in hand. For Lambda and cron.
   */
  processNext(handler: Handler<T>, options?: Omit<ProcessOptions, 'concurrency' | 'maxPrefetch'>): Promise<boolean>
  /**
   * Resolves when nothing is waiting, delayed or active any more, in this process or any other, or when a bound is reached. The worker
   * goes on afterwards: stop it, or close the queue.
   */
  drain(options?: DrainOptions): Promise<DrainResult>
  /** How many messages are in which condition: exact, from any process. */
  getStats(): Promise<QueueStats>
  /** What this queue object cost so far. */
  getCost(): QueueCost
  /** A message, or undefined if none with this id is known (any more). */
  get(id: string): Promise<MessageInfo | undefined>
  /** A message's payload, while it is not completed. Throws `MessageNotFound`. */
  getPayload(id: string): Promise<T>
  /** A page of messages of one status. */
  list(options: ListOptions): Promise<MessagePage>
  /**
   * Resolves to a message's result once it is completed. Throws `MessageDied` or `MessageNotFound`; where another process writes, the latter also for a
   * message that is forgotten by the retention before this process looks again.
   */
  waitFor(id: string, options?: WaitOptions): Promise<unknown>
  /** Hands out no more messages until `resume`; running handlers go on. True if the queue was not paused before. */
  pause(): Promise<boolean>
  resume(): Promise<boolean>
  /** A waiting message is gone; the handler of an active one gets its signal aborted, and its outcome is refused. False if it is neither. */
  cancel(id: string): Promise<boolean>
  /** Takes an active message from its worker: it is visible again at once. False if it is not active. */
  release(id: string): Promise<boolean>
  /** Removes everything that waits, visible or not. Resolves to how many. */
  purge(): Promise<number>
  /** Puts dead letters back into the queue: one by its id, several, those that a function picks by true or false, or all. Resolves to how many. */
  redrive(which?: string | readonly string[] | ((message: MessageInfo) => boolean)): Promise<number>
  /** Forgets messages that have ended, dead letters and completed ones, with all that is known of them. Counts of completed ones go on. Resolves to how many. */
  forget(which: string | readonly string[]): Promise<number>
  /**
   * Calls `listener` for each event of that name; the function that is returned ends it. Nobody waits for a listener. One that throws, or whose
   * promise is rejected, harms nobody: `logger` is told.
   */
  on<N extends QueueEventName>(name: N, listener: QueueListener<N>): () => void
  /**
   * Events as an async iteration, by default all of them, from this call on: they wait until they are read. It ends when `signal` is aborted, the
   * loop is left, or the queue is closed. A loop that falls behind by more than 100,000 events gets a `RangeError`.
   */
  events(options?: EventsOptions): AsyncIterable<NamedEvent>
  /**
   * What happens in the whole queue, in whichever process, as it stands in its log, from the first step of the loop on. Costs a request for each look
   * while nothing is new. It ends when `signal` is aborted or the queue is closed.
   */
  follow(options?: FollowOptions): AsyncIterable<FollowedEvent>
  /**
   * Stops the worker, makes everything durable, and lets others take over at once. Running handlers have `visibilityTimeoutMs` to end; then their signals are
   * aborted, and their messages go back: a worker's `stop({ timeoutMs })` before it waits for another time. Not to be awaited in a handler of the queue, which it
   * would wait for. A second call waits for the first.
   */
  close(): Promise<void>
}

/** One log of a queue that has several, and what holds them together needs of it. */
export interface ShardQueue<T> extends Queue<T> {
  /** As `enqueueMany`, in two steps: what is returned sends the messages. `placeOf`: where each stands in the user's call, for errors. */
  prepareMany(
    payloads: readonly T[],
    options: EnqueueOptions | ((payload: T, index: number) => EnqueueOptions) | undefined,
    placeOf: (index: number) => number,
  ): Promise<() => Promise<Enqueued[]>>
  /** As `process`, with handlers in the slots of a pool that other logs' workers share; the pool says how many. */
  processIn(slots: SlotPool, id: string, handler: Handler<T>, options: ProcessOptions | undefined): Worker
  /** As `follow`; from the beginning of the log on, if that is later than the user's call. */
  followFrom(options: FollowOptions, beginning: boolean): AsyncIterable<FollowedEvent>
  /** Whether messages are held back by `pause`. */
  isPaused(): Promise<boolean>
  /** If this process writes, another one is to take over; should none want to, this one goes on after a moment. Rejects with `StoreError`s: then it goes on, too. */
  stepDown(): Promise<void>
}

/** Options of a queue whose messages are what a schema takes. */
type WithSchema<S extends StandardSchemaV1> = QueueOptions & { readonly schema: S }

/**
 * The queue `options.name` in `options.store`. Makes no request until it is used. Any number of processes may use the same queue.
 *
 * Throws `InvalidOption` for options that are unknown or impossible.
 */
export function createQueue<S extends StandardSchemaV1>(options: WithSchema<S>): Queue<StandardSchemaV1.InferInput<S>>
export function createQueue<T = unknown>(options: QueueOptions): Queue<T>
export function createQueue<T>(options: QueueOptions): Queue<T> {
  return new LocalQueue<T>(resolveQueueOptions(options))
}

/** One log of a queue, `options.shard`. Throws `InvalidOption`. */
export function openShard<T>(options: QueueOptions): ShardQueue<T> {
  return new LocalQueue<T>(resolveQueueOptions(options))
}

class LocalQueue<T> implements ShardQueue<T> {
  readonly name: string
  readonly #options: ResolvedQueueOptions
  readonly #events: EventHub
  readonly #engine: Engine
  readonly #intake: Intake<T>
  readonly #metrics: () => StoreMetrics
  readonly #closed = new AbortController()
  readonly #counts = { enqueued: 0, handled: 0 }
  #worker: WorkerRuntime<T> | undefined
  #closing: Promise<void> | undefined

  constructor(given: ResolvedQueueOptions) {
    const metered = withMetering(given.store, { clock: given.clock })
    const store = withStoreTime(metered, given.clock)
    this.#metrics = () => metered.metrics()
    this.#options = { ...given, store }
    this.name = given.name
    this.#events = new EventHub((error) =>
      given.logger.error(`a listener of queue "${given.name}" threw: ${String(error)}`),
    )
    this.#engine = new Engine({ options: this.#options, events: this.#events, wallNow: () => store.now() })
    this.#intake = new Intake(this.#engine, this.#options)
  }

  get isProcessing(): boolean {
    return this.#worker !== undefined
  }

  async enqueue(payload: T, options?: EnqueueOptions): Promise<Enqueued> {
    this.#assertOpen()
    const enqueued = await this.#intake.enqueue(payload, options)
    this.#counts.enqueued++
    return enqueued
  }

  async enqueueMany(
    payloads: readonly T[],
    options?: EnqueueOptions | ((payload: T, index: number) => EnqueueOptions),
  ): Promise<Enqueued[]> {
    this.#assertOpen()
    const enqueued = await this.#intake.enqueueMany(payloads, options)
    this.#counts.enqueued += enqueued.length
    return enqueued
  }

  async prepareMany(
    payloads: readonly T[],
    options: EnqueueOptions | ((payload: T, index: number) => EnqueueOptions) | undefined,
    placeOf: (index: number) => number,
  ): Promise<() => Promise<Enqueued[]>> {
    this.#assertOpen()
    const send = await this.#intake.prepareMany(payloads, options, placeOf)
    return async () => {
      const enqueued = await send()
      this.#counts.enqueued += enqueued.length
      return enqueued
    }
  }

  process(handler: Handler<T>, options?: ProcessOptions): Worker {
    const resolved = resolveProcessOptions(options)
    return this.#worked(this.#start(handler, resolved, this.#poolFor(resolved), this.#workerId(resolved)))
  }

  processIn(slots: SlotPool, id: string, handler: Handler<T>, options: ProcessOptions | undefined): Worker {
    return this.#worked(this.#start(handler, resolveProcessOptions(options), slots, id))
  }

  #worked(worker: WorkerRuntime<T>): Worker {
    const { visibilityTimeoutMs } = this.#options
    return {
      id: worker.id,
      get running() {
        return worker.running
      },
      stop: async (stop = {}) => {
        assertKnownKeys('stop', stop, ['timeoutMs'])
        const bounds = { max: 12 * 3_600_000 }
        await this.#stop(worker, numberOption('stop', 'timeoutMs', stop.timeoutMs, visibilityTimeoutMs, bounds))
      },
    }
  }

  async processNext(
    handler: Handler<T>,
    options: Omit<ProcessOptions, 'concurrency' | 'maxPrefetch'> = {},
  ): Promise<boolean> {
    assertKnownKeys('processNext', options, ['workerId', 'autoExtend', 'timeLimitMs'])
    const resolved = resolveProcessOptions({ ...options, concurrency: 1, maxPrefetch: 0 })
    const slots = this.#poolFor(resolved)
    slots.limit(1)
    const worker = this.#start(handler, resolved, slots, this.#workerId(resolved))
    try {
      return await this.#engine.serveOne(slots)
    } finally {
      await this.#stop(worker, this.#options.visibilityTimeoutMs)
    }
  }

  drain(options?: DrainOptions): Promise<DrainResult> {
    return drainQueue(this.#engine, this.#worker, this.#options.clock, options)
  }

  getStats(): Promise<QueueStats> {
    return this.#engine.stats()
  }

  getCost(): QueueCost {
    const metrics = this.#metrics()
    const { enqueued } = this.#counts
    const handled = this.#counts.handled + (this.#worker?.finishedCount ?? 0)
    const messages = Math.max(enqueued, handled)
    const { requests, dollars } = metrics
    return {
      ...{ requests, metrics, dollars, enqueued, handled },
      requestsPerMessage: messages === 0 ? undefined : requests / messages,
      dollarsPerMillionMessages: messages === 0 ? undefined : (dollars / messages) * 1e6,
    }
  }

  async get(id: string): Promise<MessageInfo | undefined> {
    assertId('get', id)
    return this.#engine.find(id, (state) => describeMessage(state, id))
  }

  async getPayload(id: string): Promise<T> {
    assertId('getPayload', id)
    const message = await this.#engine.find(id, (state) => {
      const found = findMessage(state, id)
      if (found?.status === 'waiting') return { batch: found.run.batch, seq: found.seq }
      return found?.status === 'active' ? found.claim : found?.status === 'dead' ? found.dead : undefined
    })
    if (message === undefined) throw notFound(id, this.name)
    const payload = await this.#engine.readPayload(message)
    return (typeof payload === 'string' ? JSON.parse(payload) : payload) as T
  }

  async list(options: ListOptions): Promise<MessagePage> {
    const resolved = resolveListOptions(options)
    await this.#engine.stats()
    return this.#engine.view((state) => listMessages(state, resolved))
  }

  async waitFor(id: string, options: WaitOptions = {}): Promise<unknown> {
    assertId('waitFor', id)
    return waitForResult(this.#engine, this.name, id, options)
  }

  async pause(): Promise<boolean> {
    return (await this.#engine.control({ kind: 'pause' })) > 0
  }

  async resume(): Promise<boolean> {
    return (await this.#engine.control({ kind: 'resume' })) > 0
  }

  async cancel(id: string): Promise<boolean> {
    assertId('cancel', id)
    return (await this.#engine.control({ kind: 'cancel', id })) > 0
  }

  async release(id: string): Promise<boolean> {
    assertId('release', id)
    return (await this.#engine.control({ kind: 'release', id })) > 0
  }

  purge(): Promise<number> {
    return this.#engine.control({ kind: 'purge' })
  }

  async redrive(which?: string | readonly string[] | ((message: MessageInfo) => boolean)): Promise<number> {
    if (which === undefined) return this.#engine.control({ kind: 'redrive' })
    const ids = typeof which === 'function' ? await this.#deadLetters(which) : idsOf('redrive', which)
    return ids.length === 0 ? 0 : this.#engine.control({ kind: 'redrive', ids })
  }

  async #deadLetters(which: (message: MessageInfo) => boolean): Promise<string[]> {
    await this.#engine.stats()
    return this.#engine.view(({ dead }) =>
      Array.from(dead.values(), describeDead)
        .filter((message) => isPicked(which(message)))
        .map(({ id }) => id),
    )
  }

  async forget(which: string | readonly string[]): Promise<number> {
    const ids = idsOf('forget', which)
    return ids.length === 0 ? 0 : this.#engine.control({ kind: 'forget', ids })
  }

  on<N extends QueueEventName>(name: N, listener: QueueListener<N>): () => void {
    assertEventName('on', 'name', name)
    return this.#events.on(name, listener)
  }

  events(options: EventsOptions = {}): AsyncIterable<NamedEvent> {
    return streamEvents(this.#events, options, this.#closed.signal, this.#options.clock)
  }

  follow(options: FollowOptions = {}): AsyncIterable<FollowedEvent> {
    return this.followFrom(options, false)
  }

  followFrom(options: FollowOptions, beginning: boolean): AsyncIterable<FollowedEvent> {
    this.#assertOpen()
    return this.#engine.follow(resolveFollowOptions(options, this.#options.maxPollMs), beginning)
  }

  async stepDown(): Promise<void> {
    await this.#engine.stepDown()
  }

  isPaused(): Promise<boolean> {
    return this.#engine.view(({ paused }) => paused)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#worker !== undefined) {
      // A store that does not take the settlements in time must not keep the queue open: their claims run out.
      const stopped = this.#stop(this.#worker, this.#options.visibilityTimeoutMs)
      await stopped.catch((error: unknown) => this.#engine.tell(error))
    }
    await this.#intake.idle()
    await this.#engine.close()
    this.#closed.abort()
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new QueueClosed(this.name)
  }

  #poolFor({ concurrency, maxPrefetch }: ResolvedProcessOptions): SlotPool {
    const { clock, lingerMs } = this.#options
    return new SlotPool({ clock, concurrency, maxPrefetch, lingerMs })
  }

  #workerId({ workerId }: ResolvedProcessOptions): string {
    return makeWorkerId(workerId, this.#options.ids)
  }

  #start(handler: Handler<T>, process: ResolvedProcessOptions, slots: SlotPool, id: string): WorkerRuntime<T> {
    assertHandler(this.name, handler)
    this.#assertOpen()
    if (this.#worker !== undefined) {
      throw new WorkerExists(this.name)
    }
    const context = { engine: this.#engine, events: this.#events, queue: this.#options, process, id, slots }
    this.#worker = new WorkerRuntime<T>(context, handler)
    this.#engine.attach(this.#worker)
    return this.#worker
  }

  async #stop(worker: WorkerRuntime<T>, timeoutMs: number): Promise<void> {
    await worker.stop(timeoutMs)
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#counts.handled += worker.finishedCount
    await this.#engine.detach()
  }
}

/** Throws `InvalidOption` for what is no id. */
function assertId(who: string, id: unknown): void {
  if (typeof id === 'string') return
  throw new InvalidOption(who, 'id', `must be the id of a message, a string, not ${describeType(id)}.`)
}

/** One id or several, as an array. Throws `InvalidOption` for what is neither: nothing must be taken for "all". */
function idsOf(who: string, which: string | readonly string[]): readonly string[] {
  const ids: unknown = typeof which === 'string' ? [which] : which
  if (Array.isArray(ids) && ids.every((id) => typeof id === 'string')) return ids
  throw new InvalidOption(who, 'which', `must be an id or an array of ids, not ${describeType(which)}.`)
}

/** Throws `InvalidOption` for what is no yes or no: a promise would be taken for a yes. */
function isPicked(answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer
  throw new InvalidOption(
    'redrive',
    'which',
    `must return true or false, not ${answer instanceof Promise ? 'a promise' : typeof answer}.`,
  )
}

function describeType(value: unknown): string {
  return Array.isArray(value) ? 'an array with something else in it' : value === null ? 'null' : `a ${typeof value}`
}
