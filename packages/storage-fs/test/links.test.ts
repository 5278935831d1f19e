/** Symbolic links in the directory of a store, which lead to files that do not belong to it. */
import { lstat, mkdir, readdir, readFile, rename, rm, symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { create, ifMatch, type ObjectStore, overwrite } from '@s3queue/storage'
import { createManualClock } from '@s3queue/storage/testing'
import { expect, test } from 'vitest'
import { createFsStore } from '../src/index.ts'
import { createNodeFileSystem } from '../src/node-file-system.ts'
import { noSettling } from '../src/settling.ts'
import { SWEEP_AGE_MS, sweep } from '../src/sweep.ts'
import { testDirectory } from './support/directory.ts'
import { bytes, set, textOf } from './support/stores.ts'

/** A store, and another one beside it whose object `x` a link could reach. */
async function neighbours(path: string) {
  const [inside, outside] = [join(path, 'inside'), join(path, 'outside')]
  const other = createFsStore({ directory: outside })
  await set(other, 'x', 'theirs')
  const store = createFsStore({ directory: inside })
  await set(store, 'own/x', 'ours')
  return { inside, outside, store, other }
}

const everyCall = (store: ObjectStore, key: string): (() => Promise<unknown>)[] => [
  () => store.get(key),
  () => store.put(key, bytes('1'), { condition: create }),
  () => store.put(key, bytes('1'), { condition: overwrite }),
  () => store.put(key, bytes('1'), { condition: ifMatch('0123456789ABCDEF') }),
  () => store.delete([key]),
]

test.each([
  ['a link to a directory', 'link', 'link/x'],
  ['a link above the directory of the key', 'link', 'link/below/x'],
  ['a link in the place of an object', 'link', 'link'],
])('refuses %s, and names it', async (_, name, key) => {
  await using directory = await testDirectory()
  const { inside, outside, store } = await neighbours(directory.path)
  await symlink(key === name ? join(outside, 'x') : outside, join(inside, name))
  for (const call of everyCall(store, key)) {
    await expect(call()).rejects.toMatchObject({
      code: 'UNSUPPORTED_STORE',
      message: expect.stringContaining(`${join(inside, name)} is a symbolic link`),
    })
  }
  expect((await readdir(outside)).sort()).toEqual(['.tmp', 'x'])
  expect((await readFile(join(outside, 'x'), 'latin1')).endsWith('theirs')).toBe(true)
  expect(await textOf(store, 'own/x')).toBe('ours')
})

test('lists no objects behind a link, and refuses to list one', async () => {
  await using directory = await testDirectory()
  const { inside, outside, store } = await neighbours(directory.path)
  await symlink(outside, join(inside, 'link'))
  await symlink(join(outside, 'x'), join(inside, 'object'))
  expect((await store.list({ prefix: '' })).entries.map(({ key }) => key)).toEqual(['own/x'])
  await expect(store.list({ prefix: 'link/' })).rejects.toMatchObject({ code: 'UNSUPPORTED_STORE' })
})

test('refuses links in the place of its own directories', async () => {
  await using directory = await testDirectory()
  const { inside, outside, store } = await neighbours(directory.path)
  await set(store, 'own/x', 'second')
  const [versions = ''] = (await readdir(join(inside, 'own'))).filter((name) => name.startsWith('~'))
  await rename(join(inside, 'own', versions), join(directory.path, 'versions'))
  await symlink(join(directory.path, 'versions'), join(inside, 'own', versions))
  await expect(createFsStore({ directory: inside }).get('own/x')).rejects.toMatchObject({ code: 'UNSUPPORTED_STORE' })
  await rm(join(inside, '.tmp'), { recursive: true })
  await symlink(join(outside, '.tmp'), join(inside, '.tmp'))
  await expect(set(createFsStore({ directory: inside }), 'y', '1')).rejects.toMatchObject({ code: 'UNSUPPORTED_STORE' })
  expect(await readdir(join(outside, '.tmp'))).toEqual([])
})

test('the sweep leaves files behind a link alone', async () => {
  await using directory = await testDirectory()
  const { inside, outside, store } = await neighbours(directory.path)
  await textOf(store, 'own/x')
  await mkdir(join(outside, 'empty'))
  await symlink(join(outside, 'empty'), join(inside, 'own/~0123456789ABCDEF'))
  await symlink(outside, join(inside, 'link'))
  const old = new Date(Date.now() - 2 * SWEEP_AGE_MS)
  await utimes(join(outside, 'empty'), old, old)
  const clock = createManualClock({ startMs: Date.now() })
  const fs = createNodeFileSystem({ root: inside, permissions: 'owner', clock })
  await sweep({ fs, root: inside, settling: noSettling, clock })
  expect((await readdir(outside)).sort()).toEqual(['.tmp', 'empty', 'x'])
  expect((await lstat(join(inside, 'link'))).isSymbolicLink()).toBe(true)
})

test('a watch below a link is refused', async () => {
  await using directory = await testDirectory()
  const { inside, outside, store } = await neighbours(directory.path)
  await symlink(outside, join(inside, 'link'))
  const controller = new AbortController()
  const options = { prefix: 'link/', onChange: () => {}, signal: controller.signal }
  expect(await store.watch?.(options)).toBe(false)
  controller.abort()
})

test('a link that appears under an open store is refused within a second', async () => {
  await using directory = await testDirectory()
  const { inside, outside } = await neighbours(directory.path)
  const clock = createManualClock()
  const store = createFsStore({ directory: inside, clock })
  expect(await textOf(store, 'own/x')).toBe('ours')
  await rename(join(inside, 'own'), join(inside, 'moved'))
  await symlink(outside, join(inside, 'own'))
  await clock.advance(1_000)
  await expect(store.get('own/x')).rejects.toMatchObject({ code: 'UNSUPPORTED_STORE' })
})

test('the directory of the store, and those above it, may be links', async () => {
  await using directory = await testDirectory()
  await mkdir(join(directory.path, 'real/root'), { recursive: true })
  await symlink('real', join(directory.path, 'above'))
  await symlink('root', join(directory.path, 'real/link'))
  const store = createFsStore({ directory: join(directory.path, 'above/link') })
  await set(store, 'a/b', 'body')
  expect(await textOf(createFsStore({ directory: join(directory.path, 'real/root') }), 'a/b')).toBe('body')
})
