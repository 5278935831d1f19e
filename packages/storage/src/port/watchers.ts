/**
 * Notifies within one process: the `watch` of stores that make every change themselves, such as those in memory.
 *
 * State: the watchers by prefix. A change looks up the prefixes of its key only, so it costs nothing where no process watches.
 */
import { assertWatchPrefix } from '../requests/assert-request.ts'
import { inMicrotask } from '../runtime/microtask.ts'
import type { WatchOptions } from './object-store.ts'

export interface Watchers {
  /** The `watch` of the store. */
  watch(options: WatchOptions): Promise<boolean>
  /** Notifies the watchers of `key` after the current call, once for all changes until then. Call it when reads see the change. */
  changed(key: string): void
}

interface Watcher {
  readonly options: WatchOptions
  isDue: boolean
}

export function createWatchers(): Watchers {
  const byPrefix = new Map<string, Set<Watcher>>()

  const add = (watcher: Watcher): void => {
    const { prefix, signal } = watcher.options
    const watchers = byPrefix.get(prefix) ?? new Set()
    byPrefix.set(prefix, watchers.add(watcher))
    const remove = (): void => {
      watchers.delete(watcher)
      if (watchers.size === 0 && byPrefix.get(prefix) === watchers) byPrefix.delete(prefix)
    }
    signal.addEventListener('abort', remove, { once: true })
  }
  const notify = (watcher: Watcher): void => {
    if (watcher.isDue) return
    watcher.isDue = true
    inMicrotask(() => {
      // A change that `onChange` makes is one more.
      watcher.isDue = false
      if (!watcher.options.signal.aborted) watcher.options.onChange()
    })
  }
  return {
    async watch(options) {
      assertWatchPrefix(options.prefix)
      if (options.signal.aborted) return false
      add({ options, isDue: false })
      return true
    },
    changed(key) {
      if (byPrefix.size === 0) return
      for (const prefix of prefixesOf(key)) byPrefix.get(prefix)?.forEach(notify)
    },
  }
}

/** All that a watch of `a/b` can be for: ``, `a/`, `a/b`. */
function* prefixesOf(key: string): Generator<string> {
  yield ''
  for (let slash = key.indexOf('/'); slash !== -1; slash = key.indexOf('/', slash + 1)) yield key.slice(0, slash + 1)
  yield key
}
