/**
 * The directory that the store is in: made when it is first needed, refused where it cannot be trusted, and recognised
 * later on. A directory that was removed, or from which a disk was unmounted, must not look like a store without objects.
 *
 * State: the opening that is under way or done, and which directory was found.
 */
import { dirname, join } from 'node:path'
import { UnsupportedStore } from '@s3queue/storage'
import { noDirectory, toStoreError } from './failure.ts'
import { ABSENT, codeOf, type FileFacts, type FileSystem, isSameFile, unless } from './file-system.ts'
import { SPARE } from './layout.ts'

export interface Root {
  readonly path: string
  /** Makes the directory if it is not there. Answers at once when that was done before, and tries again when it failed. */
  open(): Promise<OpenedRoot>
  /** Throws `NoSuchBucket` unless the directory is still there, and still the one that was opened. To be called before "there is no such object". */
  assertPresent(): Promise<void>
}

export interface OpenedRoot {
  /** Whether there may be leftovers of earlier processes. */
  readonly wasThere: boolean
}

/** Numbers of network file systems (Linux: statfs(2), include/uapi/linux/magic.h and the sources of each). */
const NETWORK_TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'CephFS'],
])

export function createRoot(fs: FileSystem, path: string, durable: boolean): Root {
  let opening: Promise<OpenedRoot> | undefined
  let opened: FileFacts | undefined

  const open = async (): Promise<OpenedRoot> => {
    try {
      const made = await makeDirectories(fs, join(path, SPARE))
      opened = await fs.facts(path)
      await assertLocal(fs, path)
      if (durable) await settleNames(fs, made)
      return { wasThere: !made.includes(join(path, SPARE)) }
    } catch (error) {
      opening = undefined
      const code = codeOf(error)
      if (code === 'ENOTDIR' || code === 'EEXIST') {
        throw noDirectory(
          path,
          'is a file, or its path runs through one. Name a directory, or a path where one can be made.',
          error,
        )
      }
      throw toStoreError(error, { directory: path })
    }
  }

  return {
    path,
    open() {
      opening ??= open()
      return opening
    },
    async assertPresent() {
      const facts = await unless(ABSENT, fs.facts(path))
      if (facts === undefined)
        throw noDirectory(path, 'was removed while the store was open. Make a new store to start over.')
      if (opened !== undefined && !isSameFile(opened, facts)) {
        throw noDirectory(
          path,
          'was replaced while the store was open, or a disk was mounted or unmounted there. Make a new store.',
        )
      }
    },
  }
}

/** Makes `path` and what is missing above it; answers the directories that it made, the deepest one last. */
async function makeDirectories(fs: FileSystem, path: string): Promise<string[]> {
  try {
    await fs.makeDirectory(path)
    return [path]
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST' && (await fs.facts(path)).isDirectory) return []
    if (code !== 'ENOENT' || dirname(path) === path) throw error
  }
  const above = await makeDirectories(fs, dirname(path))
  return [...above, ...(await makeDirectories(fs, path))]
}

async function settleNames(fs: FileSystem, made: readonly string[]): Promise<void> {
  for (const directory of made) {
    const above = await fs.open(dirname(directory), 'read')
    try {
      await above.sync()
    } finally {
      await above.close()
    }
  }
}

async function assertLocal(fs: FileSystem, path: string): Promise<void> {
  const name = NETWORK_TYPES.get((await fs.type(path)) >>> 0)
  if (name === undefined) return
  throw new UnsupportedStore(
    `The directory ${path} (option \`directory\`) is on ${name}, a network file system, where a repeated request can be answered ` +
      'with the failure of its own success. Use a local disk, or an S3 server for several machines.',
  )
}
