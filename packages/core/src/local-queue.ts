/** A queue over one log. Wiring only: everything that happens, happens in the engine and the worker. */
import {
  type AsyncContexts,
  assertKnownKeys,
  inTime,
  type StoreMetrics,
  withMetering,
  withStoreTime,
} from '@s3queue/storage'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type CloseOptions, type CloseTimes, closeBy, resolveCloseOptions } from './close-options.ts'
import { costOf, type QueueCost } from './cost.ts'
import { type DrainOptions, type DrainResult, drainQueue } from './drain.ts'
import { Engine } from './engine/engine.ts'
import type { EnqueueOptions } from './enqueue-options.ts'
import { CalledInHandler, QueueClosed, WorkerExists } from './errors.ts'
import { type EventsOptions, type NamedEvent, streamEvents } from './event-stream.ts'
import { assertEventName, EventHub, type QueueEventName, type QueueListener } from './events.ts'
import type { FollowedEvent } from './follow/events.ts'
import { type FollowOptions, resolveFollowOptions } from './follow/follow.ts'
import { assertHandler, type Handler } from './handle.ts'
import type { QueueHealth } from './health.ts'
import { type Enqueued, Intake } from './intake.ts'
import { type ListOptions, listMessages, type MessagePage, resolveListOptions } from './list.ts'
import { describeDead, describeMessage, type MessageInfo, mayBeReplaced } from './message-info.ts'
import { type QueueOptions, type ResolvedQueueOptions, resolveQueueOptions } from './options.ts'
import {
  makeWorkerId,
  type ProcessOptions,
  type ResolvedProcessOptions,
  resolveProcessOptions,
  resolveStopOptions,
} from './process-options.ts'
import type { Queue, ShardQueue, Worker } from './queue.ts'
import { deadLetters, oldestAgeOf, type QueueView } from './queue-view.ts'
import type { ControlAction } from './state/commands.ts'
import { isDeadOver } from './state/endings.ts'
import { type DeadLetter, messageId, type QueueStats } from './state/model.ts'
import { readStoredPayload } from './stored-payload.ts'
import { type WaitOptions, waitForResult } from './wait-for.ts'
import { assertId, idsOf, isPicked } from './which-messages.ts'
import { SlotPool } from './worker/slots.ts'
import { WorkerRuntime } from './worker/worker.ts'

/** Dead letters whose texts are read together. */
const LETTERS_AT_ONCE = 250

/** Options of a queue whose messages are what a schema takes. */
type WithSchema<S extends StandardSchemaV1> = QueueOptions & { readonly schema: S }

/**
 * The queue `options.name` in `options.store`. Makes no request until it is used. Any number of processes may use the same queue.
 *
 * Throws `InvalidOption` for options that are unknown or impossible.
 */
