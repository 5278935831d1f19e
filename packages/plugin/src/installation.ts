/**
 * A plugin's place in its database: the methods on the resource, the queue and its dead letters among `db.resources`, and what the database calls
 * when it disconnects or the process is told to end. All that is put there is taken away again, so nothing of a queue outlives its plugin.
 */
import { openDeadLetterResource, QueueError, type S3dbDatabase, type S3dbResource } from '@s3queue/s3db'
import { type HelperNames, helperNames, showViews } from './names.ts'
import type { ResolvedS3QueueOptions } from './options.ts'
import { asPluginDatabase, type PluginDatabase } from './plugin-database.ts'
import { QueueRuntime, type QueueRuntimeOptions } from './queue-runtime.ts'
import { attachMethods, type DeletedQueue, type QueueMethods } from './resource-methods.ts'
import { takeResource } from './resource-owners.ts'
import { onShutdown } from './shutdown-hook.ts'

export interface InstallationOptions
  extends Pick<QueueRuntimeOptions, 'emit' | 'hears' | 'onError' | 'onComplete' | 'logger'> {
  readonly plugin: object
  readonly slug: string
  /** Of the names of helper resources. */
  readonly namespace: string | null
}

export class Installation {
  readonly runtime: QueueRuntime
  readonly #database: PluginDatabase
  readonly #names: HelperNames
  readonly #unhook: () => void
  #disconnecting = false
  #deleted = false

  private constructor(runtime: QueueRuntime, names: HelperNames, { plugin, slug }: InstallationOptions) {
    const { database, settings } = runtime
    this.runtime = runtime
    this.#database = database
    this.#names = names
    // The library stops what is in this list when it disconnects, and waits for it; plugins of `usePlugin` it forgets.
    if (!database.pluginList.includes(plugin)) database.pluginList.push(plugin)
    this.#unhook = onShutdown(database, `${slug}:${settings.resource}`, (handlersMs, totalMs) =>
      runtime.leave(Math.min(handlersMs, settings.visibilityTimeoutMs), totalMs),
    )
    database.once('disconnected', () => {
      this.#disconnecting = true
    })
  }

  /** The resource has its methods already: `attachQueue`. */
  static async of(
    resource: S3dbResource,
    given: object,
    settings: ResolvedS3QueueOptions,
    options: InstallationOptions,
  ): Promise<Installation> {
    const database = asPluginDatabase(given)
    const names = helperNames(settings, options.namespace)
    const rows = names.deadLetter === undefined ? undefined : await openDeadLetterResource(database, names.deadLetter)
    const { slug, emit, hears, onError, onComplete, logger } = options
    const runtime = new QueueRuntime({
      ...{ database, resource, deadLetterResource: rows, settings, namespace: `plugin=${slug}` },
      queueResourceName: names.queue,
      ...{ emit, hears, onError, onComplete, logger },
    })
    showViews(database.resources, names, runtime.view, rows, settings.deadLetterResource)
    return new Installation(runtime, names, options)
  }

  /** Whether its database is on its way out, and not the plugin alone. */
  get isDisconnecting(): boolean {
    return this.#disconnecting
  }

  /** Whether its queue was deleted. */
  get isDeleted(): boolean {
    return this.#deleted
  }

  /**
   * Takes the queue, and the dead letter resource if that is wanted, out of `db.resources`. s3db.js has no way to delete a resource's definition: the
   * dead letter resource is there again, without rows, when the database is connected the next time.
   */
  delete(includeDeadLetter: boolean): Pick<DeletedQueue, 'queueResourceDeleted' | 'deadLetterResourceDeleted'> {
    const { resources } = this.#database
    const { queue, deadLetter } = this.#names
    const isQueueThere = resources[queue] !== undefined
    this.#deleted = true
    this.#hide()
    const isDeadLetterThere = includeDeadLetter && deadLetter !== undefined && resources[deadLetter] !== undefined
    if (isDeadLetterThere) Reflect.deleteProperty(resources, deadLetter)
    return { queueResourceDeleted: isQueueThere, deadLetterResourceDeleted: isDeadLetterThere }
  }

  #hide(): void {
    const { database, settings } = this.runtime
    showViews(database.resources, this.#names, undefined, undefined, settings.deadLetterResource)
  }

  /** Ends the queue for good and takes everything back. */
  async end(): Promise<void> {
    this.#unhook()
    await this.runtime.end()
    this.#hide()
  }
}

/** From here on the resource has the methods of its queue. What is returned takes them away. Throws a `QueueError` 409 if another plugin has it. */
export function attachQueue<Task>(resource: S3dbResource, plugin: object, methods: QueueMethods<Task>): () => void {
  const release = takeResource(resource, plugin)
  const detach = attachMethods(resource, methods)
  return () => {
    detach()
    release()
  }
}

/** Throws a `QueueError` 404 if there is none. */
export function findResource({ resources }: Pick<S3dbDatabase, 'resources'>, name: string): S3dbResource {
  const found = resources[name]
  if (found !== undefined) return found
  const known = Object.keys(resources)
  throw new QueueError(`Resource '${name}' not found`, {
    ...{ statusCode: 404, operation: 'install', metadata: { resource: name, known } },
    suggestion: `Create it before the plugin is installed: await db.createResource({ name: '${name}', … }). There ${known.length === 0 ? 'are none' : `are: ${known.join(', ')}`}.`,
  })
}
