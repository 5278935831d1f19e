/** A suite that passes proves something only if it fails for stores that are wrong: here each defect has the test that finds it. */
import { describe, expect, test } from 'vitest'
import { type ObjectStore, overwrite, UnsupportedStore } from '../../src/index.ts'
import { resolveCapabilities, type StoreCapabilities } from '../../src/testing/conformance/capabilities.ts'
import { describeTopics } from '../../src/testing/conformance/describe-object-store.ts'
import type { StoreFactory } from '../../src/testing/conformance/fixture.ts'
import { runInScope, type StoreScope } from '../../src/testing/conformance/suite.ts'
import {
  createIgnoringStore,
  createRacyStore,
  createReferenceStore,
  describeObjectStore,
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

describe('the conformance suite finds', () => {
  test.each(defects)('%s', async (_, factory, part) => {
    await expectFound(factory, part)
    const [run] = [...collectTests(() => createReferenceStore())].filter(([name]) => name.includes(part))
    await run?.[1]()
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
    async put(key, body, options) {
      if (options.condition.kind === 'overwrite') return store.put(key, body, options)
      throw new UnsupportedStore(`reference:// keeps no ${options.condition.kind} condition.`, { key })
    },
  })),
  { conditions: [], byteOrder: false },
)
