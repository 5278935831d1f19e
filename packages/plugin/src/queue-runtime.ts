/** All that a plugin is made of once it is installed: the queue, its store, its worker, and what stands between them and the database. */
import { CalledInHandler, type Worker } from '@s3queue/core'
import {
  DeadLetters,
  Enqueuer,
  type QueueEntry,
  QueueView,
  type RecordQueueStats,
  Records,
  readStats,
  type S3dbRecord,
  type S3dbResource,
} from '@s3queue/s3db'
import { type Clock, inTime, type Logger, sleep, systemClock, systemContexts, systemIds } from '@s3queue/storage'
import { asError } from './as-error.ts'
import { type ClosingParts, closeInOrder } from './closing.ts'
import { type Completion, Completions, type OnComplete } from './completions.ts'
import type { Emit } from './events.ts'
import type { HandledAttempt, OnMessage, RenewalListener } from './handler-context.ts'
import { Monitor } from './monitor.ts'
import { openQueue, type PluginQueue } from './open-queue.ts'
import { kept, type OpenedStore, openStore } from './open-store.ts'
import type { ResolvedS3QueueOptions } from './options.ts'
import type { PluginDatabase } from './plugin-database.ts'
import { QueueSession } from './queue-session.ts'
import { announceCompletion, relayEvents } from './relay.ts'
import { HandlerRuns } from './run-handler.ts'
import { type WatchedStore, withWatch } from './watched-store.ts'
import { workerName } from './worker-name.ts'

export interface QueueRuntimeOptions {
  readonly database: PluginDatabase
  readonly resource: S3dbResource
  readonly deadLetterResource: S3dbResource | undefined
  readonly settings: ResolvedS3QueueOptions
  /** What the queue is called in the database. */
  readonly queueResourceName: string
  /** First part of all keys. */
  readonly namespace: string
  readonly emit: Emit
  readonly hears: (event: string) => boolean
  readonly onError: ((error: Error, record: S3dbRecord) => unknown) | undefined
  /** Asked for each completion, as it can be replaced. */
  readonly onComplete: () => OnComplete | undefined
  readonly logger: Logger
}

export class QueueRuntime {
  readonly enqueuer: Enqueuer
  readonly view: QueueView
  readonly runs: HandlerRuns
  readonly deadLetters: DeadLetters | undefined
  readonly session: QueueSession
  readonly database: PluginDatabase
  readonly settings: ResolvedS3QueueOptions
  readonly #options: QueueRuntimeOptions
  readonly #clock: Clock = systemClock
  readonly #store: OpenedStore
  readonly #watched: WatchedStore
  readonly #completions: Completions
  readonly #monitor: Monitor
  #worker: Worker | undefined
  /** The end of the worker before. */
  #stopping: Promise<void> = Promise.resolve()
  /** What the ids of this plugin's workers begin with, that of `processNext` too. */
  readonly #workerName = workerName(process.env, systemIds)
  /** Of the last worker; before the first one its name without the suffix that makes it unique. */
  #workerId = this.#workerName

