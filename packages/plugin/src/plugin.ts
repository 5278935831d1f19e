/** `S3QueuePlugin`: a queue for one resource of a database. Wiring only: each method says who does it. */
import type { QueueHealth, RegistryRecord } from '@s3queue/coordinator'
import type { QueueCost } from '@s3queue/core'
import {
  type Adopted,
  type EntryFilter,
  QueueError,
  type QueueView,
  type RecordQueueStats,
  type S3dbRecord,
  type S3dbResource,
} from '@s3queue/s3db'
import { assertOptionsObject, type Logger } from '@s3queue/storage'
import { ClaimStorage } from './claim-storage.ts'
import type { OnComplete } from './completions.ts'
import type { Emit } from './events.ts'
import { extendClaim } from './extend-claim.ts'
import type { OnMessage } from './handler-context.ts'
import { Housekeeping } from './housekeeping.ts'
import { InstallablePlugin } from './installable-plugin.ts'
import { attachQueue, findResource, Installation } from './installation.ts'
import { type HelperNames, helperNames } from './names.ts'
import { notInstalled } from './not-installed.ts'
import { type ResolvedS3QueueOptions, resolveS3QueueOptions, type S3QueueOptions } from './options.ts'
import { makeConfig, type PluginConfig } from './plugin-config.ts'
import { asPluginDatabase } from './plugin-database.ts'
import type { QueueRuntime } from './queue-runtime.ts'
import {
  type DeletedQueue,
  type DeleteQueueOptions,
  type QueueMethods,
  type RenewOptions,
  resolveEnqueueOptions,
  type StartOptions,
  type Truncated,
  type TruncateOptions,
} from './resource-methods.ts'

/** How long unregisterWorker() waits for the store, in ms. */
const LEAVING_MS = 30_000

/**
 * ```js
 * const queue = new S3QueuePlugin({ resource: 'tasks', onMessage: async (task) => { … } })
 * await db.usePlugin(queue)
 * await db.resources.tasks.enqueue({ type: 'send-email' })
 * ```
 *
 * Throws `InvalidOption` for options that are unknown or impossible.
 */
export class S3QueuePlugin<Task = Record<string, unknown>> extends InstallablePlugin {
  /** The options. `onMessage`, `onError` and `onComplete` can be replaced at any time; the next call takes the new one. */
  readonly config: PluginConfig<Task>
  protected readonly logsEvents: boolean
  readonly #settings: ResolvedS3QueueOptions
  readonly #emit: Emit = (name, event) => this.tell(name, event)
  #installation: Installation | undefined
  /** Takes the queue's methods off the resource. */
  #detach: (() => void) | undefined

  constructor(options: S3QueueOptions<Task>) {
    const settings = resolveS3QueueOptions(options)
    const { namespace, instanceId, logger, logLevel } = options
    const own = { namespace: namespace ?? instanceId, logger, logLevel }
    super({
      slug: 's3-queue',
      ...(Object.fromEntries(Object.entries(own).filter(([, v]) => v !== undefined)) as object),
    })
    this.config = makeConfig(options)
    this.#settings = settings
    this.logsEvents = settings.verbose
    for (const warning of settings.warnings) this.logger.warn(warning)
  }

  // --- s3db.js's side -----------------------------------------------------------------------------------------------

  protected override get resourceName(): string {
    return this.#settings.resource
  }

