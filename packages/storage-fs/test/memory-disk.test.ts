import { join } from 'node:path'
import { seededRandom } from '@s3queue/storage'
import { expect, test } from 'vitest'
import { codeOf, type FileSystem, isSameFile } from '../src/file-system.ts'
import { createMemoryDisk } from './model/memory-disk.ts'
import { testDirectory } from './support/directory.ts'
import { nodeFileSystem } from './support/node-file-system.ts'

const NAMES = ['a', 'b', 'a/a', 'a/b', 'b/a', 'b/b', 'a/a/a']

type Call = (fs: FileSystem, at: (name: string) => string) => Promise<unknown>

/** A random call, chosen before it is made, so that it can be made on two file systems. */
function randomCall(random: { next(): number }): Call {
  const pick = <T>(items: readonly [T, ...T[]]): T => items[Math.floor(random.next() * items.length)] ?? items[0]
  const names = NAMES as [string, ...string[]]
  const [one, two] = [pick(names), pick(names)]
  return pick<Call>([
    async (fs, at) => {
      const file = await fs.open(at(one), 'create')
      await file.write(Buffer.from('first '))
      await file.write(Buffer.from(two))
      await file.close()
    },
    async (fs, at) => {
      const file = await fs.open(at(one), 'read')
      const target = new Uint8Array(20)
      const { isDirectory, links } = await file.facts()
      const bytes = isDirectory ? 'directory' : target.subarray(0, await file.read(target, 2))
      await file.close()
      return [isDirectory || links, bytes]
    },
    async (fs, at) => {
      const { isDirectory, size, links } = await fs.facts(at(one))
      return isDirectory ? 'directory' : [size, links]
    },
    async (fs, at) => {
      const entries = await fs.entries(at(one))
      return entries.map((entry) => [entry.name, entry.isFile(), entry.isDirectory()]).sort()
    },
    async (fs, at) => isSameFile(await fs.facts(at(one)), await fs.facts(at(two))),
    (fs, at) => fs.link(at(one), at(two)),
    (fs, at) => fs.link(at(one), at(two)),
    (fs, at) =>
      two.startsWith(`${one}/`) || one.startsWith(`${two}/`) ? Promise.resolve() : fs.rename(at(one), at(two)),
    (fs, at) =>
      two.startsWith(`${one}/`) || one.startsWith(`${two}/`) ? Promise.resolve() : fs.rename(at(one), at(two)),
    (fs, at) => fs.unlink(at(one)),
    (fs, at) => fs.makeDirectory(at(one)),
    (fs, at) => fs.makeDirectory(at(one)),
    (fs, at) => fs.removeDirectory(at(one)),
  ])
}

async function outcomeOf(call: Call, fs: FileSystem, root: string): Promise<unknown> {
  try {
    return { answer: await call(fs, (name) => join(root, name)) }
  } catch (error) {
    return { code: codeOf(error) }
  }
}

test('the disk of the model answers like the real one, call for call', async () => {
  await using directory = await testDirectory()
  const random = seededRandom(7)
  for (let round = 0; round < 40; round++) {
    const root = join(directory.path, String(round))
    await nodeFileSystem.makeDirectory(root)
    const disk = createMemoryDisk()
    for (let i = 0; i < 60; i++) {
      const call = randomCall(random)
      const real = await outcomeOf(call, nodeFileSystem, root)
      expect(await outcomeOf(call, disk, '/'), `round ${round}, call ${i}: ${call}`).toEqual(real)
    }
  }
})

test('a power failure keeps what was synced, and of the rest any first part', async () => {
  const disk = createMemoryDisk()
  await disk.makeDirectory('/d')
  const root = await disk.open('/', 'read')
  await root.sync()
  for (const name of ['x', 'y']) {
    const file = await disk.open(`/d/${name}`, 'create')
    await file.write(Buffer.from(name))
    await file.sync()
    await file.close()
  }
  const outcomes = Array.from({ length: disk.powerFailures() }, (_, i) => disk.afterPowerFailure(i).paths().join(' '))
  expect(outcomes).toEqual(['/d/', '/d/ /d/x', '/d/ /d/x /d/y'])
  const d = await disk.open('/d', 'read')
  await d.sync()
  expect(disk.powerFailures()).toBe(1)
  await disk.rename('/d/x', '/z')
  expect(disk.afterPowerFailure(0).paths()).toEqual(['/d/', '/d/x', '/d/y'])
  expect(disk.afterPowerFailure(1).paths()).toEqual(['/d/', '/d/y', '/z'])
})
