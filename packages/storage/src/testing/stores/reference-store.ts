/**
 * The port in as few lines as it takes: the model that wrapper tests run on. It lists by sorting all keys, so it is
 * for tests of some hundred objects; `@s3queue/storage-memory` is the one to use for more. ETags are version numbers: no two writes ever share one.
 */
import { ObjectTooLarge } from '../../port/errors.ts'
import { assertKey } from '../../port/key.ts'
import type { ETag, GetResult, ObjectStore, PutCondition, PutResult } from '../../port/object-store.ts'
import { createWatchers } from '../../port/watchers.ts'
import { assertDeleteKeys, resolveListOptions } from '../../requests/assert-request.ts'

export interface ReferenceStore extends ObjectStore {
  /** The objects as they lie there. Tests may look and change. */
  readonly objects: Map<string, { readonly body: Uint8Array; readonly etag: ETag }>
}

export function createReferenceStore(description = 'reference://'): ReferenceStore {
  const objects: ReferenceStore['objects'] = new Map()
  const watchers = createWatchers()
  let version = 0
  return {
    description,
    objects,
    async get(key, { ifNoneMatch, maxBytes, signal } = {}): Promise<GetResult> {
      signal?.throwIfAborted()
      assertKey(key)
      const object = objects.get(key)
      await answering(signal)
      if (object === undefined) return { outcome: 'not-found' }
      if (object.etag === ifNoneMatch) return { outcome: 'not-modified' }
      const { length } = object.body
      if (maxBytes !== undefined && length > maxBytes) throw new ObjectTooLarge(key, length, maxBytes, description)
      return { outcome: 'found', body: Uint8Array.from(object.body), etag: object.etag }
    },
    async put(key, body, { condition, signal }): Promise<PutResult> {
      signal?.throwIfAborted()
      assertKey(key)
      const holds = conditionHolds(condition, objects.get(key)?.etag)
      const etag = `"v${++version}"`
      if (holds) {
        objects.set(key, { body: Uint8Array.from(body), etag })
        watchers.changed(key)
      }
      await answering(signal)
      return holds ? { outcome: 'stored', etag } : { outcome: 'precondition-failed' }
    },
    async delete(keys, { signal } = {}) {
      signal?.throwIfAborted()
      assertDeleteKeys(keys)
      for (const key of keys) if (objects.delete(key)) watchers.changed(key)
      await answering(signal)
    },
    async list(options) {
      const { prefix, startAfter, limit, signal } = resolveListOptions(options)
      signal?.throwIfAborted()
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > (startAfter ?? '')).sort()
      const entries = keys.slice(0, limit).map((key) => ({ key, size: objects.get(key)?.body.byteLength ?? 0 }))
      await answering(signal)
      return { entries, truncated: keys.length > limit }
    },
    watch: watchers.watch,
  }
}

/** Whether a write with `condition` may take place over an object with this ETag (undefined: over none). */
export function conditionHolds(condition: PutCondition, current: ETag | undefined): boolean {
  if (condition.kind === 'create') return current === undefined
  return condition.kind === 'overwrite' || current === condition.etag
}

async function answering(signal: AbortSignal | undefined): Promise<void> {
  await Promise.resolve()
  signal?.throwIfAborted()
}
