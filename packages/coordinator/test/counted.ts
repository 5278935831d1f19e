import { type ObjectStore, REQUEST_KINDS, type RequestKind } from '@s3queue/storage'

export interface Counted {
  readonly store: ObjectStore
  /** How many requests of a kind went to a folder of the queue, such as `put inbox`, or to its number of shards, `get shards`. */
  count(what: string): number
  /** How many there were of these kinds; of all, if none is named. */
  total(...kinds: RequestKind[]): number
}

/** The store, and what goes to it. */
export function counted(store: ObjectStore): Counted {
  const counts = new Map<string, number>()
  const noted = <T>(kind: RequestKind, key: string, request: () => T): T => {
    const what = `${kind} ${key.split('/')[3] ?? key.split('/')[2] ?? ''}`
    counts.set(what, (counts.get(what) ?? 0) + 1)
    return request()
  }
  return {
    count: (what) => counts.get(what) ?? 0,
    total(...kinds) {
      const wanted = kinds.length > 0 ? kinds : REQUEST_KINDS
      const some = [...counts].filter(([what]) => wanted.some((kind) => what.startsWith(`${kind} `)))
      return some.reduce((sum, [, count]) => sum + count, 0)
    },
    store: {
      description: store.description,
      get: (key, options) => noted('get', key, () => store.get(key, options)),
      put: (key, body, options) => noted('put', key, () => store.put(key, body, options)),
      delete: (keys, options) => noted('delete', keys[0] ?? '', () => store.delete(keys, options)),
      list: (options) => noted('list', options.prefix, () => store.list(options)),
    },
  }
}
