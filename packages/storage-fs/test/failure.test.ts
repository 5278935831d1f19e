import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { create, ifMatch, type ObjectStore, overwrite, type PutCondition } from '@s3queue/storage'
import { describe, expect, test } from 'vitest'
import { createFsStore } from '../src/index.ts'
import { testDirectory } from './support/directory.ts'
import { bytes, etagOf, set, textOf, watchedStore } from './support/stores.ts'
import { type CallName, failing } from './support/watched.ts'

/** All three ways to write the object `d/a`, which is `old`. */
async function conditions(store: ObjectStore): Promise<PutCondition[]> {
  const etag = await set(store, 'd/a', 'old')
  return [ifMatch(etag), overwrite]
}

describe('a write', () => {
  test.each<[string, CallName, string]>([
    ['ENOSPC', 'write', 'The disk is full'],
    ['EDQUOT', 'write', 'The disk quota is used up'],
    ['EMFILE', 'open', 'raise its limit'],
    ['EIO', 'sync', 'The disk failed'],
    ['EIO', 'rename', 'The disk failed'],
    ['ENOSPC', 'link', 'The disk is full'],
  ])('does not know what came of it after %s from %s, and says what to do', async (code, call, advice) => {
    await using directory = await testDirectory()
    const healthy = createFsStore({ directory: directory.path })
    const store = watchedStore({ directory: directory.path }, failing(call, code, '.tmp/'))
    for (const condition of await conditions(healthy)) {
      const result = await store.put('d/a', bytes('new'), { condition })
      expect(result).toMatchObject({
        outcome: 'unknown',
        error: { code: 'UNKNOWN_OUTCOME', key: 'd/a', message: expect.stringContaining(advice) },
      })
      expect(await textOf(healthy, 'd/a')).toBe('old')
    }
    // The first write of a store of its own needs no rename.
    if (call === 'rename') return
    expect(await store.put('d/b', bytes('new'), { condition: create })).toMatchObject({ outcome: 'unknown' })
    expect(await textOf(healthy, 'd/b')).toBe('not-found')
  })

  test.each<[string, CallName, string]>([
    ['EACCES', 'open', 'ACCESS_DENIED'],
    ['EROFS', 'open', 'ACCESS_DENIED'],
    ['EACCES', 'link', 'ACCESS_DENIED'],
    ['EPERM', 'link', 'UNSUPPORTED_STORE'],
    ['ENOTSUP', 'link', 'UNSUPPORTED_STORE'],
    ['EXDEV', 'link', 'UNSUPPORTED_STORE'],
    ['ENAMETOOLONG', 'link', 'INVALID_REQUEST'],
  ])('throws what nobody but the user can change: %s from %s', async (code, call, thrown) => {
    await using directory = await testDirectory()
    const healthy = createFsStore({ directory: directory.path })
    const store = watchedStore({ directory: directory.path }, failing(call, code, '.tmp/'))
    const all: readonly (readonly [string, PutCondition])[] = [
      ['d/new', create],
      ...(await conditions(healthy)).map((condition) => ['d/a', condition] as const),
    ]
    for (const [key, condition] of all) {
      const message = expect.stringContaining(directory.path)
      await expect(store.put(key, bytes('new'), { condition })).rejects.toMatchObject({ code: thrown, key, message })
    }
    expect(await textOf(healthy, 'd/a')).toBe('old')
    expect(await textOf(healthy, 'd/new')).toBe('not-found')
    expect((await readdir(join(directory.path, '.tmp'))).filter((name) => name !== 'swept')).toEqual([])
  })

  test('whose directory cannot be synced is unknown, until a reader has synced it', async () => {
    await using directory = await testDirectory()
    let broken = false
    const synced: string[] = []
    const fail = failing('sync', 'EIO', 'store/d')
    const store = watchedStore({ directory: join(directory.path, 'store') }, (call, paths) => {
      if (broken) return fail(call, paths)
      if (call === 'sync') synced.push(...paths)
    })
    const spare = async (): Promise<number> =>
      (await readdir(join(directory.path, 'store/.tmp'))).filter((name) => name !== 'swept').length
    for (const condition of [create, overwrite]) {
      broken = true
      expect(await store.put('d/a', bytes('new'), { condition })).toMatchObject({ outcome: 'unknown' })
      expect(await spare()).toBe(1)
      await expect(store.get('d/a'), 'nor can it be shown before').rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      broken = false
      synced.length = 0
      expect(await textOf(store, 'd/a')).toBe('new')
      expect(synced.some((path) => path.includes('store/d'))).toBe(true)
      expect(await spare()).toBe(0)
      synced.length = 0
      expect(await textOf(store, 'd/a')).toBe('new')
      expect(synced).toEqual([])
    }
  })
})

test.each<[string, CallName, string, string]>([
  ['EMFILE', 'open', 'STORE_UNAVAILABLE', 'raise its limit'],
  ['ENFILE', 'open', 'STORE_UNAVAILABLE', 'raise fs.file-max'],
  ['EIO', 'read', 'STORE_UNAVAILABLE', 'The disk failed'],
  ['EACCES', 'open', 'ACCESS_DENIED', 'right to read and write'],
  ['ENAMETOOLONG', 'open', 'INVALID_REQUEST', 'shorter directory or key'],
])('a read that fails with %s from %s is %s', async (code, call, thrown, advice) => {
  await using directory = await testDirectory()
  await set(createFsStore({ directory: directory.path }), 'd/a', '1')
  const store = watchedStore({ directory: directory.path }, failing(call, code, 'd/a'))
  await expect(store.get('d/a')).rejects.toMatchObject({
    code: thrown,
    key: 'd/a',
    message: expect.stringContaining(advice),
  })
})

test('a list and a delete that fail say so', async () => {
  await using directory = await testDirectory()
  await set(createFsStore({ directory: directory.path }), 'd/a', '1')
  const blind = watchedStore({ directory: directory.path }, failing('entries', 'EACCES', '/d'))
  await expect(blind.list({ prefix: '' })).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  const bound = watchedStore({ directory: directory.path }, failing('unlink', 'EROFS', '/d/a'))
  await expect(bound.delete(['d/b', 'd/a'])).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  expect(await textOf(bound, 'd/a')).toBe('1')
})

test('never syncs without durability, and nothing but what it must with it', async () => {
  await using directory = await testDirectory()
  const synced: string[] = []
  const watch = (call: CallName, paths: readonly string[]): void => {
    if (call === 'sync') synced.push(...paths)
  }
  const careless = watchedStore({ directory: join(directory.path, 'x'), durability: 'none' }, watch)
  await set(careless, 'd/a', '1')
  await set(careless, 'd/a', '2')
  await careless.delete(['d/a'])
  expect(synced).toEqual([])

  const store = watchedStore({ directory: join(directory.path, 'y') }, watch)
  const etag = await set(store, 'd/a', '1')
  const next = etagOf(await store.put('d/a', bytes('2'), { condition: ifMatch(etag) }))
  synced.length = 0
  await set(store, 'd/b', '1')
  expect(synced.length, 'draft and directory').toBe(2)
  etagOf(await store.put('d/a', bytes('3'), { condition: ifMatch(next) }))
  expect(synced.length, 'draft and directory of versions').toBe(4)
  await textOf(store, 'd/a')
  await store.list({ prefix: '' })
  expect(synced.length).toBe(4)
  await store.delete(['d/a', 'd/b'])
  expect(synced.length, 'one directory for both').toBe(5)
})
