import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { seededRandom } from '@s3queue/storage'
import { expect, test } from 'vitest'
import { createFsStore } from '../src/index.ts'
import { testDirectory } from './support/directory.ts'
import { listing, set, watchedStore } from './support/stores.ts'
import type { CallName } from './support/watched.ts'

const DIGITS = 4

test('looks at no file that is not in the answer, and into no directory before it', async () => {
  await using directory = await testDirectory()
  const options = { directory: directory.path, durability: 'none' } as const
  const writer = createFsStore(options)
  const keys = ['a', 'b', 'c'].flatMap((folder) =>
    Array.from({ length: 100 }, (_, i) => `${folder}/${String(i).padStart(DIGITS, '0')}`),
  )
  await Promise.all(keys.map((key) => set(writer, key, 'x')))
  // Nothing is due to be swept beside the list.
  await writeFile(join(directory.path, '.tmp/swept'), '')
  const seen: string[] = []
  const store = watchedStore(options, (call: CallName, paths) => {
    seen.push(`${call} ${paths.map((path) => path.slice(directory.path.length + 1)).join(' ')}`)
  })
  await store.get('opened')
  seen.length = 0
  const { entries, truncated } = await store.list({ prefix: '', startAfter: 'b/0095', limit: 6 })
  expect(entries.map(({ key }) => key)).toEqual(['b/0096', 'b/0097', 'b/0098', 'b/0099', 'c/0000', 'c/0001'])
  expect(truncated).toBe(true)
  const files = entries.map(({ key }) => `facts ${key}`)
  expect(seen.toSorted()).toEqual(['entries ', 'entries b/', 'entries c/', ...files].toSorted())
})

test('agrees with a sorted array, from any key on and for any limit', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path, durability: 'none' })
  const random = seededRandom(11)
  const pick = (items: string): string => items[Math.floor(random.next() * items.length)] ?? ''
  const segment = (): string => (pick('ab') + pick('ab') + pick('  -.0+')).trim()
  const keys = new Map<string, number>()
  while (keys.size < 60) {
    const key = Array.from({ length: 1 + Math.floor(random.next() * 3) }, segment).join('/')
    const isInTheWay = [...keys.keys()].some((other) => key.startsWith(`${other}/`) || other.startsWith(`${key}/`))
    if (isInTheWay || keys.has(key)) continue
    // Some are written over, so that their size is not that of the file with their name.
    const sizes = [random, random, random].map(() => Math.floor(random.next() * 50)).slice(random.next() < 0.5 ? 2 : 0)
    for (const size of sizes) {
      await set(store, key, 'x'.repeat(size))
      keys.set(key, size)
    }
  }
  const sorted = [...keys].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, size]) => ({ key, size }))
  for (const startAfter of [undefined, ...keys.keys(), 'a', 'aa/', 'aa/zz', 'ab-', 'b', 'c']) {
    const limit = 1 + Math.floor(random.next() * 70)
    const expected = sorted.filter(({ key }) => startAfter === undefined || key > startAfter)
    const result = await store.list({ prefix: '', startAfter, limit })
    expect(result.entries, `after ${startAfter}, ${limit}`).toEqual(expected.slice(0, limit))
    expect(result.truncated).toBe(expected.length > limit)
  }
})

test('leaves out what is no object', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  await set(store, 'd/a', '1')
  await set(store, 'd/a', '22')
  for (const name of ['.hidden', 'two words', 'backup~', '#a#']) await writeFile(join(directory.path, 'd', name), '')
  await mkdir(join(directory.path, 'd/.git/x'), { recursive: true })
  await mkdir(join(directory.path, 'd/empty'))
  await symlink('a', join(directory.path, 'd/link'))
  expect(await listing(store)).toEqual(['d/a:2'])
})

test('goes on behind an object that was deleted while it was listed', async () => {
  await using directory = await testDirectory()
  const writer = createFsStore({ directory: directory.path })
  for (const key of ['a', 'b', 'c', 'd']) await set(writer, key, key)
  const store = watchedStore({ directory: directory.path }, async (call, paths) => {
    if (call === 'facts' && paths[0]?.endsWith('/b')) await writer.delete(['b'])
  })
  const { entries, truncated } = await store.list({ prefix: '', limit: 2 })
  expect([entries.map(({ key }) => key), truncated]).toEqual([['a', 'c'], true])
})
