/** What the plugin needs of a database, checked once by its shape: the library's own types say less than what is there. */
import { QueueError, type S3dbDatabase } from '@s3queue/s3db'

export interface PluginDatabase extends S3dbDatabase {
  /** Plugins that the database stops when it disconnects. */
  readonly pluginList: unknown[]
  /** Ends the process on signals, after those who are registered. */
  readonly processManager?: {
    readonly isShuttingDown?: boolean
    readonly options?: { readonly shutdownTimeout?: number }
    registerCleanup(stop: () => Promise<void>, name: string): void
    unregisterCleanup(name: string): void
  } | null
  readonly cronManager?: { readonly options?: { exitOnSignal?: boolean } } | null
  isConnected(): boolean
  on(name: string, listener: (event: unknown) => void): unknown
  off(name: string, listener: (event: unknown) => void): unknown
  once(name: string, listener: () => void): unknown
  emit(name: string, event: unknown): unknown
  listenerCount(name: string): number
}

/** The client is not among them: some databases have it only once they are connected. */
const PARTS = [
  'resources',
  'pluginList',
  'on',
  'off',
  'once',
  'emit',
  'listenerCount',
  'createResource',
  'isConnected',
] as const

/** Throws a `QueueError` 400 for what is no database. */
export function asPluginDatabase(database: object): PluginDatabase {
  if (isPluginDatabase(database)) return database
  throw new QueueError('This is no database of s3db.js that a queue can live in.', {
    ...{ statusCode: 400, operation: 'install' },
    suggestion: 'Install the plugin with `await db.usePlugin(queue)`, on s3db.js 21 or later.',
  })
}

function isPluginDatabase(database: object): database is PluginDatabase {
  return PARTS.every((part) => part in database && Reflect.get(database, part) !== undefined)
}
