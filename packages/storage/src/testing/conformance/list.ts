import { expect } from 'vitest'
import { overwrite } from '../../port/object-store.ts'
import { bytes, inParallel, listAll } from './reading.ts'
import type { StoreScope, Suite } from './suite.ts'

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `k${String(i).padStart(4, '0')}`)

async function fill({ store, key }: StoreScope, names: readonly string[], body = bytes('x')): Promise<void> {
  await inParallel(names, 16, async (name) => {
    await store.put(key(name), body, { condition: overwrite })
  })
}

export function describeList(suite: Suite): void {
  suite.topic('list', () => {
    describeEntries(suite)
    describeStartAfter(suite)
    describePages(suite)
    describeOrder(suite)
  })
}

function describeEntries(suite: Suite): void {
  suite.test('is empty where there is nothing', async ({ store, prefix }) => {
    expect(await store.list({ prefix })).toMatchObject({ entries: [], truncated: false })
  })

  suite.test('tells keys and sizes, each object once, as they are now', async ({ store, key, prefix }) => {
    await store.put(key('b'), bytes('12345'), { condition: overwrite })
    await store.put(key('a'), bytes('123'), { condition: overwrite })
    await store.put(key('c'), bytes(''), { condition: overwrite })
    await store.put(key('b'), bytes('1'), { condition: overwrite })
    const { entries, truncated } = await store.list({ prefix })
    expect(entries.map(({ key: k, size }) => [k, size])).toEqual([
      [key('a'), 3],
      [key('b'), 1],
      [key('c'), 0],
    ])
    expect(truncated).toBe(false)
    await store.delete([key('b')])
    expect((await store.list({ prefix })).entries.map((entry) => entry.key)).toEqual([key('a'), key('c')])
  })

  suite.test('keeps to its prefix, and goes down all folders below it', async (scope) => {
    await fill(scope, ['a/1', 'a/2/x', 'a/2/y/z', 'ab/1', 'a-/1', 'b/1'])
    expect(await scope.names('a/')).toEqual(['a/1', 'a/2/x', 'a/2/y/z'])
    expect(await scope.names('a/2/')).toEqual(['a/2/x', 'a/2/y/z'])
    expect(await scope.names('a/2/x/')).toEqual([])
    expect(await scope.names('none/')).toEqual([])
  })

  suite.test('lists the whole store for the empty prefix', async (scope) => {
    await fill(scope, ['a', 'b/c'])
    const all = await listAll(scope.store, '')
    expect(all).toEqual(expect.arrayContaining([scope.key('a'), scope.key('b/c')]))
    expect(all.length).toBe(new Set(all).size)
  })
}

function describeStartAfter(suite: Suite): void {
  suite.test('begins behind startAfter, whether that key exists or not', async (scope) => {
    const { store, key, prefix } = scope
    await fill(scope, ['k1', 'k3', 'k5'])
    const after = async (startAfter: string): Promise<string[]> =>
      (await store.list({ prefix, startAfter })).entries.map((entry) => entry.key.slice(prefix.length))
    expect(await after(key('k0'))).toEqual(['k1', 'k3', 'k5'])
    expect(await after(key('k1'))).toEqual(['k3', 'k5'])
    expect(await after(key('k2'))).toEqual(['k3', 'k5'])
    expect(await after(key('k5'))).toEqual([])
    expect(await after(key('k9'))).toEqual([])
    await store.delete([key('k3')])
    expect(await after(key('k3'))).toEqual(['k5'])
  })

  suite.test('takes a startAfter outside its prefix', async (scope) => {
    const { store, prefix } = scope
    await fill(scope, ['m/1', 'm/2'])
    const count = async (startAfter: string): Promise<number> =>
      (await store.list({ prefix: `${prefix}m/`, startAfter })).entries.length
    expect(await count('')).toBe(2)
    expect(await count('0')).toBe(2)
    expect(await count(`${prefix}a/9`)).toBe(2)
    expect(await count(`${prefix}z/0`)).toBe(0)
    expect(await count('zzz')).toBe(0)
  })
}

function describePages(suite: Suite): void {
  suite.test('gives at most limit entries, and tells whether there are more', async (scope) => {
    const { store, key, prefix } = scope
    await fill(scope, ['k1', 'k2', 'k3', 'other/k4'])
    const page = async (limit: number, startAfter?: string): Promise<unknown> => {
      const { entries, truncated } = await store.list({ prefix, limit, startAfter })
      return [entries.map((entry) => entry.key.slice(prefix.length)).join(' '), truncated]
    }
    expect(await page(1)).toEqual(['k1', true])
    expect(await page(3)).toEqual(['k1 k2 k3', true])
    expect(await page(4)).toEqual(['k1 k2 k3 other/k4', false])
    expect(await page(5)).toEqual(['k1 k2 k3 other/k4', false])
    expect(await page(1, key('k1'))).toEqual(['k2', true])
    expect(await page(1, key('k3'))).toEqual(['other/k4', false])
  })

  suite.test('gives 2,500 keys page by page, each once and in order', async (scope) => {
    const { store, prefix } = scope
    const names = numbered(2_500)
    await fill(scope, names.toReversed())
    const first = await store.list({ prefix })
    expect([first.entries.length, first.truncated]).toEqual([1_000, true])
    const expected = names.map(scope.key)
    expect(await listAll(store, prefix)).toEqual(expected)
    expect(await listAll(store, prefix, 700)).toEqual(expected)
  })

  suite.test('goes on behind the last key of a page, also when that key is gone by then', async (scope) => {
    const { store, prefix } = scope
    await fill(scope, numbered(30))
    const seen: string[] = []
    for (;;) {
      const { entries, truncated } = await store.list({ prefix, startAfter: seen.at(-1), limit: 7 })
      seen.push(...entries.map((entry) => entry.key))
      await store.delete(entries.map((entry) => entry.key))
      if (!truncated) break
    }
    expect(seen).toEqual(numbered(30).map(scope.key))
  })
}

function describeOrder(suite: Suite): void {
  const tricky = ['d+a', 'd,a', 'd-a', 'd.a', 'd/a', 'd/b/c', 'd0', 'd=a', 'd@a', 'dA', 'd_a', 'da', 'e']
  if (suite.capabilities.byteOrder) {
    suite.test('is in byte order', async (scope) => {
      await fill(scope, tricky.toReversed())
      expect(await scope.names()).toEqual(tricky)
      for (const [i, name] of tricky.entries()) {
        const { entries } = await scope.store.list({ prefix: scope.prefix, startAfter: scope.key(name), limit: 1 })
        expect(entries.map((entry) => entry.key)).toEqual(tricky.slice(i + 1, i + 2).map(scope.key))
      }
    })
  } else {
    suite.test('is in byte order among keys of one folder and length, and has all others once', async (scope) => {
      await fill(scope, [
        ...tricky,
        ...numbered(20)
          .map((name) => `n/${name}`)
          .toReversed(),
      ])
      const listed = await scope.names()
      expect(listed.toSorted()).toEqual([...tricky, ...numbered(20).map((name) => `n/${name}`)].toSorted())
      expect(await scope.names('n/')).toEqual(numbered(20).map((name) => `n/${name}`))
    })
  }
}
