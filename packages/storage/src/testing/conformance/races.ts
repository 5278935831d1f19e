import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'vitest'
import { create, ifMatch, type ObjectStore, overwrite } from '../../port/object-store.ts'
import { systemIds } from '../../runtime/system.ts'
import { bytes, foundObject, inParallel, listAll, storedEtag, text } from './reading.ts'
import type { StoreScope, Suite } from './suite.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/**
 * Contests in which exactly one may win. They come last: a store that fails above would only fail here in ways that are
 * harder to read.
 */
export function describeRaces(suite: Suite): void {
  const { conditions, writers, rounds } = suite.capabilities
  suite.topic('races', () => {
    if (conditions.includes('create')) {
      suite.test(`${writers} writers create one key: one wins, and its body is there`, async (scope) => {
        for (const round of numbers(rounds)) await race(scope, `round-${round}`, writers, () => create)
      })
      suite.test('an object created and deleted is a lock that one holds at a time', (scope) =>
        lockRace(scope, writers),
      )
    }
    if (conditions.includes('if-match')) {
      suite.test(`${writers} writers replace one version: one wins, and its body is there`, async (scope) => {
        for (const round of numbers(rounds)) {
          const key = `round-${round}`
          const etag = storedEtag(await scope.store.put(scope.key(key), bytes('old'), { condition: overwrite }))
          await race(scope, key, writers, () => ifMatch(etag))
        }
      })
      suite.test(`a counter that ${writers} workers add to loses nothing`, (scope) => counterRace(scope, writers))
    }
    suite.test('readers see whole bodies while they are written', (scope) => tornReads(scope))
    suite.test('lists show what is there all the time, once, while others come and go', (scope) =>
      listsUnderChange(scope),
    )
    suite.test('everything answered is seen by what begins after it', (scope) => readAfterWrite(scope))
  })
}

/** One contest: all write at once; who was told `stored` must be the one whose body is there, and nobody else may be told so. */
async function race(
  scope: StoreScope,
  name: string,
  writers: number,
  condition: () => Parameters<ObjectStore['put']>[2]['condition'],
): Promise<void> {
  const key = scope.key(name)
  const bodies = numbers(writers).map((writer) => `${writer} ${systemIds.nonce()} ${'.'.repeat(500)}`)
  const results = await Promise.all(bodies.map((body) => scope.store.put(key, bytes(body), { condition: condition() })))
  const { body, etag } = foundObject(await scope.store.get(key))
  const holder = bodies.indexOf(text(body))
  expect(holder, 'the object is what one of the writers wrote').toBeGreaterThanOrEqual(0)
  const winners = numbers(writers).filter((writer) => results[writer]?.outcome === 'stored')
  const undecided = results.some((result) => result.outcome === 'unknown')
  expect(winners.length, 'writers that were told they had won').toBeLessThanOrEqual(1)
  if (winners.length === 1 || !undecided) {
    expect(winners).toEqual([holder])
    expect(storedEtag(results[holder] ?? { outcome: 'precondition-failed' })).toBe(etag)
  } else {
    expect(results[holder]?.outcome, 'a winner that was not told so does not know').toBe('unknown')
  }
}

async function lockRace({ store, key }: StoreScope, workers: number): Promise<void> {
  const lock = key('lock')
  const acquisitionsEach = Math.ceil(100 / workers)
  let holders = 0
  let acquisitions = 0
  const acquire = async (mark: string): Promise<void> => {
    for (;;) {
      const result = await store.put(lock, bytes(mark), { condition: create })
      if (result.outcome === 'stored') return
      // A store may answer without the event loop ever getting a turn, and who holds the lock may be waiting for one.
      await turn()
      if (result.outcome === 'precondition-failed') continue
      const now = await store.get(lock)
      if (now.outcome === 'found' && text(now.body) === mark) return
    }
  }
  await Promise.all(
    numbers(workers).map(async (worker) => {
      for (let i = 0; i < acquisitionsEach; i++) {
        await acquire(`${worker} ${systemIds.nonce()}`)
        expect(++holders, 'holders of the lock').toBe(1)
        await store.get(key('something-else'))
        acquisitions++
        holders--
        await store.delete([lock])
      }
    }),
  )
  expect(acquisitions).toBe(acquisitionsEach * workers)
}

