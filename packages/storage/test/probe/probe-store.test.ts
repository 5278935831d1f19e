import { describe, expect, test } from 'vitest'
import {
  AccessDenied,
  createIds,
  type Fault,
  type FaultPlan,
  InvalidOption,
  InvalidRequest,
  type ObjectStore,
  overwrite,
  type ProbeOptions,
  type ProbeReport,
  probeStore,
  StoreUnavailable,
  seededFaults,
  seededRandom,
  UnsupportedStore,
  withFaults,
  withLatency,
  withMetering,
} from '../../src/index.ts'
import {
  createIgnoringStore,
  createManualClock,
  createRacyStore,
  createReferenceStore,
  type ReferenceStore,
} from '../../src/testing/index.ts'
import { bytes, rejection } from '../bytes.ts'

const clock = createManualClock()

function probe(store: ObjectStore, options: Partial<ProbeOptions> = {}, seed = 1): Promise<ProbeReport> {
  const random = seededRandom(seed)
  return probeStore(store, { random, ids: createIds(clock, random), ...options })
}

async function expectUnsupported(store: ObjectStore, saw: string | RegExp): Promise<void> {
  const error = await rejection(probe(store))
  expect(error).toBeInstanceOf(UnsupportedStore)
  const { message } = error as Error
  expect(message).toMatch(saw)
  expect(message).toContain(store.description)
  expect(message).toContain('Use a store with atomic conditional writes')
}

/** A reference store with some methods replaced. */
function broken(replace: (store: ReferenceStore) => Partial<ObjectStore>): ReferenceStore {
  const store = createReferenceStore('broken://')
  return { ...store, ...replace(store) }
}

