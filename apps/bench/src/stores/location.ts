/** Where a store is, as plain data: so that another process can open it. */
import type { ObjectStore } from '@s3queue/storage'
import { createFsStore } from '@s3queue/storage-fs'
import { createS3Store, type S3StoreOptions } from '@s3queue/storage-s3'

export type StoreLocation =
  | { readonly kind: 'fs'; readonly directory: string }
  | { readonly kind: 's3'; readonly options: S3StoreOptions }

export interface LocatedStore {
  readonly store: ObjectStore
  /** Closes connections. */
  close(): void
}

export function openLocation(location: StoreLocation): LocatedStore {
  if (location.kind === 'fs') return { store: createFsStore({ directory: location.directory }), close() {} }
  const store = createS3Store(location.options)
  return { store, close: () => store.destroy() }
}
