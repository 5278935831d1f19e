/**
 * How s3db.js takes a plugin in: by `usePlugin` or `install` of a connected database, or before that, by `new Database({ plugins })` or an early
 * `usePlugin`. In the second case the plugin waits for the connection, and each use of it waits for the installation.
 *
 * No caller hears of an installation that fails after the connection. So the plugin tries again when its resource is created and when it is next used.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> installed: usePlugin or install, the database is connected
 *   [*] --> waiting: the database is not connected
 *   waiting --> installed: db.connect()
 *   waiting --> failed: db.connect(), the resource does not exist
 *   failed --> installed: createResource, usePlugin or the next use
 * ```
 */
import type { Database } from 's3db.js'
import { installWithDatabase } from './early-plugins.ts'
import { EventPlugin } from './event-plugin.ts'
import { asPluginDatabase, type PluginDatabase } from './plugin-database.ts'

export abstract class InstallablePlugin extends EventPlugin {
  /** These two are given when the plugin is installed; `usePlugin` takes no plugin that may be without. */
  declare instanceName: string
  declare cronManager: NonNullable<EventPlugin['cronManager']>
  /** The last installation that no caller waits for. */
  #installing: Promise<void> | undefined
  /** Stops waiting for the resource of an installation that failed. */
  #unwatch: () => void = () => {}

  /** The resource that the plugin needs. */
  protected abstract readonly resourceName: string

  /** The database knows its resources, and the plugin is about to be installed. */
  protected abstract onConnected(): void

  /** Resolves when the plugin is installed. Repeats an installation that failed, and rejects with the reason if it fails again. */
  protected async installed(): Promise<void> {
    const installing = this.#installing
    if (installing === undefined) return
    try {
      await installing
    } catch (error) {
      if (!asPluginDatabase(this.database).isConnected()) throw error
      // Another call may have begun to repeat it already.
      if (this.#installing === installing) void this.#begin(this.database).catch(() => {})
      await this.#installing
    }
  }

  /** s3db.js names the plugin, and installs it immediately afterwards if it is connected. */
  override setInstanceName(name: string | null | undefined): void {
    // The name that s3db.js derives from the class is no namespace: a plugin that is installed in another way is the same queue, and so is one of a
    // subclass, or of a bundle that renames the class.
    if (name === nameByClass(this)) this.instanceName = name
    else super.setInstanceName(name)
    installWithDatabase(this)
  }

  /** Nothing to list, and nothing to warn of. */
  override async detectAndWarnNamespaces(): Promise<string[]> {
    return []
  }

  /** `database`: a `Database` of s3db.js; `usePlugin` knows it by a narrower type than the plugin's base does. */
  override async install(database: object): Promise<void> {
    const connected = asPluginDatabase(database)
    if (connected.isConnected()) {
      await this.#installing?.catch(() => {})
      await super.install(database as Database)
      this.#forgetFailure()
      return
    }
    this.database = database as Database
    connected.once('db:connected', () => {
      this.#begin(database as Database).catch((error: unknown) => this.logger.error(String(error)))
      this.#watch(connected)
    })
  }

  override async uninstall(options?: { purgeData?: boolean }): Promise<void> {
    this.#forgetFailure()
    await super.uninstall(options)
  }

  /** The returned promise rejects as the installation does. A failure must not keep other plugins, which wait for the same event, from being installed. */
  #begin(database: Database): Promise<void> {
    this.#installing = this.#installOn(database)
    this.#installing.then(
      () => this.#unwatch(),
      () => {},
    )
    return this.#installing
  }

  async #installOn(database: Database): Promise<void> {
    this.onConnected()
    await super.install(database)
    await this.onStart()
  }

  /** Installs the plugin when its resource is created, until it is installed. */
  #watch(database: PluginDatabase): void {
    const onCreated = (name: unknown): void => {
      if (name !== this.resourceName) return
      this.#begin(this.database).catch((error: unknown) => this.logger.error(String(error)))
    }
    database.on('db:resource-created', onCreated)
    this.#unwatch = () => database.off('db:resource-created', onCreated)
  }

  #forgetFailure(): void {
    this.#unwatch()
    this.#installing = undefined
  }
}

/** What `usePlugin` calls a plugin that is given no name. */
function nameByClass(plugin: object): string {
  return plugin.constructor.name.replace('Plugin', '').toLowerCase()
}
