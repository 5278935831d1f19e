import { assertPrefix } from '../port/key.ts'
import type { ObjectStore } from '../port/object-store.ts'

/**
 * A part of `store`: all keys are relative to `prefix`, which ends in a slash (or is empty: then this is `store` itself). Errors and the
 * description name the full keys, as an operator finds them in the store. Throws `InvalidRequest` for a prefix that could begin no key.
 *
 * A key's limit of 1,024 bytes is that of the full key.
 */
export function withPrefix(store: ObjectStore, prefix: string): ObjectStore {
  assertPrefix(prefix)
  if (prefix === '') return store
  const { description } = store
  const watch = store.watch?.bind(store)
  return {
    description: `${description}${description.endsWith('/') ? '' : '/'}${prefix}`,
    needsProbe: store.needsProbe,
    get: (key, options) => store.get(prefix + key, options),
    put: (key, body, options) => store.put(prefix + key, body, options),
    delete: (keys, options) =>
      store.delete(
        keys.map((key) => prefix + key),
        options,
      ),
    async list(options) {
      const startAfter = options.startAfter === undefined ? undefined : prefix + options.startAfter
      const result = await store.list({ ...options, prefix: prefix + options.prefix, startAfter })
      const entries = result.entries.map((entry) => ({ ...entry, key: entry.key.slice(prefix.length) }))
      return { ...result, entries }
    },
    watch: watch && ((options) => watch({ ...options, prefix: prefix + options.prefix })),
  }
}
