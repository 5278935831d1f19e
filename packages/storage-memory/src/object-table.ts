/** The objects themselves: a map, its keys in order, and the rule that no key is a path prefix of another. All synchronous. */
import { hash } from 'node:crypto'
import { type ETag, InvalidRequest } from '@s3queue/storage'
import { createKeyIndex, lowerBound } from './key-index.ts'
import { createPathGuard } from './path-guard.ts'

/** One object as it lies in the store. */
export interface StoredObject {
  readonly body: Uint8Array
  readonly etag: ETag
}

export interface ObjectTable {
  readonly size: number
  get(key: string): StoredObject | undefined
  /** Copies `body` in. Throws `InvalidRequest` if `key` and a key that is there are path prefixes of one another. */
  write(key: string, body: Uint8Array): StoredObject
  /** Whether there was an object with this key. */
  remove(key: string): boolean
  /** At most `count` keys, ascending, that begin with `prefix` and lie behind `startAfter`. */
  keys(prefix: string, startAfter: string | undefined, count: number): string[]
  /** A second table with the same objects. Bodies are shared: they are never changed in place. */
  copy(): ObjectTable
}

export function createObjectTable(
  initial: ReadonlyMap<string, StoredObject>,
  sortedKeys: readonly string[],
): ObjectTable {
  const objects = new Map(initial)
  const index = createKeyIndex(sortedKeys)
  const guard = createPathGuard(sortedKeys)

  const assertNoPathConflict = (key: string): void => {
    const conflict = guard.conflict(key, (path) => objects.has(path))
    if (conflict === undefined) return
    const other = conflict.kind === 'above' ? `the key "${conflict.path}" is there` : `there are keys below "${key}/"`
    throw new InvalidRequest(`Cannot write "${key}": ${other}, and no key may be a path prefix of another.`, { key })
  }
  return {
    get size() {
      return objects.size
    },
    get: (key) => objects.get(key),
    write(key, body) {
      if (!objects.has(key)) {
        assertNoPathConflict(key)
        index.add(key)
        guard.add(key)
      }
      const object = { body: Uint8Array.from(body), etag: `"${hash('md5', body, 'hex')}"` }
      objects.set(key, object)
      return object
    },
    remove(key) {
      if (!objects.delete(key)) return false
      index.remove(key)
      guard.remove(key)
      return true
    },
    keys: (prefix, startAfter, count) => keysInRange(index.sorted(), prefix, startAfter, count),
    copy: () => createObjectTable(objects, index.sorted()),
  }
}

function keysInRange(keys: readonly string[], prefix: string, startAfter: string | undefined, count: number): string[] {
  const range: string[] = []
  const after = startAfter !== undefined && startAfter >= prefix ? startAfter : undefined
  let at = lowerBound(keys, after ?? prefix)
  if (after !== undefined && keys[at] === after) at++
  for (let key = keys[at]; key?.startsWith(prefix) && range.length < count; key = keys[++at]) range.push(key)
  return range
}
