/** Where the stores come from: fresh ones in memory and in directories, and an S3 server that starts when the first row needs it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createTestBucket, type S3Server, startMinio } from '@s3queue/e2e/harness'
import { type ObjectStore, systemClock, withLatency } from '@s3queue/storage'
import { createMemoryStore } from '@s3queue/storage-memory'
import type { S3StoreOptions } from '@s3queue/storage-s3'
import type { StoreName } from '../row.ts'
import { openLocation, type StoreLocation } from './location.ts'
import { withoutNotifications } from './without-notifications.ts'

export interface OpenStore {
  readonly store: ObjectStore
  /** Where other processes find it; undefined if it is in the memory of this one. */
  readonly location: StoreLocation | undefined
  close(): Promise<void>
}

export interface StoreSupply {
  open(name: StoreName): Promise<OpenStore>
  /** Ends the server, if one was started. */
  close(): Promise<void>
}

export interface StoreSupplyOptions {
  /** Where directories for `fs` are made. */
  readonly directory: string
  readonly log: (line: string) => void
}

/** Time that each request takes in the model of a store that is far away. */
const FAR_MS = 60

export function createStoreSupply({ directory, log }: StoreSupplyOptions): StoreSupply {
  let started: Promise<{ readonly server: S3Server; readonly bucket: S3StoreOptions }> | undefined

  const startServer = async (): Promise<{ readonly server: S3Server; readonly bucket: S3StoreOptions }> => {
    const server = await startMinio({ log })
    return { server, bucket: await createTestBucket(server, 'bench') }
  }
  const openers: Readonly<Record<StoreName, () => Promise<OpenStore>>> = {
    memory: async () => ({ store: createMemoryStore(), location: undefined, close: async () => {} }),
    far: async () => ({
      store: farAway(withoutNotifications(createMemoryStore())),
      location: undefined,
      close: async () => {},
    }),
    async fs() {
      const path = await mkdtemp(join(directory, 's3queue-bench-'))
      const location = { kind: 'fs', directory: path } as const
      return {
        store: openLocation(location).store,
        location,
        // Queues that were cut off as if they had crashed may still have a write under way.
        close: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
      }
    },
    async minio() {
      started ??= startServer()
      const { bucket } = await started
      const location = { kind: 's3', options: bucket } as const
      const { store, close } = openLocation(location)
      return { store, location, close: async () => close() }
    },
  }
  return {
    open: (name) => openers[name](),
    async close() {
      const running = await started?.catch(() => undefined)
      await running?.server.stop()
    },
  }
}

function farAway(store: ObjectStore): ObjectStore {
  return withLatency(store, { clock: systemClock, getMs: FAR_MS, putMs: FAR_MS, listMs: FAR_MS, deleteMs: FAR_MS })
}
