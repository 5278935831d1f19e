/** A suite that passes proves something only if it fails for stores that are wrong: here each defect has the test that finds it. */
import { describe, expect, test } from 'vitest'
import { createWatchers, type ObjectStore, overwrite, UnsupportedStore, type WatchOptions } from '../../src/index.ts'
import { resolveCapabilities, type StoreCapabilities } from '../../src/testing/conformance/capabilities.ts'
import { describeTopics } from '../../src/testing/conformance/describe-object-store.ts'
import type { StoreFactory } from '../../src/testing/conformance/fixture.ts'
import { runInScope, type StoreScope } from '../../src/testing/conformance/suite.ts'
import {
  createIgnoringStore,
  createRacyStore,
  createReferenceStore,
  describeObjectStore,
  type ReferenceStore,
} from '../../src/testing/index.ts'

/** All tests of the suite by `topic > name`, to be run one by one. */
function collectTests(factory: StoreFactory, capabilities: StoreCapabilities = {}): Map<string, () => Promise<void>> {
  const tests = new Map<string, () => Promise<void>>()
  let topic = ''
  describeTopics({
    capabilities: resolveCapabilities(capabilities),
    topic(name, define) {
      topic = name
      define()
    },
    test(name: string, run: (scope: StoreScope) => Promise<void>, own = factory) {
      tests.set(`${topic} > ${name}`, () => runInScope(own, run))
    },
  })
  return tests
}

async function expectFound(factory: StoreFactory, part: string, capabilities?: StoreCapabilities): Promise<void> {
  const found = [...collectTests(factory, capabilities)].filter(([name]) => name.includes(part))
  expect(found.length, `tests named ${part}`).toBe(1)
  for (const [, run] of found) await expect(run()).rejects.toThrow()
}

/** A reference store with some methods replaced. */
function broken(replace: (store: ReturnType<typeof createReferenceStore>) => Partial<ObjectStore>): StoreFactory {
  return () => {
    const store = createReferenceStore()
    return { ...store, ...replace(store) }
  }
}

