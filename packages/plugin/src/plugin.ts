/** `S3QueuePlugin`: a queue for one resource of a database. Wiring only: what happens, happens in the runtime. */
import type { QueueCost } from '@s3queue/core'
import {
  type Adopted,
  type EntryFilter,
  openDeadLetterResource,
  QueueError,
  type RecordQueueStats,
  type S3dbDatabase,
  type S3dbRecord,
  type S3dbResource,
} from '@s3queue/s3db'
import type { Logger } from '@s3queue/storage'
import { type Database, Plugin } from 's3db.js'
import { ClaimStorage } from './claim-storage.ts'
import type { S3QueueEventName, S3QueueEvents } from './events.ts'
import type { OnMessage } from './handler-context.ts'
import { Housekeeping } from './housekeeping.ts'
import { type HelperNames, helperNames, showViews } from './names.ts'
import { type ResolvedS3QueueOptions, resolveS3QueueOptions, type S3QueueOptions } from './options.ts'
import { asPluginDatabase } from './plugin-database.ts'
import { notInstalled, QueueRuntime } from './queue-runtime.ts'
import {
  attachMethods,
  type DeletedQueue,
  type DeleteQueueOptions,
  type QueueMethods,
  type RenewOptions,
  resolveEnqueueOptions,
  type StartOptions,
  type Truncated,
  type TruncateOptions,
} from './resource-methods.ts'
import { releaseResource, takeResource } from './resource-owners.ts'
import { onShutdown } from './shutdown-hook.ts'

/** What `usePlugin` calls a plugin of this class that is given no name. */
const DEFAULT_NAME = 's3queue'

/**
 * ```js
 * const queue = new S3QueuePlugin({ resource: 'tasks', onMessage: async (task) => { … } })
 * await db.usePlugin(queue)
 * await db.resources.tasks.enqueue({ type: 'send-email' })
 * ```
 *
 * Throws `InvalidOption` for options that are unknown or impossible.
 */
export class S3QueuePlugin<Task = Record<string, unknown>> extends Plugin {
  /** These two are given when the plugin is installed; `usePlugin` takes no plugin that may be without. */
  declare instanceName: string
  declare cronManager: NonNullable<Plugin['cronManager']>
  readonly config: S3QueueOptions<Task>
  readonly #settings: ResolvedS3QueueOptions
  #runtime: QueueRuntime | undefined
  #names: HelperNames | undefined
  #detach: (() => void) | undefined
  #unhook: (() => void) | undefined
  #disconnecting = false
  /** Of a plugin that was there before its database was connected. */
  #installing: Promise<void> | undefined

  constructor(options: S3QueueOptions<Task>) {
    const settings = resolveS3QueueOptions(options)
    const { namespace, instanceId, logger, logLevel } = options
    const own = { namespace: namespace ?? instanceId, logger, logLevel }
    super({
      slug: 's3-queue',
      ...(Object.fromEntries(Object.entries(own).filter(([, v]) => v !== undefined)) as object),
    })
    this.config = options
    this.#settings = settings
    for (const warning of settings.warnings) this.logger.warn(warning)
  }

  // --- s3db.js's side -----------------------------------------------------------------------------------------------

  /** s3db.js names the plugin, and installs it in the same breath if it is connected. */
  override setInstanceName(name: string | null | undefined): void {
    // Its own name is no namespace: a plugin that is installed in another way is the same queue.
    if (name === DEFAULT_NAME) this.instanceName = name
    else super.setInstanceName(name)
    queueMicrotask(() => {
      if (this.database == null) this.logger.warn(notInstalled('usePlugin').suggestion)
    })
  }

  /** Nothing to list, and nothing to warn of. */
  override async detectAndWarnNamespaces(): Promise<string[]> {
    return []
  }

  /** `database`: a `Database` of s3db.js; `usePlugin` knows it by a narrower type than the plugin's base does. */
  override async install(database: object): Promise<void> {
    const connected = asPluginDatabase(database)
    if (connected.isConnected()) return super.install(database as Database)
    // A plugin of `new Database({ plugins })` is installed before the database knows its resources.
    this.database = database as Database
    connected.once('db:connected', () => {
      const resource = connected.resources[this.#settings.resource]
      if (resource !== undefined) this.#attach(resource)
      const installing = super.install(database as Database).then(() => this.onStart())
      installing.catch((error: unknown) => this.logger.error(String(error)))
      this.#installing = installing
    })
  }

  /** From here on the resource has the methods of its queue; they wait until the rest is there. */
  #attach(resource: S3dbResource): void {
    takeResource(resource, this)
    this.#detach ??= attachMethods(resource, this.#methods() as QueueMethods<never>)
  }

