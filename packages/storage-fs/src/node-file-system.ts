/** The system calls of `FileSystem`, made with Node. */
import { type BigIntStats, watch } from 'node:fs'
import { type FileHandle, link, mkdir, open, readdir, rename, rmdir, stat, statfs, unlink } from 'node:fs/promises'
import type { FileFacts, FileSystem, OpenFile } from './file-system.ts'

/** Bytes in one call at most: Node takes no more than 2 GiB. */
const MAX_CALL_BYTES = 2 ** 30

export const nodeFileSystem: FileSystem = {
  async open(path, mode) {
    return openFile(await open(path, mode === 'read' ? 'r' : 'wx'))
  },
  async facts(path) {
    return factsOf(await stat(path, { bigint: true }))
  },
  entries: (directory) => readdir(directory, { withFileTypes: true }),
  link,
  rename,
  unlink,
  makeDirectory: (path) => mkdir(path),
  removeDirectory: (path) => rmdir(path),
  async type(path) {
    return (await statfs(path)).type
  },
  async watch(directory, { onName, onEnd }) {
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
