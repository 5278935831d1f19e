/** The part of the store that a probe works in: it counts the requests, and knows what is to be cleaned up. */
import { StoreError } from '../port/errors.ts'
import type { GetResult, ListResult, ObjectStore, PutCondition, PutResult } from '../port/object-store.ts'
import { MAX_DELETE_KEYS } from '../requests/assert-request.ts'
import { Inconclusive } from './findings.ts'

export interface Scratch {
  readonly description: string
  /** Requests sent so far. */
  readonly requests: number
  /** A folder that nobody else works in, ending in a slash. */
  folder(name: string): string
  get(key: string, ifNoneMatch?: string): Promise<GetResult>
  put(key: string, text: string, condition: PutCondition): Promise<PutResult>
  remove(keys: readonly string[]): Promise<void>
  list(prefix: string, startAfter?: string): Promise<ListResult>
  /** Deletes all that was written, also when the probe was aborted. Returns how many objects may be left. */
  cleanUp(): Promise<number>
}

export function createScratch(store: ObjectStore, root: string, signal: AbortSignal | undefined): Scratch {
  const written = new Set<string>()
  const folders = new Map<string, number>()
  let requests = 0

  const deleteWritten = async (): Promise<void> => {
    for (const keys of chunks([...written], MAX_DELETE_KEYS)) {
      requests++
      await store.delete(keys)
      for (const key of keys) written.delete(key)
    }
  }
  return {
    description: store.description,
    get requests() {
      return requests
    },
    folder(name) {
      const n = (folders.get(name) ?? 0) + 1
      folders.set(name, n)
      return `${root}${name}-${n}/`
    },
    get(key, ifNoneMatch) {
      requests++
      return answered(store.get(key, { ifNoneMatch, signal }))
    },
    put(key, text, condition) {
      requests++
      written.add(key)
      return store.put(key, new TextEncoder().encode(text), { condition, signal })
    },
    remove(keys) {
      requests++
      return answered(store.delete(keys, { signal }))
    },
    list(prefix, startAfter) {
      requests++
      return answered(store.list({ prefix, startAfter, signal }))
    },
    async cleanUp() {
      // A probe that found out what it wanted to know does not fail because some small objects stay behind.
      await deleteWritten().catch(() => undefined)
      return written.size
    },
  }
}

/** A request that fails for a moment has proved nothing. */
function answered<T>(request: Promise<T>): Promise<T> {
  return request.catch((error: unknown) => {
    throw error instanceof StoreError && error.retriable ? new Inconclusive(error) : error
  })
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = []
  for (let at = 0; at < items.length; at += size) result.push(items.slice(at, at + size))
  return result
}