  override async onInstall(): Promise<void> {
    if (this.#runtime !== undefined) return
    const database = asPluginDatabase(this.database)
    const { resource: name, deadLetterResource } = this.#settings
    const resource = database.resources[name]
    if (resource === undefined) throw noSuchResource(name, database)
    this.#attach(resource)
    const names = helperNames(this.#settings, this.namespace)
    const rows = names.deadLetter === undefined ? undefined : await openDeadLetterResource(database, names.deadLetter)
    const runtime = new QueueRuntime({
      ...{ database, resource, deadLetterResource: rows, settings: this.#settings, namespace: `plugin=${this.slug}` },
      emit: (event, payload) => this.#tell(event, payload),
      hears: (event) => this.listenerCount(event) > 0,
      onError: (error, record) => this.config.onError?.(error, record as Task & S3dbRecord),
      onComplete:
        this.config.onComplete && ((record, result) => this.config.onComplete?.(record as Task & S3dbRecord, result)),
      logger: this.#engineLogger(),
    })
    this.#runtime = runtime
    this.#names = names
    showViews(database.resources, names, runtime.view, rows, deadLetterResource)
    // The library stops what is in this list when it disconnects, and waits for it; plugins of `usePlugin` it forgets.
    if (!database.pluginList.includes(this)) database.pluginList.push(this)
    this.#unhook = onShutdown(database, `${this.slug}:${name}`, async (handlersMs) => {
      await runtime.stopWorker(Math.min(handlersMs, this.#settings.visibilityTimeoutMs))
      await runtime.session.close()
    })
    database.once('disconnected', () => {
      this.#disconnecting = true
    })
  }

  override async onStart(): Promise<void> {
    const isInstalled = this.#runtime !== undefined
    if (isInstalled && this.#settings.autoStart && this.config.onMessage !== undefined) await this.startProcessing()
  }

  override async onStop(): Promise<void> {
    const runtime = this.#runtime
    if (runtime === undefined) return
    if (!this.#disconnecting) return runtime.close()
    await this.#forget(runtime)
  }

  /** `purgeData` deletes all that the queue keeps in the store. Records and dead letters are resources of the database, and stay. */
  override async onUninstall({ purgeData = false }: { purgeData?: boolean } = {}): Promise<void> {
    const runtime = this.#runtime
    if (runtime === undefined) return
    if (purgeData) {
      await runtime.close()
      this.emit('plugin.dataPurged', { deleted: await runtime.purge() })
    }
    await this.#forget(runtime)
  }

  async #forget(runtime: QueueRuntime): Promise<void> {
    this.#runtime = undefined
    this.#unhook?.()
    await runtime.end()
    this.#detach?.()
    this.#detach = undefined
    const { resources } = asPluginDatabase(this.database)
    if (this.#names !== undefined) showViews(resources, this.#names, undefined, undefined, undefined)
    releaseResource(this)
  }

  // --- work ---------------------------------------------------------------------------------------------------------

  /** Starts the worker, with `onMessage` unless it is given a handler. Does nothing but say so if it runs already. */
  async startProcessing(handler?: OnMessage<Task> | null, { concurrency }: StartOptions = {}): Promise<void> {
    const onMessage = this.#handler(handler)
    const runtime = this.#installed('startProcessing')
    if (await runtime.start(onMessage, concurrency ?? this.#settings.concurrency)) return
    this.logger.warn(
      `The worker of "${this.#settings.resource}" runs already: call stopProcessing() before you start it with something else.`,
    )
  }

  /** Takes no new message, and resolves when those in hand are done; what is not done within the visibility timeout is handed over. */
  async stopProcessing(): Promise<void> {
    await this.#runtime?.stopWorker()
  }

  /** Waits until no handler runs in this process, at most a visibility timeout. */
  async drain(): Promise<{ readonly drained: boolean }> {
    return (await this.#runtime?.drain()) ?? { drained: true }
  }

  /** Handles one message; false if there was none to be had. For Lambda and cron. */
  async processNext(handler?: OnMessage<Task> | null): Promise<boolean> {
    await this.#installing
    const onMessage = this.#handler(handler)
    return this.#installed('processNext').processNext(onMessage)
  }

  /** Leaves at once: what is in hand is given back, and if this process is the coordinator another one takes over. */
  async unregisterWorker(): Promise<void> {
    await this.#runtime?.stopWorker(0)
    await this.#runtime?.session.close()
  }

  /** Exact, from any process. */
  async getStats(): Promise<RecordQueueStats> {
    await this.#installing
    return this.#installed('getStats').stats()
  }

  /** How many messages have this status; `all` for all. */
  countQueue(status: string = 'pending'): Promise<number> {
    return this.#housekeeping('countQueue').count(status)
  }

  countQueueBy(filter: EntryFilter): Promise<number> {
    return this.#housekeeping('countQueueBy').countBy(filter)
  }

  queueStatsBy(filter: EntryFilter): Promise<RecordQueueStats> {
    return this.#housekeeping('queueStatsBy').statsBy(filter)
  }

  /** Empties the queue: messages that wait, in hand, and remembered. Records stay. */
  truncateQueue(options?: TruncateOptions): Promise<Truncated> {
    return this.#housekeeping('truncateQueue').truncate(options)
  }

  /** Stops the worker, empties the queue and its dead letters, and takes the queue out of `db.resources`. */
  async deleteQueue({
    includeDeadLetter = true,
    stopProcessing = true,
  }: DeleteQueueOptions = {}): Promise<DeletedQueue> {
    const housekeeping = this.#housekeeping('deleteQueue')
    if (stopProcessing) await this.stopProcessing()
    const truncated = await housekeeping.truncate({ includeDeadLetter })
    const { resources } = asPluginDatabase(this.database)
    if (this.#names !== undefined) showViews(resources, this.#names, undefined, undefined, undefined)
    return { ...truncated, queueResourceDeleted: true }
  }

  /** Enqueues the records of dead letters again and deletes their rows: one, several, or all. Resolves to how many. */
  redrive(which?: string | readonly string[]): Promise<number> {
    return this.#housekeeping('redrive').redrive(which)
  }

  /**
   * Takes over what waits in the queue of the plugin that comes with s3db.js, by default the one of the same resource. Its workers have to be
   * stopped. Safe to repeat.
   */
  adoptQueue(queueResource?: string): Promise<Adopted> {
    return this.#housekeeping('adoptQueue').adopt(queueResource)
  }

  /** What this process asked of the store, and what that costs at the prices of S3. */
  estimateUsage(): QueueCost {
    return this.#installed('estimateUsage').session.queue.getCost()
  }

  /** Makes a claim of this process last so much longer, in ms. False if it is not held here (any more). */
  async extendVisibility(queueId: string, extraMs: number, { lockToken }: RenewOptions = {}): Promise<boolean> {
    const attempt = this.#installed('extendVisibility').runs.find(queueId)
    const reason = attempt === undefined ? 'lock_released' : 'token_mismatch'
    if (attempt !== undefined && (lockToken === undefined || lockToken === attempt.lockToken))
      return attempt.renewLock(extraMs)
    this.#tell('plg:s3-queue:lock-renewal-rejected', { queueId, reason })
    return false
  }

  renewLock(
    queueId: string,
    lockToken: string,
    extraMs: number = this.#settings.visibilityTimeoutMs,
  ): Promise<boolean> {
    return this.extendVisibility(queueId, extraMs, { lockToken })
  }

  /** There is nothing to clear: who has a message is decided in the log. */
  clearProcessedCache(): void {}

  override getStorage(): ClaimStorage {
    const runtime = this.#installed('getStorage')
    return new ClaimStorage(this.database.client, this.slug, () => runtime.claims())
  }

  // --- readings: for probes, without a request ----------------------------------------------------------------------

  get isRunning(): boolean {
    return this.#runtime?.isRunning ?? false
  }

  /** `none` before the worker has started. */
  get workerId(): string {
    return this.#runtime?.workerId ?? 'none'
  }

  /** When the store last answered this process, ms since 1970; 0 before it did. A running worker asks at least every `maxPollInterval`. */
  get lastHeartbeat(): number {
    return this.#runtime?.lastHeartbeat ?? 0
  }

  /** Whether some process is known to write the queue. */
  get coordinatorElected(): boolean {
    return this.#runtime?.session.opened?.health().coordinatorElected ?? false
  }

  /** Whether this process writes the queue. */
  get isCoordinator(): boolean {
    return this.#runtime?.session.opened?.health().isCoordinator ?? false
  }

  // --- events, by name ----------------------------------------------------------------------------------------------

  override on<N extends S3QueueEventName>(name: N, listener: (event: S3QueueEvents[N]) => void): this
  override on(name: string | symbol, listener: (...args: never[]) => void): this
  override on(name: string | symbol, listener: (...args: never[]) => void): this {
    return super.on(name, listener as (...args: unknown[]) => void)
  }

  override once<N extends S3QueueEventName>(name: N, listener: (event: S3QueueEvents[N]) => void): this
  override once(name: string | symbol, listener: (...args: never[]) => void): this
  override once(name: string | symbol, listener: (...args: never[]) => void): this {
    return super.once(name, listener as (...args: unknown[]) => void)
  }

  #tell<N extends S3QueueEventName>(name: N, event: S3QueueEvents[N]): void {
    if (this.#settings.verbose) this.logger.info({ event: { ...event } }, name)
    try {
      this.emit(name, event)
    } catch (error) {
      this.logger.error(`A listener of "${name}" threw: ${String(error)}`)
    }
  }

  #installed(operation: string): QueueRuntime {
    if (this.#runtime === undefined) throw notInstalled(operation)
    return this.#runtime
  }

  #housekeeping(operation: string): Housekeeping {
    return new Housekeeping(this.#installed(operation))
  }

  #handler(given: OnMessage<Task> | null | undefined): OnMessage<never> {
    const onMessage = given ?? this.config.onMessage
    if (typeof onMessage === 'function') return onMessage as OnMessage<never>
    throw new QueueError('There is no handler.', {
      ...{ statusCode: 400, operation: 'startProcessing' },
      suggestion: 'Give the plugin an onMessage, or startProcessing a function.',
    })
  }

  #engineLogger(): Logger {
    return { warn: (message) => this.logger.warn(message), error: (message) => this.logger.error(message) }
  }

  #methods(): QueueMethods<Task> {
    return {
      enqueue: async (data, options = {}) => {
        const resolved = resolveEnqueueOptions(options, this.#settings.orderingMode === 'lifo')
        await this.#installing
        const { enqueuer } = this.#installed('enqueue')
        const { record, queueId, duplicate } = await enqueuer.enqueue(data, resolved)
        if (!duplicate) this.#tell('plg:s3-queue:message-enqueued', { id: record.id, queueId })
        return record as Task & S3dbRecord
      },
      queueStats: () => this.getStats(),
      countQueue: (status) => this.countQueue(status),
      countQueueBy: (filter) => this.countQueueBy(filter),
      queueStatsBy: (filter) => this.queueStatsBy(filter),
      startProcessing: (handler, options) => this.startProcessing(handler, options),
      stopProcessing: () => this.stopProcessing(),
      extendQueueVisibility: (queueId, extraMs, options) => this.extendVisibility(queueId, extraMs, options),
      renewQueueLock: (queueId, lockToken, extraMs) => this.renewLock(queueId, lockToken, extraMs),
      clearQueueCache: async () => this.clearProcessedCache(),
      truncateQueue: (options) => this.truncateQueue(options),
      deleteQueue: (options) => this.deleteQueue(options),
      estimateQueueUsage: () => this.estimateUsage(),
    }
  }
}

function noSuchResource(name: string, database: S3dbDatabase): QueueError {
  const known = Object.keys(database.resources)
  return new QueueError(`Resource '${name}' not found`, {
    ...{ statusCode: 404, operation: 'install', metadata: { resource: name, known } },
    suggestion: `Create it before the plugin is installed: await db.createResource({ name: '${name}', … }). There ${known.length === 0 ? 'are none' : `are: ${known.join(', ')}`}.`,
  })
}

/** The same resource, with the methods that its queue gave it, for TypeScript. Throws a `QueueError` 409 if it has no queue. */
export function withQueue<
  Task = Record<string, unknown>,
  R extends Pick<S3dbResource, 'name'> = Pick<S3dbResource, 'name'>,
>(resource: R): R & QueueMethods<Task> {
  if (typeof (resource as Partial<QueueMethods>).enqueue === 'function') return resource as R & QueueMethods<Task>
  throw notInstalled(`withQueue(${resource.name})`)
}
