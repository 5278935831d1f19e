import { expect } from 'vitest'
import { overwrite } from '../../port/object-store.ts'
import { bytes, foundObject, text } from './reading.ts'
import type { StoreScope, Suite } from './suite.ts'

/** Keys that some store somewhere would mix up, and that the port allows. */
const ODD_NAMES = [
  'UPPER',
  'upper',
  'a+b',
  'a,b',
  'a=b',
  'a@b',
  'a.b..c.',
  '-',
  '+',
  '=',
  '@',
  '_',
  ',',
  'a-b_c.d=e@f+g,h',
  '0123456789',
  'deep/er/and/deep/er/and/deep/er',
  '00000000000000000000000001',
  'x'.repeat(255),
]

/** Keys that the port refuses, whatever the store would make of them. */
const REFUSED = [
  '',
  '/',
  '/a',
  'a/',
  'a//b',
  '.',
  '..',
  'a/../b',
  './a',
  'a/.hidden',
  'a b',
  'ä',
  'a%2Fb',
  'a\\b',
  'a\u0000',
]
const TOO_LONG = ['x'.repeat(256), `${'x'.repeat(200)}/`.repeat(6).slice(0, -1)]

export function describeKeys(suite: Suite): void {
  suite.topic('keys', () => {
    suite.test('keeps odd but allowed keys apart, to the letter', async ({ store, key, names }) => {
      for (const name of ODD_NAMES) await store.put(key(name), bytes(name), { condition: overwrite })
      for (const name of ODD_NAMES) expect(text(foundObject(await store.get(key(name))).body)).toBe(name)
      expect((await names()).toSorted()).toEqual(ODD_NAMES.toSorted())
      await store.delete(ODD_NAMES.slice(1).map(key))
      expect(await names()).toEqual(ODD_NAMES.slice(0, 1))
    })

    const { maxKeyBytes } = suite.capabilities
    suite.test(`takes keys of ${maxKeyBytes} bytes`, async ({ store, key, prefix }) => {
      const long = key(longName(maxKeyBytes - prefix.length))
      expect(long.length).toBe(maxKeyBytes)
      await store.put(long, bytes('1'), { condition: overwrite })
      expect(text(foundObject(await store.get(long)).body)).toBe('1')
      expect((await store.list({ prefix })).entries.map((entry) => entry.key)).toEqual([long])
      await store.delete([long])
      expect((await store.get(long)).outcome).toBe('not-found')
    })

    suite.test('refuses all other keys before it does anything', async (scope) => {
      for (const bad of [...REFUSED, ...TOO_LONG]) await expectRefused(scope, bad)
      expect(await scope.names()).toEqual([])
    })

    suite.test('refuses prefixes that do not end in a slash, or could begin no key', async ({ store, prefix }) => {
      for (const bad of [prefix.slice(0, -1), '/', 'a//', '../', `${prefix}a b/`]) {
        await expect(store.list({ prefix: bad }), bad).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
      }
    })

    describePathPrefixes(suite)
  })
}

async function expectRefused({ store, key }: StoreScope, bad: string): Promise<void> {
  const refused = { code: 'INVALID_REQUEST', retriable: false }
  for (const used of [bad, key(bad)]) {
    if (used === key('')) continue
    await expect(store.get(used), used).rejects.toMatchObject(refused)
    await expect(store.put(used, bytes('1'), { condition: overwrite }), used).rejects.toMatchObject(refused)
    await expect(store.delete([used]), used).rejects.toMatchObject(refused)
  }
}

function describePathPrefixes(suite: Suite): void {
  const refuses = suite.capabilities.refusesPathPrefixes
  suite.test(`${refuses ? 'refuses' : 'stores'} a key that is a path prefix of another`, async ({ store, key }) => {
    await store.put(key('a/b/c'), bytes('1'), { condition: overwrite })
    for (const other of ['a/b', 'a', 'a/b/c/d', 'a/b/c/d/e']) {
      const attempt = store.put(key(other), bytes(other), { condition: overwrite })
      if (refuses) {
        await expect(attempt, other).rejects.toMatchObject({ code: 'INVALID_REQUEST', key: key(other) })
        expect((await store.get(key(other))).outcome).toBe('not-found')
      } else {
        expect((await attempt).outcome, other).toBe('stored')
        expect(text(foundObject(await store.get(key(other))).body)).toBe(other)
      }
    }
    expect(text(foundObject(await store.get(key('a/b/c'))).body)).toBe('1')
  })
}

/** A name of `length` bytes in segments of 100. */
function longName(length: number): string {
  return Array.from({ length }, (_, i) => (i % 101 === 100 && i < length - 1 ? '/' : 'y')).join('')
}