/** Every operation leaves its id in the body, so that one which does not know whether it took place can look. */
async function counterRace({ store, key }: StoreScope, workers: number): Promise<void> {
  const counter = key('counter')
  const each = 25
  await store.put(counter, bytes('start'), { condition: overwrite })
  const add = async (id: string): Promise<void> => {
    for (;;) {
      const { body, etag } = foundObject(await store.get(counter))
      const ids = text(body)
      if (ids.split(' ').includes(id)) return
      const result = await store.put(counter, bytes(`${ids} ${id}`), { condition: ifMatch(etag) })
      if (result.outcome === 'stored') return
      await turn()
    }
  }
  const idsOf = (worker: number): string[] => numbers(each).map((i) => `${worker}-${i}`)
  await Promise.all(
    numbers(workers).map(async (worker) => {
      for (const id of idsOf(worker)) await add(id)
    }),
  )
  const counted = text(foundObject(await store.get(counter)).body)
    .split(' ')
    .slice(1)
  expect(counted.toSorted()).toEqual(numbers(workers).flatMap(idsOf).toSorted())
}

async function tornReads({ store, key }: StoreScope): Promise<void> {
  const size = 48 * 1_024
  const write = async (value: number): Promise<void> => {
    storedEtag(await store.put(key('a'), new Uint8Array(size + value).fill(value), { condition: overwrite }))
  }
  await write(1)
  let writing = true
  const writer = (async () => {
    for (let value = 2; value <= 40; value++) await write(value)
  })().finally(() => {
    writing = false
  })
  const reader = async (): Promise<void> => {
    while (writing) {
      await turn()
      const { body } = foundObject(await store.get(key('a')))
      const value = body[0] ?? 0
      expect(body.byteLength, 'length and bytes are those of one write').toBe(size + value)
      expect(body.every((byte) => byte === value)).toBe(true)
    }
  }
  await Promise.all([writer, reader(), reader(), reader()])
}

async function listsUnderChange({ store, key, prefix }: StoreScope): Promise<void> {
  const steady = numbers(60).map((i) => key(`k${String(i * 2).padStart(4, '0')}`))
  await inParallel(steady, 8, async (k) => {
    await store.put(k, bytes('1'), { condition: overwrite })
  })
  let changing = true
  const changer = (async () => {
    for (let i = 0; i < 60; i++) {
      const fleeting = key(`k${String(i * 2 + 1).padStart(4, '0')}`)
      await store.put(fleeting, bytes('1'), { condition: overwrite })
      await store.delete([fleeting])
    }
  })().finally(() => {
    changing = false
  })
  const lister = async (): Promise<void> => {
    while (changing) {
      await turn()
      const listed = await listAll(store, prefix, 25)
      expect(listed.filter((k) => steady.includes(k))).toEqual(steady)
      expect(new Set(listed).size).toBe(listed.length)
    }
  }
  await Promise.all([changer, lister(), lister()])
}

async function readAfterWrite({ store, key, prefix }: StoreScope): Promise<void> {
  const listed = async (k: string): Promise<boolean> => (await listAll(store, prefix)).includes(k)
  await inParallel(numbers(40), 8, async (i) => {
    const k = key(`k${String(i).padStart(4, '0')}`)
    const etag = storedEtag(await store.put(k, bytes(`${i}`), { condition: overwrite }))
    expect(foundObject(await store.get(k)).etag).toBe(etag)
    expect(await listed(k), 'listed after the write').toBe(true)
    await store.delete([k])
    expect((await store.get(k)).outcome).toBe('not-found')
    expect(await listed(k), 'listed after the delete').toBe(false)
  })
}