  constructor(options: QueueRuntimeOptions) {
    this.#options = options
    const { database, resource, settings, emit } = options
    this.database = database
    this.settings = settings
    this.#store = settings.store === undefined ? openStore(database.client) : kept(settings.store)
    this.#watched = withWatch(this.#store.store, this.#clock, (throttling) =>
      emit('plg:s3-queue:s3-throttled', throttling),
    )
    this.session = new QueueSession(() => this.#open())
    const queue = (): PluginQueue => this.session.queue
    const records = new Records(resource, systemIds)
    const clock = this.#clock
    this.enqueuer = new Enqueuer({ records, queue, clock })
    this.view = new QueueView({ ...settings, name: options.queueResourceName, clock, queue })
    this.deadLetters = this.#openDeadLetters(records, queue)
    this.#completions = new Completions({
      ...{ onComplete: options.onComplete, clock, tell: (error) => this.tell(error) },
      announce: (completion) => this.#announce(completion),
      look: (queueId) => queue().get(queueId),
    })
    this.runs = new HandlerRuns({
      ...{ records, settings, renewals: this.#renewals(), now: () => clock.now() },
      succeeded: (attempt) => this.#completions.succeeded(attempt),
      failed: (error, record) => this.#failed(error, record),
      tell: (error) => this.tell(error),
    })
    this.#monitor = new Monitor({
      ...options,
      store: this.#watched,
      clock,
      everyMs: settings.heartbeatMs,
      queue,
      stats: () => this.stats(),
      beat: () => this.#completions.catchUp(2 * settings.maxPollMs + settings.heartbeatMs),
      tell: (error) => this.tell(error),
    })
  }

  /** The resource whose records are handled. */
  get targetResource(): S3dbResource {
    return this.#options.resource
  }

  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  get workerId(): string {
    return this.#workerId
  }

  /** When this process last was seen alive by its store, ms since 1970. */
  get lastHeartbeat(): number | undefined {
    const { lastHeartbeat } = this.session.opened?.health() ?? {}
    return this.#worker === undefined ? lastHeartbeat : (this.#watched.lastAnswerAt ?? lastHeartbeat)
  }

  /** Starts the worker, after the end of the one before. False if one runs. */
  async start(onMessage: OnMessage<never>, concurrency: number): Promise<boolean> {
    await this.#stopping.catch(() => {})
    if (this.#worker !== undefined) return false
    const { settings, emit } = this.#options
    const { autoExtend, maxPrefetch } = settings
    const process = (): Worker =>
      this.session.queue.process(this.runs.handler(onMessage), {
        ...{ concurrency, autoExtend, maxPrefetch, workerId: this.#workerName },
      })
    const worker = systemContexts.capture(this).run(process)
    this.#worker = worker
    this.#workerId = worker.id
    systemContexts.outside.run(() => this.#monitor.start())
    emit('plg:s3-queue:workers-started', { concurrency, workerId: worker.id })
    return true
  }

  /** Takes nothing new and waits for running handlers, at most so long. */
  stopWorker(timeoutMs: number = this.#options.settings.visibilityTimeoutMs): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return this.#stopping
    if (timeoutMs > 0 && this.#isCalledInHandler()) return Promise.reject(this.#calledInHandler('stopProcessing()'))
    this.#worker = undefined
    this.#monitor.stop()
    this.#stopping = this.#stop(worker, timeoutMs)
    return this.#stopping
  }

  async #stop(worker: Worker, timeoutMs: number): Promise<void> {
    await worker.stop({ timeoutMs })
    await this.#completions.settle()
    this.#options.emit('plg:s3-queue:workers-stopped', { workerId: worker.id })
  }

  /** The process ends: handlers have `handlersMs`, and all of it takes `totalMs` at most. */
  async leave(handlersMs: number, totalMs: number): Promise<void> {
    const startedAt = this.#clock.monotonic()
    await this.#stopInTime(handlersMs, (totalMs - handlersMs) / 2)
    await this.session.close({ timeoutMs: Math.max(0, totalMs - (this.#clock.monotonic() - startedAt)) })
  }

  /** Stops the worker. A store that does not take in time what its handlers did keeps nothing open: their messages are handed out again. Never rejects. */
  async #stopInTime(handlersMs: number, storeMs: number): Promise<void> {
    const late = (): Error => new Error('The store did not take in time what the last handlers did.')
    const stopped = inTime(
      this.#clock,
      handlersMs + storeMs,
      systemContexts.outside.run(() => this.stopWorker(handlersMs)),
      late,
    )
    await stopped.catch((error: unknown) => this.tell(asError(error)))
  }

  /** Handles one message in this call. False if there was none to be had. */
  async processNext(onMessage: OnMessage<never>): Promise<boolean> {
    if (this.#worker !== undefined) return this.#nextOfWorker()
    const { autoExtend } = this.#options.settings
    const options = { autoExtend, workerId: this.#workerName }
    const handled = await this.session.queue.processNext(this.runs.handler(onMessage), options)
    await this.#completions.settle()
    return handled
  }

  /** The worker is at it already: waits for the end of an attempt. */
  async #nextOfWorker(): Promise<boolean> {
    const { queue } = this.session
    const before = queue.getCost().handled
    for (;;) {
      if (queue.getCost().handled > before) return true
      const { waiting } = await queue.getStats()
      if (waiting === 0 && this.runs.attempts.length === 0) return queue.getCost().handled > before
      await sleep(this.#clock, 20)
    }
  }

  /** Whether the current call comes from a handler of this plugin, or from something that a handler has started, while any handler runs. */
  #isCalledInHandler(): boolean {
    return this.runs.attempts.length > 0 && systemContexts.isWithin(this)
  }

  #calledInHandler(call: string): CalledInHandler {
    return new CalledInHandler(this.settings.resource, call)
  }

  /** Waits until no handler runs here, at most a visibility timeout. */
  async drain(): Promise<{ readonly drained: boolean }> {
    if (this.#isCalledInHandler()) throw this.#calledInHandler('drain()')
    const limit = new AbortController()
    const { visibilityTimeoutMs } = this.#options.settings
    const idle = this.runs.whenIdle().then(() => true)
    const late = sleep(this.#clock, visibilityTimeoutMs, limit.signal).then(
      () => false,
      () => false,
    )
    const drained = await Promise.race([idle, late])
    limit.abort()
    await this.#completions.idle()
    return { drained }
  }

  stats(): Promise<RecordQueueStats> {
    return readStats(this.session.queue, this.deadLetters, this.#options.settings.deadStatus)
  }

  /** Ids of the messages that are in somebody's hands. */
  async claims(): Promise<readonly string[]> {
    const entries: QueueEntry[] = await this.view.query({ status: 'processing' })
    return entries.map(({ id }) => id)
  }

  /** Leaves nothing running; what needs the queue opens it again. */
  async close(): Promise<void> {
    await this.#close({
      deadLetters: async () => this.deadLetters?.idle(),
      closeQueue: (timeoutMs) => this.session.close({ timeoutMs }),
    })
  }

  /** The same for good. */
  async end(): Promise<void> {
    await this.#close({
      deadLetters: async () => this.deadLetters?.stop(),
      closeQueue: (timeoutMs) => this.session.end({ timeoutMs }),
    })
    this.#store.destroy()
  }

  #close(parts: Pick<ClosingParts, 'deadLetters' | 'closeQueue'>): Promise<void> {
    return closeInOrder(this.#clock, this.#options.settings.visibilityTimeoutMs, {
      ...parts,
      stopWorker: (handlersMs) => this.stopWorker(handlersMs),
      whenIdle: () => this.runs.whenIdle(),
      tell: (error) => this.tell(asError(error)),
    })
  }

  /** Deletes every object of the queue. Nobody may use it. */
  async purge(): Promise<number> {
    const { namespace, settings } = this.#options
    const { store } = this.#store
    const prefix = `${namespace}/${settings.queueName}/`
    let deleted = 0
    for (let more = true; more; ) {
      const { entries, truncated } = await store.list({ prefix, limit: 1000 })
      if (entries.length > 0) await store.delete(entries.map(({ key }) => key))
      deleted += entries.length
      more = truncated
    }
    return deleted
  }

  /** Something went wrong that no call can be told of. */
  tell(error: unknown): void {
    const { database, logger } = this.#options
    const message = error instanceof Error ? error.message : String(error)
    logger.warn(`Queue "${this.#options.settings.resource}": ${message}`)
    database.emit('plg:queue:error', { error, message })
  }

  #open(): PluginQueue {
    const { settings, namespace, logger, emit } = this.#options
    const queue = openQueue({ settings, store: this.#watched, namespace, logger })
    relayEvents({
      ...{ queue, emit, deadStatus: settings.deadStatus, workerId: () => this.#workerId },
      isOwn: (workerId) => workerId.startsWith(`${this.#workerName}.`),
      completed: (completion) => this.#completions.recorded(completion),
      maybeDead: () => void this.deadLetters?.move(),
      trouble: (error) => this.tell(error),
    })
    return queue
  }

  #announce(completion: Completion): void {
    const { emit, database } = this.#options
    announceCompletion(emit, completion)
    const { queueId, durationMs: duration } = completion
    database.emit('plg:queue:message:complete', { message: { queueId, originalId: queueId }, duration })
  }

  #openDeadLetters(records: Records, queue: () => PluginQueue): DeadLetters | undefined {
    const { deadLetterResource: resource, settings } = this.#options
    if (resource === undefined) return undefined
    const { recoveryMs: retryMs, recoveryBatchSize: batchSize } = settings
    const tell = (error: unknown): void => this.tell(error)
    return new DeadLetters({ resource, records, queue, clock: this.#clock, retryMs, batchSize, tell })
  }

  async #failed(error: Error, record: S3dbRecord): Promise<void> {
    this.#options.database.emit('plg:queue:error', { error, message: error.message })
    try {
      await this.#options.onError?.(error, record)
    } catch (thrown) {
      this.tell(new Error(`onError threw: ${asError(thrown).message}`, { cause: thrown }))
    }
  }

  #renewals(): RenewalListener {
    const { emit } = this.#options
    return {
      renewed: ({ queueId, lockToken, visibleUntil }: HandledAttempt, extraMilliseconds) =>
        emit('plg:s3-queue:lock-renewed', { queueId, lockToken, newVisibleAt: visibleUntil, extraMilliseconds }),
      rejected: ({ queueId }, reason) => emit('plg:s3-queue:lock-renewal-rejected', { queueId, reason }),
    }
  }
}
