/** The shared store, watched from right beside it: whatever takes effect is told at that moment, in the order in which it does. */
import type { ObjectStore } from '@s3queue/storage'

export interface StoreWatch {
  /** An object was written. */
  stored(key: string, body: Uint8Array): void
  deleted(keys: readonly string[]): void
}

export function withWatch(store: ObjectStore, watch: StoreWatch): ObjectStore {
  return {
    description: store.description,
    watch: store.watch?.bind(store),
    get: (key, options) => store.get(key, options),
    list: (options) => store.list(options),
    async put(key, body, options) {
      const answer = await store.put(key, body, { condition: options.condition })
      if (answer.outcome === 'stored') watch.stored(key, body)
      options.signal?.throwIfAborted()
      return answer
    },
    async delete(keys, options = {}) {
      await store.delete(keys)
      watch.deleted(keys)
      options.signal?.throwIfAborted()
    },
  }
}