const defects: readonly (readonly [string, StoreFactory, string])[] = [
  ['create is ignored', () => createIgnoringStore({ ignores: ['create'] }), 'put create > keeps what is there'],
  ['if-match is ignored', () => createIgnoringStore({ ignores: ['if-match'] }), 'put if-match > keeps what is there'],
  [
    'if-match creates',
    () => createIgnoringStore({ ignores: ['if-match'] }),
    'put if-match > fails for a key that never was',
  ],
  ['racy create', () => createRacyStore(), 'races > 8 writers create'],
  ['racy lock', () => createRacyStore(), 'races > an object created and deleted'],
  ['racy if-match', () => createRacyStore(), 'races > 8 writers replace'],
  ['racy counter', () => createRacyStore(), 'races > a counter'],
  [
    'ETag of the length',
    broken((store) => ({
      async put(key, body, options) {
        const result = await store.put(key, body, options)
        return result.outcome === 'stored' ? { outcome: 'stored', etag: `"${body.byteLength}"` } : result
      },
    })),
    'put overwrite > changes the ETag',
  ],
  [
    'startAfter is included',
    broken((store) => ({
      list: ({ startAfter, ...rest }) => store.list({ ...rest, startAfter: startAfter?.slice(0, -1) }),
    })),
    'list > begins behind startAfter',
  ],
  [
    'truncated is never told',
    broken((store) => ({ list: async (options) => ({ ...(await store.list(options)), truncated: false }) })),
    'list > gives at most limit entries',
  ],
  [
    'only the first page',
    broken((store) => ({ list: async (options) => ({ ...(await store.list(options)), truncated: false }) })),
    'list > gives 2,500 keys',
  ],
  [
    'descending order',
    broken((store) => ({
      async list(options) {
        const result = await store.list(options)
        return { ...result, entries: result.entries.toReversed() }
      },
    })),
    'list > is in byte order',
  ],
  [
    'prefix without its slash',
    broken((store) => ({
      async list(options) {
        const all = await store.list({ ...options, prefix: '' })
        return { ...all, entries: all.entries.filter(({ key }) => key.startsWith(options.prefix.slice(0, -1))) }
      },
    })),
    'list > keeps to its prefix',
  ],
  [
    'keys of any case',
    broken((store) => ({
      get: (key, options) => store.get(key.toLowerCase(), options),
      put: (key, body, options) => store.put(key.toLowerCase(), body, options),
    })),
    'keys > keeps odd but allowed keys apart',
  ],
  [
    'unusable keys are cleaned up',
    broken((store) => ({ get: (key, options) => store.get(key.replaceAll(/[^A-Za-z0-9/]/g, '-'), options) })),
    'keys > refuses all other keys',
  ],
  [
    'the whole buffer behind a view',
    broken((store) => ({ put: (key, body, options) => store.put(key, new Uint8Array(body.buffer), options) })),
    'bodies > writes just the part of a buffer',
  ],
  [
    'bodies as text',
    broken((store) => ({
      put: (key, body, options) => store.put(key, Buffer.from(Buffer.from(body).toString('utf8')), options),
    })),
    'bodies > keeps every byte value',
  ],
  [
    'answers share a buffer',
    broken((store) => ({
      async get(key, options) {
        const result = await store.get(key, options)
        return result.outcome === 'found' ? { ...result, body: store.objects.get(key)?.body ?? result.body } : result
      },
    })),
    'get > gives each answer a buffer of its own',
  ],
  [
    'the caller’s buffer is kept',
    broken((store) => ({
      async put(key, body, options) {
        const result = await store.put(key, body, options)
        if (result.outcome === 'stored') store.objects.set(key, { body, etag: result.etag })
        return result
      },
    })),
    'bodies > does not notice',
  ],
  [
    'torn writes',
    broken((store) => ({
      async put(key, body, options) {
        await store.put(key, body.subarray(0, body.byteLength / 2), { condition: overwrite })
        await new Promise((resolve) => setImmediate(resolve))
        return store.put(key, body, { ...options, condition: overwrite })
      },
    })),
    'races > readers see whole bodies',
  ],
  [
    'deletes take effect later',
    broken((store) => ({
      async delete(keys) {
        setImmediate(() => void store.delete(keys))
      },
    })),
    'races > everything answered is seen',
  ],
  [
    'delete takes what lies below',
    broken((store) => ({
      async delete(keys) {
        for (const key of store.objects.keys()) {
          if (keys.some((named) => key === named || key.startsWith(`${named}/`))) store.objects.delete(key)
        }
      },
    })),
    'delete > leaves alone what lies below',
  ],
  [
    'a key too many is deleted',
    broken((store) => ({
      async delete(keys) {
        for (const key of keys) await store.delete([key])
      },
    })),
    'delete > refuses more than 1,000 keys',
  ],
  [
    'a signal is not looked at',
    broken((store) => ({ put: (key, body, { condition }) => store.put(key, body, { condition }) })),
    'errors and signals > does nothing when the signal is aborted before',
  ],
  [
    'an abort under way is not looked at',
    broken((store) => ({
      async get(key, options) {
        options?.signal?.throwIfAborted()
        return store.get(key)
      },
    })),
    'errors and signals > rejects with the reason',
  ],
  [
    'listeners are left on signals',
    broken((store) => ({
      get(key, options) {
        options?.signal?.addEventListener('abort', () => undefined)
        return store.get(key, options)
      },
    })),
    'errors and signals > lets go of a signal',
  ],
  [
    'errors are thrown outside the promise',
    broken((store) => ({
      list(options) {
        if (options.prefix.includes(' ')) throw new Error('no')
        return store.list(options)
      },
    })),
    'errors and signals > refuses with errors that are store errors',
  ],
  [
    'a time is made up',
    broken((store) => ({ get: async (key, options) => ({ ...(await store.get(key, options)), storeTimeMs: 1 }) })),
    'get > makes up no time',
  ],
]

type Notify = (options: WatchOptions) => WatchOptions

/** A reference store whose watchers get what `change` makes of their options. */
function notifying(change: Notify): StoreFactory {
  return broken((store) => ({ watch: async (options) => (await store.watch?.(change(options))) ?? false }))
}

/** A reference store that notifies only if `isNotified` holds for the change. */
function notifyingOf(isNotified: (change: 'create' | 'overwrite' | 'if-match' | 'delete') => boolean): StoreFactory {
  return () => {
    // What is not to be notified goes through a store without watchers, which shares the objects.
    const [loud, silent] = [createReferenceStore(), createReferenceStore()]
    const storeFor = (change: Parameters<typeof isNotified>[0]) => (isNotified(change) ? loud : silent)
    return {
      ...loud,
      put(key, body, options) {
        const { kind } = options.condition
        const store = storeFor(kind === 'overwrite' && !loud.objects.has(key) ? 'create' : kind)
        return mirrored(loud, silent, store, () => store.put(key, body, options))
      },
      delete(keys, options) {
        const store = storeFor('delete')
        return mirrored(loud, silent, store, () => store.delete(keys, options))
      },
    }
  }
}

