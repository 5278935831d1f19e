/**
 * Installs plugins that `usePlugin` got before `connect()`. s3db.js lists such a plugin in `db.plugins` and then forgets it, without giving it the
 * database. So `connect()` is wrapped, once in a process: it hands the database to each plugin of ours that does not have it, and the plugin installs itself
 * when the database says that it is connected.
 */
import { Database } from 's3db.js'

/** A plugin that can wait for the connection of its database. */
interface EarlyPlugin {
  readonly database: unknown
  install(database: object): Promise<void>
}

const ours = new WeakSet<object>()
let isWrapped = false

/** The plugin is installed by any later `connect()` of the database that lists it. */
export function installWithDatabase(plugin: EarlyPlugin): void {
  ours.add(plugin)
  if (isWrapped) return
  isWrapped = true
  const { connect } = Database.prototype
  Database.prototype.connect = async function (this: Database): Promise<void> {
    for (const plugin of Object.values(this.plugins)) if (isEarly(plugin, this)) await plugin.install(this)
    return connect.call(this)
  }
}

/** It may have been the plugin of another database that is disconnected now. */
function isEarly(plugin: object, database: object): plugin is EarlyPlugin {
  return ours.has(plugin) && Reflect.get(plugin, 'database') !== database
}
