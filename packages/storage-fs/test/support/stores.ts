import { type ETag, type ObjectStore, overwrite, type PutResult } from '@s3queue/storage'
import { expect } from 'vitest'
import { createStoreOn } from '../../src/fs-store.ts'
import type { FsStoreOptions } from '../../src/index.ts'
import { resolveFsStoreOptions } from '../../src/options.ts'
import { type BeforeCall, watchedFileSystem } from './watched.ts'

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A store on the real disk whose calls are watched. */
export function watchedStore(options: FsStoreOptions, before: BeforeCall): ObjectStore {
  return createStoreOn(watchedFileSystem(before), resolveFsStoreOptions(options))
}

export function etagOf(result: PutResult): ETag {
  return result.outcome === 'stored' ? result.etag : expect.unreachable(`stored, not ${result.outcome}`)
}

/** Writes over `key`, which must work. */
export async function set(store: ObjectStore, key: string, body: string): Promise<ETag> {
  return etagOf(await store.put(key, bytes(body), { condition: overwrite }))
}

/** The body of `key`, or the outcome if it was not found. */
export async function textOf(store: ObjectStore, key: string): Promise<string> {
  const result = await store.get(key)
  return result.outcome === 'found' ? new TextDecoder().decode(result.body) : result.outcome
}

/** All keys below `prefix`, with their sizes. */
export async function listing(store: ObjectStore, prefix = ''): Promise<string[]> {
  const { entries } = await store.list({ prefix })
  return entries.map(({ key, size }) => `${key}:${size}`)
}