/** Makes a request at one of two stores, and copies its objects to the other before anything else happens. */
function mirrored<T>(loud: ReferenceStore, silent: ReferenceStore, store: ReferenceStore, request: () => T): T {
  const other = store === loud ? silent : loud
  const answer = request()
  other.objects.clear()
  for (const [key, object] of store.objects) other.objects.set(key, object)
  return answer
}

/** `other`, which copies all that it changes to `store`. */
function mirroring(store: ReferenceStore, other: ReferenceStore): ReferenceStore {
  return {
    ...other,
    put: (key, body, options) => mirrored(store, other, other, () => other.put(key, body, options)),
    delete: (keys, options) => mirrored(store, other, other, () => other.delete(keys, options)),
  }
}

const watchDefects: readonly (readonly [string, StoreFactory, string])[] = [
  [
    'a notification comes before a read sees the change',
    broken((store) => {
      const watchers = createWatchers()
      return {
        async put(key, body, options) {
          watchers.changed(key)
          await new Promise((resolve) => setImmediate(resolve))
          return store.put(key, body, options)
        },
        watch: watchers.watch,
      }
    }),
    'watch > notifies of an overwrite, by',
  ],
  ['creates are not notified', notifyingOf((change) => change !== 'create'), 'watch > notifies of a create, by'],
  [
    'an overwrite of nothing is not notified',
    notifyingOf((change) => change !== 'create'),
    'watch > notifies of an overwrite of nothing, by',
  ],
  ['creates alone are notified', notifyingOf((change) => change === 'create'), 'watch > notifies of an overwrite, by'],
  [
    'replacements are not notified',
    notifyingOf((change) => change !== 'if-match'),
    'watch > notifies of a replacement with if-match, by',
  ],
  ['deletes are not notified', notifyingOf((change) => change !== 'delete'), 'watch > notifies of a delete, by'],
  [
    'only the first change is notified',
    notifying((options) => {
      let isFirst = true
      const onChange = (): void => {
        if (isFirst) options.onChange()
        isFirst = false
      }
      return { ...options, onChange }
    }),
    'watch > notifies of every change in a row',
  ],
  [
    'the second change is not notified',
    notifying((options) => {
      let count = 0
      return { ...options, onChange: () => void (++count !== 2 && options.onChange()) }
    }),
    'watch > notifies of every change in a row',
  ],
  [
    'a change that is made while it notifies is treated as the one that it notifies of',
    notifying((options) => {
      let isDue = false
      const onChange = (): void => {
        if (isDue) return
        isDue = true
        setImmediate(() => {
          options.onChange()
          setImmediate(() => {
            isDue = false
          })
        })
      }
      return { ...options, onChange }
    }),
    'watch > notifies of a change that is made while it notifies',
  ],
  [
    'a burst is notified at its beginning alone',
    notifying((options) => {
      let quietUntil = 0
      const onChange = (): void => {
        const now = performance.now()
        if (now >= quietUntil) options.onChange()
        quietUntil = now + 20
      }
      return { ...options, onChange }
    }),
    'watch > notifies after the last of many concurrent changes',
  ],
  [
    'it notifies after an abort',
    notifying((options) => ({ ...options, signal: new AbortController().signal })),
    'watch > does not notify after an abort',
  ],
  [
    'an abort ends the watches of others',
    broken((store) => {
      const all = new AbortController()
      return {
        async watch(options) {
          if (options.signal.aborted) return false
          options.signal.addEventListener('abort', () => all.abort())
          return (await store.watch?.({ ...options, signal: all.signal })) ?? false
        },
      }
    }),
    'watch > does not notify after an abort',
  ],
  [
    'one watch takes the place of another',
    broken((store) => {
      let current = new AbortController()
      return {
        async watch(options) {
          current.abort()
          current = new AbortController()
          return (await store.watch?.({ ...options, signal: current.signal })) ?? false
        },
      }
    }),
    'watch > notifies every watcher',
  ],
  [
    'it notifies within the call',
    broken((store) => {
      const watchers = new Set<WatchOptions>()
      return {
        put(key, body, options) {
          const answer = store.put(key, body, options)
          for (const { onChange } of watchers) onChange()
          return answer
        },
        delete(keys, options) {
          const answer = store.delete(keys, options)
          for (const { onChange } of watchers) onChange()
          return answer
        },
        async watch(options) {
          watchers.add(options)
          return true
        },
      }
    }),
    'watch > never notifies within a call',
  ],
  [
    'only what is there can be watched',
    broken((store) => ({
      async watch(options) {
        const isThere = [...store.objects.keys()].some((key) => key.startsWith(options.prefix))
        return isThere ? ((await store.watch?.(options)) ?? false) : false
      },
    })),
    'watch > watches keys and prefixes that do not exist yet',
  ],
  [
    'what lies in folders below is not watched',
    broken((store) => {
      const watchers: WatchOptions[] = []
      return {
        async put(key, body, options) {
          const answer = await store.put(key, body, options)
          const folder = key.slice(0, key.lastIndexOf('/') + 1)
          for (const { prefix, onChange, signal } of watchers) {
            if (!signal.aborted && (prefix === key || prefix === folder)) onChange()
          }
          return answer
        },
        async watch(options) {
          watchers.push(options)
          return true
        },
      }
    }),
    'watch > notifies of an overwrite, by',
  ],
  [
    'the signal is not checked before',
    notifying((options) => (options.signal.aborted ? { ...options, signal: new AbortController().signal } : options)),
    'watch > does not begin when the signal is aborted',
  ],
  [
    'unusable prefixes are watched',
    notifying((options) => ({ ...options, prefix: 'a' })),
    'watch > refuses prefixes that no key',
  ],
]

