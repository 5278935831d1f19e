/** Where the queue lives: a directory or a bucket, and in it a part of its own for each run. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { NoSuchBucket, type ObjectStore, withPrefix } from '@s3queue/storage'
import { createFsStore } from '@s3queue/storage-fs'
import { createBucket, createS3Store, parseS3Url } from '@s3queue/storage-s3'

/** Plain data, so that another process can be told. */
export type StorePlace =
  | { readonly kind: 'fs'; readonly directory: string }
  | { readonly kind: 's3'; readonly url: string }

export interface OpenStore {
  readonly store: ObjectStore
  /** Closes connections. */
  close(): void
}

/** The store at `place`, below `prefix`. Throws `InvalidOption` for a URL that cannot be. */
export function openStore(place: StorePlace, prefix: string): OpenStore {
  if (place.kind === 'fs') {
    return { store: withPrefix(createFsStore({ directory: place.directory }), prefix), close() {} }
  }
  const store = createS3Store(parseS3Url(place.url))
  return { store: withPrefix(store, prefix), close: () => store.destroy() }
}

/** Finds out that the store answers. A bucket that is missing on a server of one's own is made; on AWS that is not for a demo to do. */
export async function reachStore(place: StorePlace, store: ObjectStore, signal: AbortSignal): Promise<void> {
  try {
    await store.list({ prefix: '', limit: 1, signal })
  } catch (error) {
    if (!(error instanceof NoSuchBucket) || place.kind === 'fs') throw error
    const options = parseS3Url(place.url)
    if (options.endpoint === undefined) throw error
    await createBucket(options, { signal })
  }
}

/** Removes all that a run has written below `prefix` of the store at `place`; `store` is that part of it. */
export async function removeRun(place: StorePlace, prefix: string, store: ObjectStore): Promise<void> {
  for (let truncated = true; truncated; ) {
    const page = await store.list({ prefix: '' })
    await store.delete(page.entries.map(({ key }) => key))
    truncated = page.truncated
  }
  if (place.kind === 'fs') await rm(join(place.directory, prefix), { recursive: true, force: true })
}
