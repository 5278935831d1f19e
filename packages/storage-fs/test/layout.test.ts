import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { create, type ETag, ifMatch } from '@s3queue/storage'
import { expect, test } from 'vitest'
import { createFsStore } from '../src/index.ts'
import { testDirectory } from './support/directory.ts'
import { bytes, etagOf, set, textOf } from './support/stores.ts'

test('an object is a file with its key as path: a readable line, then the body', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  const etag = await set(store, 'a/b/c', 'hello')
  const file = await readFile(join(directory.path, 'a/b/c'), 'utf8')
  expect(file).toBe(`s3queue-object 1 ${etag} 0000000000005 3610a686 a/b/c\nhello`)
})

test('keeps few versions of an object that is written over again and again', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path, durability: 'none' })
  let etag: ETag = await set(store, 'd/a', '0')
  const seen = new Set([etag])
  for (let i = 1; i <= 100; i++) {
    etag = etagOf(await store.put('d/a', bytes(String(i)), { condition: ifMatch(etag) }))
    seen.add(etag)
    expect((await readdir(join(directory.path, 'd'), { recursive: true })).length).toBeLessThan(25)
  }
  expect(seen.size).toBe(101)
  expect(await textOf(store, 'd/a')).toBe('100')
  await store.delete(['d/a'])
  expect(await readdir(join(directory.path, 'd'))).toEqual([])
  expect((await readdir(join(directory.path, '.tmp'))).length).toBe(0)
})

test('takes keys with the longest segments, also over and over', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  const key = ['x', 'y', 'z'].map((letter) => letter.repeat(255)).join('/')
  for (const body of ['1', '2', '3']) await set(store, key, body)
  expect(await textOf(store, key)).toBe('3')
})

test('a folder whose objects are all gone does not stand in the way of an object', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  for (const key of ['a/b/c', 'a/b/d', 'a/e/f']) await set(store, key, '1')
  const put = (): Promise<unknown> => store.put('a', bytes('1'), { condition: create })
  await store.delete(['a/b/c', 'a/b/d'])
  await expect(put()).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringContaining('path prefix'),
  })
  expect(await textOf(store, 'a/e/f')).toBe('1')
  await store.delete(['a/e/f'])
  expect(await put()).toMatchObject({ outcome: 'stored' })
  await expect(store.put('a/e/f', bytes('1'), { condition: create })).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
})

test('an ETag of another make matches nothing', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  const etag = await set(store, 'a', '1')
  for (const other of [
    '',
    '"5d41402abc4b2a76b9719d911017c592"',
    `${etag}-`,
    `${etag}-000000000001-ABCDEFGHJKMNPQRS`,
    '../../a',
    `"${etag}"`,
  ]) {
    const result = await store.put('a', bytes('2'), { condition: ifMatch(other) })
    expect(result.outcome, other).toBe('precondition-failed')
  }
  expect(await textOf(store, 'a')).toBe('1')
})
