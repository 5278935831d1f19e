/** What other users of the machine can read. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { create, overwrite } from '@s3queue/storage'
import { expect, onTestFinished, test } from 'vitest'
import { createFsStore, type FsStoreOptions } from '../src/index.ts'
import { testDirectory } from './support/directory.ts'
import { bytes } from './support/stores.ts'

/** The permissions of all files, and of all directories, that a busy store makes. */
async function modesOf(
  options: Omit<FsStoreOptions, 'directory'>,
): Promise<{ files: string[]; directories: string[] }> {
  await using test = await testDirectory()
  const directory = join(test.path, 'made/by/the/store')
  const store = createFsStore({ directory, ...options })
  await store.put('a/b/object', bytes('1'), { condition: create })
  await store.put('a/b/object', bytes('2'), { condition: overwrite })
  await store.put('other', bytes('3'), { condition: overwrite })
  const modes = { files: new Set<string>(), directories: new Set<string>() }
  for (const entry of await readdir(test.path, { recursive: true, withFileTypes: true })) {
    const { mode } = await stat(join(entry.parentPath, entry.name))
    modes[entry.isDirectory() ? 'directories' : 'files'].add((mode & 0o777).toString(8))
  }
  return { files: [...modes.files], directories: [...modes.directories] }
}

function withUmask(mask: number): void {
  const before = process.umask(mask)
  onTestFinished(() => void process.umask(before))
}

test('only the owner reads and writes what a store makes, whatever the umask allows', async () => {
  withUmask(0)
  expect(await modesOf({})).toEqual({ files: ['600'], directories: ['700'] })
})

test('permissions: umask leaves it to the umask of the process', async () => {
  withUmask(0o007)
  expect(await modesOf({ permissions: 'umask' })).toEqual({ files: ['660'], directories: ['770'] })
})