describe('probeStore', () => {
  test('passes a store that keeps the port, cleans up, and tells what it cost', async () => {
    const inner = createReferenceStore()
    await inner.put('probe/of-somebody-else', bytes('1'), { condition: overwrite })
    const store = withMetering(inner, { clock })
    const report = await probe(store)
    expect(report).toEqual({
      store: 'reference://',
      requests: 23 + 10 * (2 * 8 + 2),
      rounds: 10,
      writers: 8,
      repeated: 0,
      leftBehind: 0,
      scratchPrefix: expect.stringMatching(/^probe\/[0-9A-Z]{26}\/$/),
      durationMs: undefined,
    })
    expect(store.metrics().requests).toBe(report.requests)
    expect([...inner.objects.keys()]).toEqual(['probe/of-somebody-else'])
  })

  test('works below a prefix, with as many rounds and writers as it is told', async () => {
    const inner = createReferenceStore()
    const folders = new Set<string>()
    const store: ObjectStore = {
      ...inner,
      put(key, body, options) {
        folders.add(key.split('/').slice(0, 3).join('/'))
        return inner.put(key, body, options)
      },
    }
    const report = await probe(store, { rounds: 2, writers: 20, prefix: 'team/queues/' })
    expect(report.requests).toBe(23 + 2 * 42)
    expect([...folders]).toEqual(['team/queues/probe'])
  })

  test('takes the time of some forty requests in a row', async () => {
    const time = createManualClock()
    const far = withLatency(createReferenceStore(), { clock: time, getMs: 60, putMs: 60, listMs: 60, deleteMs: 60 })
    const report = await time.runUntil(probe(far, { clock: time }))
    expect(report.durationMs).toBe((22 + 4 * 4 + 1) * 60)
  })

  test('finds a store that ignores create-only', async () => {
    await expectUnsupported(
      createIgnoringStore({ ignores: ['create'] }),
      'ignoring:// took a create-only write over an object that was there (check "create-only write")',
    )
  })

  test('finds a store that ignores if-match', async () => {
    await expectUnsupported(
      createIgnoringStore({ ignores: ['if-match'] }),
      'took an if-match write over a version that was gone by',
    )
  })

  test.each(['create', 'if-match'] as const)('finds a store that checks %s and then writes', async (kind) => {
    const name = kind === 'create' ? 'create-only' : 'if-match'
    await expectUnsupported(createRacyStore({ racy: [kind] }), `let 8 of 8 racing ${name} writes through`)
  })

  test('tells how many a store let through in the one round that it got wrong', async () => {
    let wrongKey: string | undefined
    const racy = createRacyStore({
      racy: ['create'],
      isRacy(key, n) {
        if (key.includes('race-7')) wrongKey = key
        return key === wrongKey && n < 2
      },
    })
    await expectUnsupported(racy, /let 3 of 8 racing create-only writes through \(check "race \d+ of 10"\)/)
    expect(racy.objects.size, 'also cleaned up').toBe(0)
  })

  test('finds a store that is wrong in some rounds only, if there are enough of them', async () => {
    const found = async (rounds: number): Promise<number> => {
      let count = 0
      for (let seed = 1; seed <= 30; seed++) {
        const random = seededRandom(seed)
        const wrong = new Map<string, boolean>()
        const isRacy = (key: string): boolean => {
          const known = wrong.get(key) ?? random.next() < 0.2
          wrong.set(key, known)
          return known
        }
        const outcome = probe(createRacyStore({ isRacy }), { rounds }, seed)
        if (
          await outcome.then(
            () => false,
            (error) => error instanceof UnsupportedStore,
          )
        )
          count++
      }
      return count
    }
    expect(await found(1)).toBeLessThan(20)
    expect(await found(30)).toBe(30)
  })

  test.each<[string, RegExp, (store: ReferenceStore) => Partial<ObjectStore>]>([
    [
      'if-match creates what is missing',
      /took an if-match write to a key that was not there/,
      (store) => ({
        put: (key, body, { condition }) =>
          store.put(key, body, {
            condition: condition.kind === 'if-match' && !store.objects.has(key) ? overwrite : condition,
          }),
      }),
    ],
    [
      'if-match never holds',
      /refused an if-match write over the version named/,
      (store) => ({
        put: async (key, body, options) =>
          options.condition.kind === 'if-match' ? { outcome: 'precondition-failed' } : store.put(key, body, options),
      }),
    ],
    [
      'ETag of the length',
      /same ETag|gave the ETag/,
      (store) => ({
        async put(key, body, options) {
          const result = await store.put(key, body, options)
          return result.outcome === 'stored' ? { ...result, etag: '"constant"' } : result
        },
      }),
    ],
    [
      'reads are stale',
      /answered "not-found" to a get after two create-only writes/,
      () => ({ get: async () => ({ outcome: 'not-found' }) }),
    ],
    [
      'ifNoneMatch is ignored',
      /answered "found" instead of "not-modified"/,
      (store) => ({ get: (key) => store.get(key) }),
    ],
    ['deletes do nothing', /answered "found" to a get after the delete/, () => ({ delete: async () => undefined })],
    [
      'lists are stale',
      /listed nothing instead of 0001 0002 0010/,
      () => ({ list: async () => ({ entries: [], truncated: false }) }),
    ],
    [
      'lists are in another order',
      /listed 0010 0002 0001 instead of/,
      (store) => ({
        async list(options) {
          const result = await store.list(options)
          return { ...result, entries: result.entries.toReversed() }
        },
      }),
    ],
    [
      'startAfter is ignored',
      /listed 0001 0002 0010 instead of 0002 0010 in a list that starts after the first key/,
      (store) => ({ list: ({ prefix }) => store.list({ prefix }) }),
    ],
  ])('finds a store where %s', async (_, saw, replace) => {
    await expectUnsupported(broken(replace), saw)
  })

  test('finds a store where nobody wins a race, and one where the winner’s body is not there', async () => {
    const inRace = (key: string): boolean => key.includes('/race-')
    await expectUnsupported(
      broken((store) => ({
        put: async (key, body, options) =>
          inRace(key) && options.condition.kind === 'create'
            ? { outcome: 'precondition-failed' }
            : store.put(key, body, options),
      })),
      'refused all of 8 racing create-only writes',
    )
    await expectUnsupported(
      broken((store) => ({
        put: (key, body, options) => store.put(key, inRace(key) ? bytes('mixed up') : body, options),
      })),
      'did not keep the body of the one winner',
    )
  })

  test('finds a write that went through though it was told otherwise, beside one that was told so', async () => {
    const lastOf = new Map<string, number>()
    const store = broken((inner) => ({
      async put(key, body, options) {
        const n = (lastOf.get(key) ?? 0) + 1
        lastOf.set(key, n)
        if (!key.includes('/race-') || n !== 8) return inner.put(key, body, options)
        await inner.put(key, body, { condition: overwrite })
        return { outcome: 'precondition-failed' }
      },
    }))
    await expectUnsupported(store, 'let 2 of 8 racing create-only writes through')
  })

  test('holds no further races once one was wrong', async () => {
    const onlyTheFirst = createRacyStore({ isRacy: (key) => key.includes('/race-1/') })
    const store = withMetering(onlyTheFirst, { clock })
    expect(await rejection(probe(store, { rounds: 1_000 }))).toBeInstanceOf(UnsupportedStore)
    expect(store.metrics().requests).toBeLessThan(100)
  })

  test('accepts a winner that was told it had lost, as by a client that repeats its writes', async () => {
    const store = broken((inner) => ({
      async put(key, body, options) {
        const first = await inner.put(key, body, options)
        return key.includes('/race-') ? inner.put(key, body, options) : first
      },
    }))
    expect((await probe(store)).repeated).toBe(0)
  })

  test('resolves unknown outcomes by reading, and repeats what stays open', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const time = createManualClock()
      const random = seededRandom(seed)
      const plan = onlyPuts(
        seededFaults(random, { 'server-error': 0.05, conflict: 0.05, throttled: 0.05 }, { latencyMs: 0 }),
      )
      const inner = createReferenceStore()
      const store = withFaults(inner, { clock: time, random, plan })
      const report = await time.runUntil(probe(store, { clock: time, rounds: 20 }, seed))
      expect(report.repeated).toBeGreaterThan(0)
      expect(report.leftBehind).toBe(0)
      expect(inner.objects.size).toBe(0)
    }
  })

  test('is not misled by a network that delivers requests twice or loses some', async () => {
    const random = seededRandom(7)
    const store = createReferenceStore('twice://')
    const failing = <T>(request: () => Promise<T>): Promise<T> =>
      random.next() < 0.05 ? Promise.reject(new StoreUnavailable('The connection broke.')) : request()
    const report = await probe({
      ...store,
      // The client gets the answer to the second one.
      put: async (key, body, options) => {
        if (random.next() < 0.1) await store.put(key, body, options)
        return store.put(key, body, options)
      },
      get: (key, options) => failing(() => store.get(key, options)),
      list: (options) => failing(() => store.list(options)),
      delete: (keys, options) => failing(() => store.delete(keys, options)),
    })
    expect(report.repeated).toBeGreaterThan(0)
  })

  test('gives up as unavailable when writes stay unknown, never as unsupported', async () => {
    const time = createManualClock()
    const plan = onlyPuts({ next: () => ({ kind: 'throttled', retryAfterMs: 1_000 }) })
    const store = withFaults(createReferenceStore(), { clock: time, random: seededRandom(1), plan })
    const error = await rejection(time.runUntil(probe(store, { clock: time })))
    expect(error).toBeInstanceOf(StoreUnavailable)
    expect(error).toMatchObject({ message: expect.stringContaining('check "create-only write", 8 times') })
    expect(time.monotonic()).toBeGreaterThanOrEqual(4_000)
  })

  test('hands out other errors as they are', async () => {
    const denied = new AccessDenied('no')
    expect(await rejection(probe(broken(() => ({ put: () => Promise.reject(denied) }))))).toBe(denied)
  })

  test('is ended by its signal, and cleans up all the same', async () => {
    const controller = new AbortController()
    const inner = createReferenceStore()
    const reason = new Error('enough')
    let puts = 0
    const store: ObjectStore = {
      ...inner,
      put(key, body, options) {
        if (++puts === 40) controller.abort(reason)
        return inner.put(key, body, options)
      },
    }
    expect(await rejection(probe(store, { signal: controller.signal }))).toBe(reason)
    expect(puts).toBeLessThan(80)
    expect(inner.objects.size).toBe(0)
    expect(await rejection(probe(store, { signal: AbortSignal.abort(reason) }))).toBe(reason)
  })

  test('counts what it could not clean up instead of failing', async () => {
    let deletes = 0
    const store = broken((inner) => ({
      delete: (keys) => (++deletes > 2 ? Promise.reject(new StoreUnavailable('down')) : inner.delete(keys)),
    }))
    const report = await probe(store)
    expect(report.leftBehind).toBeGreaterThan(0)
    expect(report.leftBehind).toBeGreaterThanOrEqual(store.objects.size)
  })

  test('refuses options that are none', async () => {
    const store = createReferenceStore()
    expect(await rejection(probe(store, { rounds: 0 }))).toBeInstanceOf(InvalidOption)
    expect(await rejection(probe(store, { writers: 1 }))).toMatchObject({ option: 'writers' })
    expect(await rejection(probe(store, { prefix: 'a' }))).toBeInstanceOf(InvalidRequest)
    const misspelt: object = { round: 3 }
    expect(await rejection(probe(store, misspelt))).toMatchObject({ message: expect.stringContaining('"rounds"') })
  })
})

function onlyPuts(plan: FaultPlan): FaultPlan {
  return { next: (operation): Fault | undefined => (operation.kind === 'put' ? plan.next(operation) : undefined) }
}
