/**
 * How s3db.js takes a plugin in: by `usePlugin` or `install` of a database that is connected, or by `new Database({ plugins })`, long before that. The last
 * kind waits here for the connection, and whoever uses it meanwhile waits for the installation.
 */
import { inMicrotask } from '@s3queue/storage'
import type { Database } from 's3db.js'
import { EventPlugin } from './event-plugin.ts'
import { notInstalled } from './not-installed.ts'
import { asPluginDatabase } from './plugin-database.ts'

export abstract class InstallablePlugin extends EventPlugin {
  /** These two are given when the plugin is installed; `usePlugin` takes no plugin that may be without. */
  declare instanceName: string
  declare cronManager: NonNullable<EventPlugin['cronManager']>
  /** Of a plugin that was there before its database was connected. */
  #installing: Promise<void> | undefined

  /** The database knows its resources, and the plugin is about to be installed. */
  protected abstract onConnected(): void

  /** Resolves when nothing stands between the plugin and its use. Rejects with what went wrong when it was installed. */
  protected async installed(): Promise<void> {
    await this.#installing
  }

  /** s3db.js names the plugin, and installs it in the same breath if it is connected. */
  override setInstanceName(name: string | null | undefined): void {
    // What s3db.js makes of the class's name is no namespace: a plugin that is installed in another way is the same queue, and so is one of a
    // subclass, or of a bundle that calls the class something else.
    if (name === nameByClass(this)) this.instanceName = name
    else super.setInstanceName(name)
    inMicrotask(() => {
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
    this.database = database as Database
    connected.once('db:connected', () => {
      const installing = this.#installOn(database as Database)
      installing.catch((error: unknown) => this.logger.error(String(error)))
      this.#installing = installing
    })
  }

  /** Its own failure is told at its use; it must not keep other plugins, which wait for the same event, from being installed. */
  async #installOn(database: Database): Promise<void> {
    this.onConnected()
    await super.install(database)
    await this.onStart()
  }
}

/** What `usePlugin` calls a plugin that is given no name. */
function nameByClass(plugin: object): string {
  return plugin.constructor.name.replace('Plugin', '').toLowerCase()
}
