/** Where the processes of a test have their queue: in a bucket or in a directory. Goes to child processes as JSON. */
import type { ObjectStore } from '@s3queue/storage'
import { createFsStore } from '@s3queue/storage-fs'
import { createS3Store, type S3StoreOptions } from '@s3queue/storage-s3'

export type Place =
  | { readonly kind: 'bucket'; readonly options: S3StoreOptions }
  | { readonly kind: 'directory'; readonly directory: string }

/** `close` ends what the store keeps open. */
export function openPlace(place: Place): { readonly store: ObjectStore; readonly close: () => void } {
  if (place.kind === 'directory') return { store: createFsStore({ directory: place.directory }), close: () => {} }
  const store = createS3Store(place.options)
  return { store, close: () => store.destroy() }
}
