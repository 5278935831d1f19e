import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import type { FileSystem } from '../src/file-system.ts'
import { createSettling } from '../src/settling.ts'
import { createMemoryDisk, type MemoryDisk } from './model/memory-disk.ts'

/** The disk, and which directories are synced on it, in order. */
function watched(
  disk: MemoryDisk,
  beforeSync: (path: string) => Promise<void> = async () => {},
): { fs: FileSystem; synced: string[] } {
  const synced: string[] = []
  const open: FileSystem['open'] = async (path, mode) => {
    const file = await disk.open(path, mode)
    return {
      ...file,
      async sync() {
        await beforeSync(path)
        synced.push(path)
        return file.sync()
      },
    }
  }
  return { fs: { ...disk, open }, synced }
}

async function makeTree(disk: MemoryDisk, path: string): Promise<void> {
  if (path === '/') return
  await makeTree(disk, dirname(path))
  await disk.makeDirectory(path)
}

test('syncs all directories up to the root once, then only the one', async () => {
  const disk = createMemoryDisk()
  await makeTree(disk, '/a/b/c')
  const { fs, synced } = watched(disk)
  const settling = createSettling(fs, '/')
  await settling.settle('/a/b/c')
  expect(synced).toEqual(['/a/b/c', '/a/b', '/a', '/'])
  expect(disk.afterPowerFailure(0).paths()).toEqual(['/a/', '/a/b/', '/a/b/c/'])
  await settling.settle('/a/b/c')
  await settling.settle('/a/b')
  expect(synced.slice(4)).toEqual(['/a/b/c', '/a/b'])
})

test('knows a directory that was removed and made again for a new one', async () => {
  const disk = createMemoryDisk()
  await makeTree(disk, '/a')
  const { fs, synced } = watched(disk)
  const settling = createSettling(fs, '/')
  await settling.settle('/a')
  await disk.removeDirectory('/a')
  await disk.makeDirectory('/a')
  synced.length = 0
  await settling.settle('/a')
  expect(synced).toEqual(['/a', '/'])
})

test('has nothing to do for a directory that is gone', async () => {
  const { fs, synced } = watched(createMemoryDisk())
  await createSettling(fs, '/').settle('/gone')
  expect(synced).toEqual([])
})

test('calls that come during a sync share the next one', async () => {
  const disk = createMemoryDisk()
  const first = Promise.withResolvers<void>()
  let syncs = 0
  const { fs } = watched(disk, () => (++syncs === 1 ? first.promise : Promise.resolve()))
  const settling = createSettling(fs, '/')
  const early = settling.settle('/')
  const late = [settling.settle('/'), settling.settle('/'), settling.settle('/')]
  first.resolve()
  await Promise.all([early, ...late])
  expect(syncs).toBe(2)
})

test('a sync that fails is the failure of those who waited for it alone', async () => {
  const disk = createMemoryDisk()
  const first = Promise.withResolvers<void>()
  let syncs = 0
  const { fs } = watched(disk, () => (++syncs === 1 ? first.promise : Promise.resolve()))
  const settling = createSettling(fs, '/')
  const early = settling.settle('/')
  const late = settling.settle('/')
  first.reject(new Error('EIO'))
  await expect(early).rejects.toThrow('EIO')
  await late
  await settling.settle('/')
  expect(syncs).toBe(3)
})
