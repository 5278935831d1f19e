/** The store of a queue: beside the objects of its database, with a client of its own. */
import path from 'node:path'
import { locateStore, QueueError, type S3dbClient } from '@s3queue/s3db'
import { type ObjectStore, withPrefix } from '@s3queue/storage'
import { createFsStore } from '@s3queue/storage-fs'
import { createMemoryStore, type MemoryStore } from '@s3queue/storage-memory'
import { createS3Store } from '@s3queue/storage-s3'

export interface OpenedStore {
  readonly store: ObjectStore
  /** Closes its connections. */
  destroy(): void
}

/** Below the directory of a `file://` database. */
const DIRECTORY = '.s3queue'

/** All databases of one `memory://` bucket share what the library keeps for them; so do their queues. */
const memories = new WeakMap<object, MemoryStore>()

/** Throws a `QueueError` 400 for a database that lives where no queue can. Makes no request. */
export function openStore(client: S3dbClient): OpenedStore {
  const location = locateStore(client)
  switch (location.kind) {
    case 'memory':
      return kept(below(memoryOf(location.storage), location.prefix))
    case 'file':
      return kept(createFsStore({ directory: path.join(location.directory, DIRECTORY) }))
    case 's3': {
      const { kind: _, prefix, ...options } = location
      const store = createS3Store({ ...options, ...(prefix === '' ? {} : { prefix }) })
      return { store, destroy: () => store.destroy() }
    }
    case 'unknown':
      throw new QueueError(`A queue cannot live in a database at ${location.description}.`, {
        ...{ statusCode: 400, operation: 'install', metadata: { endpoint: location.description } },
        suggestion:
          'Use a database at s3://, http(s)://, file:// or memory://, or hand a store of your own to the option "store".',
      })
  }
}

/** A store that stays open. */
export function kept(store: ObjectStore): OpenedStore {
  return { store, destroy: () => {} }
}

function below(store: ObjectStore, prefix: string): ObjectStore {
  return withPrefix(store, prefix === '' ? '' : `${prefix}/`)
}

function memoryOf(storage: object): MemoryStore {
  const known = memories.get(storage)
  if (known !== undefined) return known
  const made = createMemoryStore()
  memories.set(storage, made)
  return made
}