export function createQueue<S extends StandardSchemaV1>(
  options: WithSchema<S>,
): Queue<StandardSchemaV1.InferInput<S>, StandardSchemaV1.InferOutput<S>>
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
  /** ms since 1970, by the store's clock. */
  readonly #wallNow: () => number
  readonly #closed = new AbortController()
  readonly #contexts: AsyncContexts
  readonly #counts = { enqueued: 0, handled: 0 }
  #worker: WorkerRuntime<T> | undefined
  #closing: Promise<void> | undefined

  constructor(given: ResolvedQueueOptions) {
    const metered = withMetering(given.store, { clock: given.clock })
    const store = withStoreTime(metered, given.clock)
    this.#metrics = () => metered.metrics()
    this.#wallNow = () => store.now()
    this.#options = { ...given, store }
    this.name = given.name
    this.#contexts = given.contexts
    this.#events = new EventHub(given)
    this.#engine = new Engine({ options: this.#options, events: this.#events, wallNow: this.#wallNow })
    this.#intake = new Intake(this.#engine, this.#options)
  }

  get isProcessing(): boolean {
    return this.#worker !== undefined
  }

  get running(): number {
    return this.#worker?.running ?? 0
  }

  get heldAhead(): number {
    return this.#worker?.heldAhead ?? 0
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
      stop: async (stop) => {
        const timeoutMs = resolveStopOptions(stop, visibilityTimeoutMs)
        if (timeoutMs > 0) this.#assertOutsideHandlers('stop()', worker)
        await this.#contexts.outside.run(() => this.#stop(worker, timeoutMs))
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
    return this.#contexts.outside.run(async () => {
      try {
        return await this.#engine.local.serveOne(slots)
      } finally {
        await this.#stop(worker, this.#options.visibilityTimeoutMs)
      }
    })
  }

  async drain(options?: DrainOptions): Promise<DrainResult> {
    this.#assertOutsideHandlers('drain()', this.#worker)
    return this.#ask((engine) => drainQueue(engine, this.#worker, this.#options.clock, options))
  }

  getStats(): Promise<QueueStats> {
    return this.#ask(({ views }) => views.stats())
  }

  getOldestAge(): Promise<number | undefined> {
    return this.#ask(({ views }) => views.survey((view) => oldestAgeOf(view, this.#wallNow())))
  }

  health(): QueueHealth {
    return { isRunning: this.isProcessing, ...this.#engine.health() }
  }

  getCost(): QueueCost {
    const { enqueued, handled } = this.#counts
    return costOf(this.#metrics(), { enqueued, handled: handled + (this.#worker?.finishedCount ?? 0) })
  }

  async get(id: string): Promise<MessageInfo | undefined> {
    assertId('get', id)
    const { infos } = await this.#ask(({ views }) =>
      views.complete(
        () => views.find(id, (view) => describeMessage(view, id), mayBeReplaced),
        (found) => (found === undefined ? [] : [found]),
      ),
    )
    const [message] = infos
    return message && this.#withStart(message)
  }

  /** The process of a worker knows which of its messages have handlers; the log knows claims alone. */
  #withStart(message: MessageInfo): MessageInfo {
    if (message.fencingToken === undefined) return message
    const startedAt = this.#worker?.startedAt(message.fencingToken)
    return startedAt === undefined ? message : { ...message, startedAt }
  }

  async getPayload(id: string): Promise<T> {
    assertId('getPayload', id)
    return (await this.#ask((engine) => readStoredPayload(engine, this.name, id))) as T
  }

  async list(options: ListOptions): Promise<MessagePage> {
    const resolved = resolveListOptions(options)
    const { found, infos } = await this.#ask(({ views }) =>
      views.complete(
        () => views.survey((view) => listMessages(view, resolved)),
        ({ messages }) => messages,
      ),
    )
    const isKnown = resolved.status === 'active' && this.#worker !== undefined
    return { messages: isKnown ? infos.map((message) => this.#withStart(message)) : infos, next: found.next }
  }

  async waitFor(id: string, options: WaitOptions = {}): Promise<unknown> {
    assertId('waitFor', id)
    return this.#ask((engine) => waitForResult(engine, this.name, id, options))
  }

  async pause(): Promise<boolean> {
    return (await this.#control({ kind: 'pause' })) > 0
  }

  async resume(): Promise<boolean> {
    return (await this.#control({ kind: 'resume' })) > 0
  }

  async cancel(id: string): Promise<boolean> {
    assertId('cancel', id)
    return (await this.#control({ kind: 'cancel', id })) > 0
  }

  async release(id: string): Promise<boolean> {
    assertId('release', id)
    return (await this.#control({ kind: 'release', id })) > 0
  }

  purge(): Promise<number> {
    return this.#control({ kind: 'purge' })
  }

  async redrive(which?: string | readonly string[] | ((message: MessageInfo) => boolean)): Promise<number> {
    if (which === undefined) return this.#control({ kind: 'redrive' })
    const ids = typeof which === 'function' ? await this.#deadLetters(which) : idsOf('redrive', which)
    return ids.length === 0 ? 0 : this.#control({ kind: 'redrive', ids })
  }

  async #deadLetters(which: (message: MessageInfo) => boolean): Promise<string[]> {
    const letters = await this.#ask(({ views }) => views.survey((view) => [...deadLetters(view)]))
    const picked: string[] = []
    for (let at = 0; at < letters.length; at += LETTERS_AT_ONCE) {
      const infos = await this.#describeLetters(letters.slice(at, at + LETTERS_AT_ONCE))
      for (const info of infos) if (isPicked(which(info))) picked.push(info.id)
    }
    return picked
  }

  /** Those of some dead letters that are there still, with all their texts. */
  async #describeLetters(letters: readonly DeadLetter[]): Promise<readonly MessageInfo[]> {
    const stillThere = ({ state, now }: QueueView): DeadLetter[] =>
      letters
        .map((letter) => state.dead.get(messageId(letter)))
        .filter((letter) => letter !== undefined)
        .filter((letter) => !isDeadOver(state, letter, now))
    const { infos } = await this.#ask(({ views }) =>
      views.complete(
        () => views.view(stillThere),
        (found) => found.map(describeDead),
      ),
    )
    return infos
  }

  async forget(which: string | readonly string[]): Promise<number> {
    const ids = idsOf('forget', which)
    return ids.length === 0 ? 0 : this.#control({ kind: 'forget', ids })
  }

  acceptRestore(): Promise<number> {
    return this.#control({ kind: 'accept-restore' })
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

  assumeExists(): void {
    this.#engine.assumeExists()
  }

  async stepDown(): Promise<void> {
    await this.#ask((engine) => engine.stepDown())
  }

  isPaused(): Promise<boolean> {
    return this.#ask(({ views }) => views.view(({ state }) => state.paused))
  }

  async close(options?: CloseOptions): Promise<void> {
    const times = resolveCloseOptions(options, this.#options)
    if (times.handlersMs > 0) this.#assertOutsideHandlers('close()', this.#worker)
    this.#closing ??= this.#contexts.outside.run(() => this.#close(times))
    return this.#closing
  }

  async #close(times: CloseTimes): Promise<void> {
    const { clock } = this.#options
    const startedAt = clock.monotonic()
    this.#engine.hurry()
    const worker = this.#worker
    await worker?.stop(times.handlersMs)
    const endAt = closeBy(times, startedAt, clock.monotonic())
    const leftMs = (): number => Math.max(0, endAt - clock.monotonic())
    // A store that does not take the settlements in time must not keep the queue open: their claims run out.
    if (worker !== undefined) await this.#within(leftMs(), this.#detached(worker))
    await this.#within(leftMs(), this.#intake.idle())
    await this.#engine.close(leftMs())
    this.#closed.abort()
  }

  /** Waits for `promise`, for at most `ms`; the engine reports what is late. Never rejects. */
  async #within(ms: number, promise: Promise<void>): Promise<void> {
    const done = promise.catch((error: unknown) => this.#engine.tell(error))
    await inTime(this.#options.clock, ms, done, () => new QueueClosed(this.name)).catch(() => {})
  }

  /** Calls the engine outside the caller's async context: its loops and timers outlive the call, and must not keep that. */
  #ask<R>(call: (engine: Engine) => R): R {
    return this.#contexts.outside.run(call, this.#engine)
  }

  #control(action: ControlAction): Promise<number> {
    return this.#ask((engine) => engine.control(action))
  }

  /** Throws `CalledInHandler` in a handler that `worker` runs. */
  #assertOutsideHandlers(call: string, worker: WorkerRuntime<T> | undefined): void {
    if (worker?.isCaller === true) throw new CalledInHandler(this.name, call)
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
    this.#engine.assumeExists()
    const handlers = this.#contexts.capture(slots)
    const context = { engine: this.#engine, events: this.#events, queue: this.#options, process, id, slots, handlers }
    const worker = new WorkerRuntime<T>(context, handler)
    this.#worker = worker
    this.#ask(({ local }) => local.attach(worker))
    return worker
  }

  async #stop(worker: WorkerRuntime<T>, timeoutMs: number): Promise<void> {
    await worker.stop(timeoutMs)
    await this.#detached(worker)
  }

  /** The worker has stopped: the engine takes what it has left. */
  async #detached(worker: WorkerRuntime<T>): Promise<void> {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#counts.handled += worker.finishedCount
    await this.#engine.local.detach()
  }
}
