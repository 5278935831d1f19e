/**
 * The directory that the store is in: made by the first write, refused where it cannot be trusted, and recognised
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
  /** As `open`, for calls that only read: makes nothing. A directory that was never there is one without objects. */
  openToRead(): Promise<void>
  /**
   * Throws `NoSuchBucket` if the directory was opened before and is no longer there, or is another one. To be called before "there is no such object".
   */
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

  const fail = (error: unknown): unknown => {
    const code = codeOf(error)
    if (code === 'ENOTDIR' || code === 'EEXIST') {
      return noDirectory(
        path,
        'is a file, or its path runs through one. Name a directory, or a path where one can be made.',
        error,
      )
    }
    return toStoreError(error, { directory: path })
  }

  const assertPresent = async (): Promise<void> => {
    const facts = await unless(ABSENT, fs.facts(path))
    if (opened === undefined) return
    if (facts === undefined)
      throw noDirectory(path, 'was removed while the store was open. Make a new store to start over.')
    if (!isSameFile(opened, facts)) {
      throw noDirectory(
        path,
        'was replaced while the store was open, or a disk was mounted or unmounted there. Make a new store.',
      )
    }
  }

  const open = async (): Promise<OpenedRoot> => {
    try {
      // Reads may have found it before.
      if (opened !== undefined) await assertPresent()
      const made = await makeDirectories(fs, join(path, SPARE))
      const facts = await fs.facts(path)
      await assertLocal(fs, path)
      opened = facts
      if (durable) await settleNames(fs, made)
      return { wasThere: !made.includes(join(path, SPARE)) }
    } catch (error) {
      opening = undefined
      throw fail(error)
    }
  }

  const openToRead = async (): Promise<void> => {
    try {
      const facts = await unless(['ENOENT'], fs.facts(path))
      if (facts === undefined) return
      if (!facts.isDirectory) throw noDirectory(path, 'is a file. Name a directory, or a path where one can be made.')
      await assertLocal(fs, path)
      opened ??= facts
    } catch (error) {
      throw fail(error)
    }
  }

  return {
    path,
    open() {
      opening ??= open()
      return opening
    },
    async openToRead() {
      if (opening !== undefined) await opening
      else if (opened === undefined) await openToRead()
    },
    assertPresent,
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
