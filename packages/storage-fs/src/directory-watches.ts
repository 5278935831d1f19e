/**
 * Watches of directories that several listeners share: a process may watch hundreds of keys in one directory, and the system has few
 * watches to give.
 *
 * State: the directories that are watched, each with its listeners. A watch is closed when its last listener leaves.
 */
import type { DirectoryListener, FileSystem } from './file-system.ts'

export interface DirectoryWatches {
  /** Adds a listener, which may be called before this resolves. Resolves to the function that removes it. Fails as `FileSystem.watch` does. */
  subscribe(directory: string, listener: DirectoryListener): Promise<() => void>
}

interface Shared {
  readonly listeners: Set<DirectoryListener>
  /** Resolves to the function that closes the watch. */
  readonly opened: Promise<() => void>
}

export function createDirectoryWatches(fs: FileSystem): DirectoryWatches {
  const all = new Map<string, Shared>()

  const forget = (directory: string, listeners: Shared['listeners']): void => {
    if (all.get(directory)?.listeners === listeners) all.delete(directory)
  }
  const open = (directory: string): Shared => {
    const listeners: Shared['listeners'] = new Set()
    const opened = fs.watch(directory, {
      onName(name) {
        for (const listener of [...listeners]) listener.onName(name)
      },
      onEnd() {
        forget(directory, listeners)
        const left = [...listeners]
        listeners.clear()
        for (const listener of left) listener.onEnd()
      },
    })
    opened.catch(() => forget(directory, listeners))
    return { listeners, opened }
  }
  return {
    async subscribe(directory, listener) {
      const shared = all.get(directory) ?? open(directory)
      all.set(directory, shared)
      const { listeners, opened } = shared
      listeners.add(listener)
      const close = await opened
      return () => {
        if (!listeners.delete(listener) || listeners.size > 0) return
        forget(directory, listeners)
        close()
      }
    },
  }
}
