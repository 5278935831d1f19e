import { copyFile, mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { create, ifMatch, overwrite } from '@s3queue/storage'
import { expect, test } from 'vitest'
import { createFsStore } from '../src/index.ts'
import { testDirectory } from './support/directory.ts'
import { bytes, listing, set, textOf } from './support/stores.ts'

async function flipLastByte(path: string): Promise<void> {
  const content = await readFile(path)
  content[content.length - 1] = (content.at(-1) ?? 0) ^ 1
  await writeFile(path, content)
}

test.each<[string, (path: string) => Promise<void>, string]>([
  ['cut off in its body', async (path) => truncate(path, (await readFile(path)).length - 3), 'bytes of the'],
  ['cut off in its head', (path) => truncate(path, 20), 'do not begin as they should'],
  ['empty', (path) => truncate(path, 0), 'its 0 bytes'],
  [
    'zeroed',
    async (path) => writeFile(path, new Uint8Array((await readFile(path)).length)),
    'do not begin as they should',
  ],
  ['longer than it was', (path) => writeFile(path, 'more', { flag: 'a' }), 'bytes of the'],
  ['changed in its body', flipLastByte, 'does not match its checksum'],
  ['something else', (path) => writeFile(path, 'not a record\n'), 'do not begin as they should'],
])('an object whose file is %s is not missing, but damaged', async (_, damage, problem) => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  const etag = await set(store, 'd/a', 'the body')
  await set(store, 'd/b', 'another')
  const path = join(directory.path, 'd/a')
  await damage(path)
  const read = store.get('d/a')
  await expect(read).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', key: 'd/a' })
  await expect(read).rejects.toThrow(
    new RegExp(`${path} is damaged: .*${problem}.*Restore it from a backup, or delete`),
  )
  expect((await listing(store)).map((entry) => entry.split(':')[0])).toEqual(['d/a', 'd/b'])
  expect(await store.put('d/a', bytes('new'), { condition: create })).toMatchObject({ outcome: 'precondition-failed' })
  // A body that does not match is only seen when it is read; nothing stands against writing over it.
  if (!problem.includes('checksum')) {
    for (const condition of [ifMatch(etag), overwrite]) {
      expect(await store.put('d/a', bytes('new'), { condition })).toMatchObject({ outcome: 'unknown' })
    }
  }
  await store.delete(['d/a'])
  expect(await listing(store)).toEqual(['d/b:7'])
  await set(store, 'd/a', 'new')
  expect(await textOf(store, 'd/a')).toBe('new')
})

test('a file that was copied to the place of another object is not that object', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  await set(store, 'a', 'body')
  await copyFile(join(directory.path, 'a'), join(directory.path, 'b'))
  await expect(store.get('b')).rejects.toThrow('it holds the object "a"')
})

test('keys that are one file for the file system are told apart', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  await set(store, 'queue/Job', 'body')
  // What is found under the other name on a file system that ignores case.
  await copyFile(join(directory.path, 'queue/Job'), join(directory.path, 'queue/job'))
  for (const call of [
    () => store.get('queue/job'),
    () => store.put('queue/job', bytes('1'), { condition: create }),
    () => store.put('queue/job', bytes('1'), { condition: overwrite }),
    () => store.delete(['queue/job']),
  ]) {
    await expect(call()).rejects.toMatchObject({
      code: 'UNSUPPORTED_STORE',
      message: expect.stringContaining('upper case'),
    })
  }
})

test('a damaged version directory ends in an error, not in a wait for ever', async () => {
  await using directory = await testDirectory()
  const store = createFsStore({ directory: directory.path })
  const etag = await set(store, 'a', 'body')
  await mkdir(join(directory.path, `~${etag}`))
  await expect(store.get('a')).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('damaged'),
  })
  expect(await store.put('a', bytes('1'), { condition: overwrite })).toMatchObject({ outcome: 'unknown' })
})