  protected override onConnected(): void {
    const resource = asPluginDatabase(this.database).resources[this.#settings.resource]
    // The methods wait for the installation, and stay if it fails: their use repeats it.
    if (resource !== undefined) this.#detach ??= attachQueue(resource, this, this.#methods())
  }

  override async onInstall(): Promise<void> {
    if (this.#installation?.isDeleted) await this.#forget(this.#installation)
    if (this.#installation !== undefined) return
    const database = asPluginDatabase(this.database)
    const resource = findResource(database, this.#settings.resource)
    const isAttached = this.#detach !== undefined
    this.#detach ??= attachQueue(resource, this, this.#methods())
    try {
      this.#installation = await Installation.of(resource, database, this.#settings, {
        ...{ plugin: this, slug: this.slug, namespace: this.namespace, emit: this.#emit },
        hears: (event) => this.listenerCount(event) > 0,
        onError: (error, record) => this.config.onError?.(error, record as Task & S3dbRecord),
        onComplete: () => this.config.onComplete as OnComplete | undefined,
        logger: this.#engineLogger(),
      })
    } catch (error) {
      if (!isAttached) this.#detachMethods()
      throw error
    }
  }

  override async onStart(): Promise<void> {
    const isIdle = this.#installation !== undefined && !this.isRunning
    if (isIdle && this.#settings.autoStart && this.config.onMessage !== undefined) await this.#start()
  }

  override async onStop(): Promise<void> {
    const installation = this.#installation
    if (installation === undefined) return
    if (!installation.isDisconnecting) return installation.runtime.close()
    await this.#forget(installation)
  }

  /** `purgeData` deletes all that the queue keeps in the store. Records and dead letters are resources of the database, and stay. */
  override async onUninstall({ purgeData = false }: { purgeData?: boolean } = {}): Promise<void> {
    const installation = this.#installation
    if (installation === undefined) return this.#detachMethods()
    if (purgeData) {
      await installation.runtime.close()
      this.emit('plugin.dataPurged', { deleted: await installation.runtime.purge() })
    }
    await this.#forget(installation)
  }

  async #forget(installation: Installation): Promise<void> {
    this.#installation = undefined
    await installation.end()
    this.#detachMethods()
  }

  #detachMethods(): void {
    this.#detach?.()
    this.#detach = undefined
  }

  /** s3db.js takes all listeners away before it stops its plugins; those of a queue hear of its last messages, and are taken away after that. */
  override removeAllListeners(name?: string | symbol): this {
    return name === undefined && this.#installation?.isDisconnecting ? this : super.removeAllListeners(name)
  }

  // --- work ---------------------------------------------------------------------------------------------------------

  /** Starts the worker, with `onMessage` unless it is given a handler. Does nothing but say so if it runs already. */
  async startProcessing(handler?: OnMessage<Task> | null, options?: StartOptions): Promise<void> {
    await this.installed()
    await this.#start(handler, options)
  }

  async #start(handler?: OnMessage<Task> | null, options: StartOptions = {}): Promise<void> {
    assertOptionsObject('startProcessing', options)
    const { concurrency } = options
    const onMessage = this.#handler(handler)
    const { runtime } = this.#inService('startProcessing')
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
    await this.installed()
    const onMessage = this.#handler(handler)
    return this.#inService('processNext').runtime.processNext(onMessage)
  }

  /** Leaves at once: what is in hand is given back, and if this process is the coordinator another one takes over. */
  async unregisterWorker(): Promise<void> {
    await this.#runtime?.leave(0, LEAVING_MS)
  }

  /** Exact, from any process. */
  async getStats(): Promise<RecordQueueStats> {
    await this.installed()
    return this.#installed('getStats').stats()
  }

  /** The age of the oldest message that is visible and waits, in ms since it was enqueued; undefined if none waits. */
  async getOldestAge(): Promise<number | undefined> {
    await this.installed()
    return this.#installed('getOldestAge').session.queue.getOldestAge()
  }

  /** Hands out no more messages, in any process, until `resume`; running handlers keep running. True if the queue was not paused before. */
  async pause(): Promise<boolean> {
    await this.installed()
    return this.#inService('pause').runtime.session.queue.pause()
  }

  async resume(): Promise<boolean> {
    await this.installed()
    return this.#inService('resume').runtime.session.queue.resume()
  }

  /** Whether the queue is paused, by whichever process. */
  async isPaused(): Promise<boolean> {
    await this.installed()
    return this.#installed('isPaused').session.queue.isPaused()
  }

  /** The workers of all processes. Undefined if there is none and another process writes, or none does. */
  async workers(): Promise<RegistryRecord | undefined> {
    await this.installed()
    return this.#installed('workers').session.queue.workers()
  }

  /** How many messages have this status; `all` for all. */
  async countQueue(status: string = 'pending'): Promise<number> {
    return (await this.#housekeeping('countQueue')).count(status)
  }

  async countQueueBy(filter: EntryFilter): Promise<number> {
    return (await this.#housekeeping('countQueueBy')).countBy(filter)
  }

  async queueStatsBy(filter: EntryFilter): Promise<RecordQueueStats> {
    return (await this.#housekeeping('queueStatsBy')).statsBy(filter)
  }

  /** Empties the queue: messages that wait, in hand, and remembered. Records stay. */
  async truncateQueue(options?: TruncateOptions): Promise<Truncated> {
    return (await this.#housekeeping('truncateQueue')).truncate(options)
  }

  /**
   * Stops the worker, empties the queue and its dead letters, and takes both out of `db.resources`. From then on this plugin refuses to enqueue and to
   * process, with a `QueueError` 410, until it is installed again.
   */
  async deleteQueue(options: DeleteQueueOptions = {}): Promise<DeletedQueue> {
    assertOptionsObject('deleteQueue', options)
    const { includeDeadLetter = true, stopProcessing = true } = options
    const housekeeping = await this.#housekeeping('deleteQueue')
    const { runtime, installation } = this.#inService('deleteQueue')
    if (stopProcessing) await this.stopProcessing()
    const removed = await housekeeping.removeAll(includeDeadLetter)
    const deleted = installation.delete(includeDeadLetter)
    if (includeDeadLetter) await runtime.deadLetters?.stop()
    return { ...removed, ...deleted }
  }

  /** Enqueues the records of dead letters again and deletes their rows: one, several, or all. Resolves to how many. */
  async redrive(which?: string | readonly string[]): Promise<number> {
    const housekeeping = await this.#housekeeping('redrive')
    this.#inService('redrive')
    return housekeeping.redrive(which)
  }

  /**
   * Takes over what waits in the queue of the plugin that comes with s3db.js, by default the one of the same resource. Its workers have to be
   * stopped. Safe to repeat.
   */
  async adoptQueue(queueResource?: string): Promise<Adopted> {
    const housekeeping = await this.#housekeeping('adoptQueue')
    this.#inService('adoptQueue')
    return housekeeping.adopt(queueResource)
  }

  /** What this process asked of the store, and what that costs at the prices of S3. */
  estimateUsage(): QueueCost {
    return this.#installed('estimateUsage').session.queue.getCost()
  }

  /** Makes a claim of this process last so much longer, in ms. False if it is not held here (any more). */
  async extendVisibility(queueId: string, extraMs: number, options: RenewOptions = {}): Promise<boolean> {
    assertOptionsObject('extendVisibility', options)
    const { lockToken } = options
    return extendClaim(this.#installed('extendVisibility'), { queueId, extraMs, lockToken }, this.#emit)
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

  /** The readings below in one. */
  health(): QueueHealth {
    const { coordinatedShards = [] } = this.#runtime?.session.opened?.health() ?? {}
    const { isRunning, coordinatorElected, isCoordinator } = this
    return {
      ...{ isRunning, coordinatorElected, isCoordinator, coordinatedShards },
      lastHeartbeat: this.#runtime?.lastHeartbeat,
    }
  }

  get isRunning(): boolean {
    return this.#runtime?.isRunning ?? false
  }

  /**
   * Of the worker that runs, or of the last one. It begins with the pod's or the machine's name and differs for each start. `none` before the plugin is
   * installed.
   */
  get workerId(): string {
    return this.#runtime?.workerId ?? 'none'
  }

  /** What the queue is called in `db.resources`, beside its alias `queueResource`. */
  get queueResourceName(): string {
    return this.#names.queue
  }

  /** What the dead letter resource is called in `db.resources`; null if there is none. */
  get deadLetterResourceName(): string | null {
    return this.#names.deadLetter ?? null
  }

  /** The queue as a resource; null before the plugin is installed and after `deleteQueue`. */
  get queueResource(): QueueView | null {
    return this.#served?.view ?? null
  }

  /** The resource whose records are handled; null before the plugin is installed. */
  get targetResource(): S3dbResource | null {
    return this.#runtime?.targetResource ?? null
  }

  /** Null before the plugin is installed, after `deleteQueue`, and if there is none. */
  get deadLetterResourceObj(): S3dbResource | null {
    return this.#served?.deadLetters?.resource ?? null
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

  get #names(): HelperNames {
    return helperNames(this.#settings, this.namespace)
  }

  /** The runtime of a queue that was not deleted. */
  get #served(): QueueRuntime | undefined {
    return this.#installation?.isDeleted ? undefined : this.#runtime
  }

  get #runtime(): QueueRuntime | undefined {
    return this.#installation?.runtime
  }

  #installed(operation: string): QueueRuntime {
    if (this.#runtime === undefined) throw notInstalled(operation)
    return this.#runtime
  }

  /** As `#installed`, for what needs a queue that was not deleted. */
  #inService(operation: string): { readonly runtime: QueueRuntime; readonly installation: Installation } {
    const installation = this.#installation
    if (installation === undefined) throw notInstalled(operation)
    if (!installation.isDeleted) return { installation, runtime: installation.runtime }
    const { resource } = this.#settings
    throw new QueueError(`The queue of resource '${resource}' was deleted with deleteQueue().`, {
      ...{ statusCode: 410, operation, metadata: { resource } },
      suggestion: 'Install the plugin again with `await db.usePlugin(queue)`; its queue begins empty.',
    })
  }

  async #housekeeping(operation: string): Promise<Housekeeping> {
    await this.installed()
    return new Housekeeping(this.#installed(operation))
  }

  #handler(given: OnMessage<Task> | null | undefined): OnMessage<never> {
    const onMessage = given ?? this.config.onMessage
    if (typeof onMessage === 'function') {
      if (given != null) return given as OnMessage<never>
      // Read for each message: it may be replaced while the worker runs.
      const run: OnMessage<Task> = (record, context) => (this.config.onMessage ?? onMessage)(record, context)
      return run as OnMessage<never>
    }
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
        await this.installed()
        const { enqueuer } = this.#inService('enqueue').runtime
        const { record, queueId, duplicate } = await enqueuer.enqueue(data, resolved)
        if (!duplicate) this.tell('plg:s3-queue:message-enqueued', { id: record.id, queueId })
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
