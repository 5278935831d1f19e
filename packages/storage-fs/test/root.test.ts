import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { create, type ObjectStore } from '@s3queue/storage'
import { expect, test } from 'vitest'
import { createStoreOn } from '../src/fs-store.ts'
import { createFsStore } from '../src/index.ts'
import { resolveFsStoreOptions } from '../src/options.ts'
import { testDirectory } from './support/directory.ts'
import { nodeFileSystem } from './support/node-file-system.ts'
import { bytes, set, textOf, watchedStore } from './support/stores.ts'
import { failing } from './support/watched.ts'

const everyCall = (store: ObjectStore): (() => Promise<unknown>)[] => [
  () => store.get('a/b'),
  () => store.put('a/b', bytes('1'), { condition: create }),
  () => store.put('a/b', bytes('1'), { condition: { kind: 'if-match', etag: 'none' } }),
  () => store.list({ prefix: 'a/' }),
  () => store.delete(['a/b']),
]

/** Calls that make the directory. */
const everyWrite = (store: ObjectStore): (() => Promise<unknown>)[] => {
  const [, put, putIf, , remove] = everyCall(store)
  return [put, putIf, remove].filter((call) => call !== undefined)
}

test('makes its directory when it is first written, and nothing when it is read', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: join(directory.path, 'x/y') })
  expect(await textOf(store, 'a')).toBe('not-found')
  expect(await store.list({ prefix: 'a/' })).toMatchObject({ entries: [], truncated: false })
  expect(await readdir(directory.path)).toEqual([])
  await set(store, 'a', 'body')
  expect(await readdir(join(directory.path, 'x/y'))).toEqual(['.tmp', 'a'])
})

test('makes nothing in a directory that it reads', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  expect(await textOf(store, 'a')).toBe('not-found')
  expect(await store.list({ prefix: '' })).toMatchObject({ entries: [] })
  expect(await readdir(directory.path)).toEqual([])
})

test('does not make a directory anew that was read and then removed', async () => {
  await using directory = await testDirectory()
  const path = join(directory.path, 'x')
  await set(createFsStore({ directory: path }), 'a', 'body')
  const reader = createFsStore({ directory: path })
  expect(await textOf(reader, 'a')).toBe('body')
  await rm(path, { recursive: true })
  for (const call of everyCall(reader)) {
    await expect(call()).rejects.toMatchObject({
      code: 'NO_SUCH_BUCKET',
      message: expect.stringContaining('was removed'),
    })
  }
  expect(await readdir(directory.path)).toEqual([])
})

test('many stores may make one directory at once', async () => {
  await using directory = await testDirectory()
  const stores = Array.from({ length: 10 }, () => createFsStore({ directory: join(directory.path, 'x/y/z') }))
  await Promise.all(stores.map((store, i) => set(store, `a${i}`, 'body')))
  expect((await readdir(join(directory.path, 'x/y/z'))).length).toBe(11)
})

test('says so when its path runs through a file', async () => {
  await using directory = await testDirectory()
  await writeFile(join(directory.path, 'file'), '')
  const path = join(directory.path, 'file/below')
  for (const call of everyCall(createFsStore({ directory: path }))) {
    await expect(call()).rejects.toMatchObject({ code: 'NO_SUCH_BUCKET', message: expect.stringContaining(path) })
  }
})

test.each(['EACCES', 'EPERM', 'EROFS'])(
  'names directory and option when it may not make it (%s), and works once it may',
  async (code) => {
    await using directory = await testDirectory()
    let allowed = false
    const path = join(directory.path, 'x')
    const deny = failing('makeDirectory', code)
    const store = watchedStore({ directory: path }, (call, paths) => (allowed ? undefined : deny(call, paths)))
    for (const call of everyWrite(store)) {
      const message = expect.stringMatching(new RegExp(`${path} \\(option \`directory\`\\).*${code}`))
      await expect(call()).rejects.toMatchObject({ code: 'ACCESS_DENIED', message })
    }
    allowed = true
    expect(await textOf(store, 'a')).toBe('not-found')
  },
)

test('does not take a directory that was removed for an empty store', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: join(directory.path, 'x') })
  await set(store, 'a/b', '1')
  await rm(join(directory.path, 'x'), { recursive: true })
  for (const call of everyCall(store)) {
    await expect(call()).rejects.toMatchObject({
      code: 'NO_SUCH_BUCKET',
      message: expect.stringContaining('was removed'),
    })
  }
})

test('does not take another directory in its place for its own', async () => {
  await using directory = await testDirectory()
  const path = join(directory.path, 'x')
  const store = createFsStore({ directory: path })
  await set(store, 'a/b', '1')
  await rename(path, join(directory.path, 'moved'))
  await mkdir(join(path, '.tmp'), { recursive: true })
  const [get, , putIf, list, remove] = everyCall(store)
  for (const call of [get, putIf, list, remove]) {
    await expect(call?.()).rejects.toMatchObject({
      code: 'NO_SUCH_BUCKET',
      message: expect.stringContaining('was replaced'),
    })
  }
})

test.each([
  [0x6969, 'NFS'],
  [-0x00acb2be, 'CIFS'],
])('refuses a network file system: %i is %s', async (type, name) => {
  await using directory = await testDirectory()
  const fs = { ...nodeFileSystem, type: async () => type }
  const store = createStoreOn(fs, resolveFsStoreOptions({ directory: directory.path }))
  for (const call of everyCall(store)) {
    await expect(call()).rejects.toMatchObject({ code: 'UNSUPPORTED_STORE', message: expect.stringContaining(name) })
  }
})