describe('the conformance suite finds', () => {
  test.each(defects)('%s', async (_, factory, part) => {
    await expectFound(factory, part)
    const [run] = [...collectTests(() => createReferenceStore())].filter(([name]) => name.includes(part))
    await run?.[1]()
  })

  test.each(watchDefects)('that %s', async (_, factory, part) => {
    const capabilities = { watch: true, notifiedWithinMs: 150 }
    await expectFound(factory, part, capabilities)
    const [run] = [...collectTests(() => createReferenceStore(), { watch: true })].filter(([name]) =>
      name.includes(part),
    )
    await run?.[1]()
  })

  test('a watch that is not declared, and one that is declared and not there', async () => {
    await expectFound(() => createReferenceStore(), 'watch > says that it cannot notify')
    const without: StoreFactory = () => ({ ...createReferenceStore(), watch: undefined })
    await expectFound(without, 'watch > notifies every watcher', { watch: true })
  })

  test('a store object that does not see what another one changes', async () => {
    const apart: StoreFactory = () => {
      const [store, other] = [createReferenceStore(), createReferenceStore()]
      // Both have the same objects, but separate watchers.
      return { store, another: () => mirroring(store, other) }
    }
    await expectFound(apart, 'watch > notifies of an overwrite, by', { watch: true, notifiedWithinMs: 150 })
  })

  test('a condition that is declared missing but ignored', async () => {
    await expectFound(() => createIgnoringStore(), 'put create >', { conditions: [] })
    await expectFound(() => createIgnoringStore(), 'put if-match >', { conditions: [] })
  })

  test('a store that does not refuse what it declares to refuse', async () => {
    const capabilities = { refusesPathPrefixes: true, refusesLargerBodies: true, maxBodyBytes: 2_000, storeTime: true }
    await expectFound(() => createReferenceStore(), 'keys > refuses a key that is a path prefix', capabilities)
    await expectFound(() => createReferenceStore(), 'bodies > refuses a body of 2001 bytes', capabilities)
    await expectFound(() => createReferenceStore(), 'get > carries time of the store', capabilities)
  })

  test('a broken store that does not say so', async () => {
    const capabilities = { broken: { NO_SUCH_BUCKET: () => createReferenceStore() } }
    await expectFound(() => createReferenceStore(), 'broken by NO_SUCH_BUCKET', capabilities)
  })

  test('capabilities that do not exist', () => {
    const misspelt: object = { byteorder: true }
    expect(() => resolveCapabilities(misspelt)).toThrow('"byteOrder"')
    expect(() => resolveCapabilities({ writers: 1 })).toThrow('at least 2')
  })
})

describeObjectStore(
  'a store without conditions that says so',
  broken((store) => ({
    watch: undefined,
    async put(key, body, options) {
      if (options.condition.kind === 'overwrite') return store.put(key, body, options)
      throw new UnsupportedStore(`reference:// keeps no ${options.condition.kind} condition.`, { key })
    },
  })),
  { conditions: [], byteOrder: false },
)
