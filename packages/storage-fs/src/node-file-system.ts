/** The system calls of `FileSystem`, made with Node: with the permissions of new files, and no links followed below the store's directory. */
import { type BigIntStats, constants, watch } from 'node:fs'
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rmdir,
  stat,
  statfs,
  unlink,
} from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '@s3queue/storage'
import { codeOf, type FileFacts, type FileSystem, type OpenFile } from './file-system.ts'
import { LinkGuard } from './link-guard.ts'
import type { Permissions } from './options.ts'

/** Bytes in one call at most: Node takes no more than 2 GiB. */
const MAX_CALL_BYTES = 2 ** 30

/** Modes of new files and directories, from which the process's umask is taken away. */
const MODES: Readonly<Record<Permissions, { readonly file: number; readonly directory: number }>> = {
  owner: { file: 0o600, directory: 0o700 },
  umask: { file: 0o666, directory: 0o777 },
}

export interface NodeFileSystemOptions {
  /** The directory of the store, below which no links are followed. */
  readonly root: string
  readonly permissions: Permissions
  readonly clock: Clock
}

export function createNodeFileSystem({ root, permissions, clock }: NodeFileSystemOptions): FileSystem {
  const modes = MODES[permissions]
  const links = new LinkGuard(root, clock)
  const openToRead = async (path: string): Promise<FileHandle> => {
    if (!links.isBelowRoot(path)) return open(path, 'r')
    try {
      return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    } catch (error) {
      if (codeOf(error) === 'ELOOP') throw links.refused(path)
      throw error
    }
  }
  return {
    async open(path, mode) {
      await links.check(dirname(path))
      return openFile(await (mode === 'read' ? openToRead(path) : open(path, 'wx', modes.file)))
    },
    async facts(path) {
      await links.check(dirname(path))
      if (!links.isBelowRoot(path)) return factsOf(await stat(path, { bigint: true }))
      const stats = await lstat(path, { bigint: true })
      if (stats.isSymbolicLink()) throw links.refused(path)
      return factsOf(stats)
    },
    async entries(directory) {
      await links.check(dirname(directory))
      const entries = await readdir(directory, { withFileTypes: true })
      // Afterwards, as most objects have no directory of versions: what is missing needs no second question.
      await links.check(directory)
      return entries
    },
    async link(existing, path) {
      await links.check(dirname(existing))
      await links.check(dirname(path))
      await link(existing, path)
    },
    async rename(from, to) {
      await links.check(dirname(from))
      await links.check(dirname(to))
      await rename(from, to)
    },
    async unlink(path) {
      await links.check(dirname(path))
      await unlink(path)
    },
    async makeDirectory(path) {
      await links.check(dirname(path))
      await mkdir(path, { mode: modes.directory })
    },
    async removeDirectory(path) {
      await links.check(dirname(path))
      await rmdir(path)
    },
    async type(path) {
      return (await statfs(path)).type
    },
    async watch(directory, { onName, onEnd }) {
      await links.check(directory)
      // The slash makes Linux refuse what is not a directory, and report an event of the directory itself under the empty name.
      const watcher = watch(`${directory}/`, { persistent: false })
      const end = (): void => {
        watcher.close()
        onEnd()
      }
      watcher.on('change', (_, name) => {
        if (name === '') end()
        else onName(typeof name === 'string' ? name : undefined)
      })
      watcher.on('error', end)
      return () => watcher.close()
    },
  }
}

function inOneCall(bytes: number): number {
  return Math.min(bytes, MAX_CALL_BYTES)
}

function openFile(handle: FileHandle): OpenFile {
  return {
    async write(bytes) {
      let written = 0
      while (written < bytes.byteLength) {
        const { bytesWritten } = await handle.write(bytes, written, inOneCall(bytes.byteLength - written))
        written += bytesWritten
      }
    },
    async read(target, position) {
      let filled = 0
      while (filled < target.byteLength) {
        const { bytesRead } = await handle.read(
          target,
          filled,
          inOneCall(target.byteLength - filled),
          position + filled,
        )
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return filled
    },
    async facts() {
      return factsOf(await handle.stat({ bigint: true }))
    },
    sync: () => handle.sync(),
    close: () => handle.close(),
  }
}

function factsOf(stats: BigIntStats): FileFacts {
  return {
    device: stats.dev,
    inode: stats.ino,
    bornNs: stats.birthtimeNs,
    isDirectory: stats.isDirectory(),
    size: Number(stats.size),
    links: Number(stats.nlink),
    modifiedMs: Number(stats.mtimeMs),
  }
}
