/**
 * An object store in memory, with the semantics of S3 and none of its delays: the ground that simulations and tests stand on.
 *
 * Every operation takes effect as a whole at the moment it is called, so the order of calls is the order of effects; the answer
 * comes one turn of the microtask queue later, so that callers cannot come to rely on an answer at once. ETags are the MD5 of the
 * body, as S3 has it: equal bodies have equal ETags, and a caller that forgets a nonce in a mutable object is found out.
 */
import {
  assertDeleteKeys,
  assertKey,
  assertKnownKeys,
  type Clock,
  createWatchers,
  type ETag,
  type GetResult,
  type ListEntry,
  type ListResult,
  type ObjectStore,
  ObjectTooLarge,
  type PutCondition,
  type PutResult,
  resolveListOptions,
} from '@s3queue/storage'
import { createObjectTable, type ObjectTable, type StoredObject } from './object-table.ts'

/** What a store in memory can be told. */
export interface MemoryStoreOptions {
  /** With a clock, answers carry its wall time as `storeTimeMs`, in whole seconds like the `Date` header of S3. */
  readonly clock?: Clock | undefined
  /** The name in error messages. Default `memory://`. */
  readonly description?: string | undefined
}

interface ResolvedMemoryStoreOptions {
  readonly clock: Clock | undefined
  readonly description: string
}

/** An object store in memory, and what only a test may know of it. */
export interface MemoryStore extends ObjectStore {
  /** How many objects there are. */
  readonly size: number
  /** All objects as they are now, by key in ascending order. Bodies are copies. */
  snapshot(): ReadonlyMap<string, StoredObject>
  /** A second store with the same objects; from here on the two know nothing of each other, and a watch of one is not notified by the other. Costs no copy of the bodies. */
  clone(): MemoryStore
}

/** Creates an empty store. Throws `InvalidOption` for an option it does not know. */
export function createMemoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  assertKnownKeys('createMemoryStore', options, ['clock', 'description'])
  return storeOver(createObjectTable(new Map(), []), {
    clock: options.clock,
    description: options.description ?? 'memory://',
  })
}

function storeOver(table: ObjectTable, options: ResolvedMemoryStoreOptions): MemoryStore {
  const { clock, description } = options
  const watchers = createWatchers()

  const answer = async <T extends object>(result: T, signal: AbortSignal | undefined): Promise<T> => {
    const stamped = clock ? { ...result, storeTimeMs: Math.floor(clock.now() / 1_000) * 1_000 } : result
    await Promise.resolve()
    signal?.throwIfAborted()
    return stamped
  }
  return {
    description,
    async get(key, { ifNoneMatch, maxBytes, signal } = {}) {
      signal?.throwIfAborted()
      assertKey(key)
      const object = table.get(key)
      const size = object === undefined || object.etag === ifNoneMatch ? 0 : object.body.length
      if (maxBytes !== undefined && size > maxBytes) throw new ObjectTooLarge(key, size, maxBytes, description)
      return answer(read(object, ifNoneMatch), signal)
    },
    async put(key, body, { condition, signal }) {
      signal?.throwIfAborted()
      assertKey(key)
      const result = write(table, key, body, condition)
      if (result.outcome === 'stored') watchers.changed(key)
      return answer(result, signal)
    },
    async delete(keys, { signal } = {}) {
      signal?.throwIfAborted()
      assertDeleteKeys(keys)
      for (const key of keys) if (table.remove(key)) watchers.changed(key)
      await answer({}, signal)
    },
    async list(listOptions) {
      const { prefix, startAfter, limit, signal } = resolveListOptions(listOptions)
      signal?.throwIfAborted()
      const keys = table.keys(prefix, startAfter, limit + 1)
      const entries = keys
        .slice(0, limit)
        .map((key): ListEntry => ({ key, size: table.get(key)?.body.byteLength ?? 0 }))
      return answer<ListResult>({ entries, truncated: keys.length > limit }, signal)
    },
    watch: watchers.watch,
    get size() {
      return table.size
    },
    snapshot: () => snapshotOf(table),
    clone: () => storeOver(table.copy(), options),
  }
}

function read(object: StoredObject | undefined, ifNoneMatch: ETag | undefined): GetResult {
  if (object === undefined) return { outcome: 'not-found' }
  if (object.etag === ifNoneMatch) return { outcome: 'not-modified' }
  return { outcome: 'found', body: Uint8Array.from(object.body), etag: object.etag }
}

function write(table: ObjectTable, key: string, body: Uint8Array, condition: PutCondition): PutResult {
  const current = table.get(key)
  if (!conditionHolds(condition, current)) return { outcome: 'precondition-failed' }
  return { outcome: 'stored', etag: table.write(key, body).etag }
}

function conditionHolds(condition: PutCondition, current: StoredObject | undefined): boolean {
  if (condition.kind === 'create') return current === undefined
  return condition.kind === 'overwrite' || current?.etag === condition.etag
}

function snapshotOf(table: ObjectTable): ReadonlyMap<string, StoredObject> {
  const copies = new Map<string, StoredObject>()
  for (const key of table.keys('', undefined, table.size)) {
    const object = table.get(key)
    if (object) copies.set(key, { body: Uint8Array.from(object.body), etag: object.etag })
  }
  return copies
}
