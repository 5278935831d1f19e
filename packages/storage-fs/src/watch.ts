/**
 * `watch`: notifications from the system's own watches of directories, which see the changes of all processes.
 *
 * A change shows in one of two places (see `layout.ts`). An object is created, deleted, and overwritten for the first time by a name in
 * its directory; each later overwrite renames `now~…` in `~<birth>/`. So a watch of a key watches both, and a watch of a prefix watches
 * all directories below it. Directories come and go: a watch waits for a missing one in the nearest directory above it that exists,
 * and starts again from there when a directory is removed. Nothing is created for it.
 *
 * The system watches a directory, not a path. Changes in a new directory go unseen until it is watched, so each new watch of a directory
 * is itself notified as a change.
 */
import { basename, dirname, join, relative, sep } from 'node:path'
import { assertWatchPrefix, type Clock, isKeySegment, type WatchOptions } from '@s3queue/storage'
import { createDirectoryWatches, type DirectoryWatches } from './directory-watches.ts'
import { ABSENT, type FileSystem, unless } from './file-system.ts'
import { birthOf, objectPath, parseNowName, versionsPath } from './layout.ts'
import { ignoreDamage, openRecord } from './record.ts'

export interface WatchContext {
  readonly fs: FileSystem
  readonly root: string
  readonly clock: Clock
}

/** How often a directory on the way may be removed just after it was found. */
const MAX_ATTEMPTS = 100

/** The `watch` of a store. `open` makes the root if it is not there. */
export function createWatch(
  context: WatchContext,
  open: () => Promise<void>,
): (options: WatchOptions) => Promise<boolean> {
  const directories = createDirectoryWatches(context.fs)
  return async (options) => {
    assertWatchPrefix(options.prefix)
    const { signal } = options
    if (signal.aborted) return false
    const watcher = new Watcher(context, directories, options)
    const end = (): void => watcher.end()
    signal.addEventListener('abort', end, { once: true })
    try {
      await open()
      await watcher.begin()
      return !signal.aborted
    } catch {
      // The caller polls instead. If the store itself has failed, the next request reports it.
      signal.removeEventListener('abort', end)
      watcher.end()
      return false
    }
  }
}

/** Called with a name that changed in a watched directory. */
type OnName = (name: string | undefined) => void

/** One call of `watch`. State: the directories that it watches, the paths that it must still visit, and the notification that is due. */
class Watcher {
  readonly #context: WatchContext
  readonly #directories: DirectoryWatches
  readonly #onChange: () => void
  /** The key that is watched; undefined for a prefix. */
  readonly #key: string | undefined
  /** The directory of the key, or the one with all keys of the prefix. */
  readonly #base: string
  readonly #watched = new Map<string, () => void>()
  /** While there is no base: the directory in which the way there is to appear. */
  #above: string | undefined
  /** The directory with the later versions of the key, which may not be there yet. */
  #versions: string | undefined
  readonly #toVisit = new Set<string>()
  #isVisiting = false
  #state: 'beginning' | 'begun' | 'ended' = 'beginning'
  #cancelNotification: (() => void) | undefined

  constructor(context: WatchContext, directories: DirectoryWatches, { prefix, onChange }: WatchOptions) {
    this.#context = context
    this.#directories = directories
    this.#onChange = onChange
    this.#key = prefix === '' || prefix.endsWith('/') ? undefined : prefix
    const path = objectPath(context.root, prefix === '' ? '' : prefix.replace(/\/$/, ''))
    this.#base = this.#key === undefined ? path : dirname(path)
  }

  /** Returns once every later change is notified. */
  async begin(): Promise<void> {
    this.#isVisiting = true
    await this.#visit(this.#base)
    if (this.#state === 'beginning') this.#state = 'begun'
    await this.#visitAll()
  }

  end(): void {
    this.#state = 'ended'
    this.#cancelNotification?.()
    for (const stop of this.#watched.values()) stop()
    this.#watched.clear()
  }

  /** Notifies once the system has delivered the events that it has by now: a burst is one notification. */
  #notify(): void {
    if (this.#state !== 'begun' || this.#cancelNotification !== undefined) return
    this.#cancelNotification = this.#context.clock.setTimer(0, () => {
      // A change that `onChange` makes is one more.
      this.#cancelNotification = undefined
      this.#onChange()
    })
  }

  #visitSoon(path: string): void {
    this.#toVisit.add(path)
    if (!this.#isVisiting) void this.#visitAll()
  }

  async #visitAll(): Promise<void> {
    this.#isVisiting = true
    for (const path of this.#toVisit) {
      this.#toVisit.delete(path)
      // A directory that can no longer be watched falls silent. Changes in the others are still notified.
      if (this.#state !== 'ended') await this.#visit(path).catch(() => {})
    }
    this.#isVisiting = false
  }

  /** Brings the watches at `path` up to date with what exists there now. */
  async #visit(path: string): Promise<void> {
    if (path === this.#base && !(await this.#reachBase())) return
    if (this.#key === undefined) await this.#watchBelow(path)
    else await this.#watchVersions(this.#key)
  }

  /** Watches the base, or while it does not exist the nearest directory above it. Returns whether the base exists. */
  async #reachBase(): Promise<boolean> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const reached = await this.#watchNearest()
      if (this.#above !== undefined && this.#above !== reached) this.#unwatch(this.#above)
      this.#above = reached === this.#base ? undefined : reached
      if (this.#above === undefined) return true
      if (!(await this.#isDirectory(this.#nextBelow(this.#above)))) return false
    }
    throw new Error(`The directories above ${this.#base} were removed ${MAX_ATTEMPTS} times.`)
  }

  async #watchNearest(): Promise<string> {
    if (await this.#watch(this.#base, (name) => this.#onEntry(this.#base, name))) return this.#base
    for (let directory = this.#base; directory !== this.#context.root; ) {
      const above = dirname(directory)
      const next = basename(directory)
      const onName: OnName = (name) => {
        if (name === next || name === undefined) this.#visitSoon(this.#base)
      }
      if (await this.#watch(above, onName)) return above
      directory = above
    }
    throw new Error(`The directory ${this.#context.root} was removed.`)
  }

  #nextBelow(above: string): string {
    const [next = ''] = relative(above, this.#base).split(sep)
    return join(above, next)
  }

  /** Handles a change of a name in a directory with keys. */
  #onEntry(directory: string, name: string | undefined): void {
    if (this.#key !== undefined) this.#onNameBesideKey(objectPath(this.#context.root, this.#key), name)
    else if (name === undefined || birthOf(name) !== undefined || isKeySegment(name)) {
      this.#notify()
      this.#visitSoon(name === undefined ? directory : join(directory, name))
    }
  }

  #onNameBesideKey(path: string, name: string | undefined): void {
    const changed = name === undefined ? path : join(this.#base, name)
    if (changed === path || changed === this.#versions) this.#notify()
    // Without a known object, this can be the first version of one whose birth was not read yet.
    else if (this.#versions !== undefined || name === undefined || birthOf(name) === undefined) return
    this.#visitSoon(this.#base)
  }

  /** Handles a change of a name in a directory with versions. */
  readonly #onVersion: OnName = (name) => {
    if (name === undefined || parseNowName(name) !== undefined) this.#notify()
  }

  /** Reads the id of the object's birth, and watches the directory of its later versions. */
  async #watchVersions(key: string): Promise<void> {
    const { fs, root } = this.#context
    const path = objectPath(root, key)
    const birth = await openRecord(fs, path, key).catch(ignoreDamage)
    await birth?.close()
    const versions = birth && versionsPath(path, birth.head.nonce)
    if (this.#versions !== undefined && this.#versions !== versions) this.#unwatch(this.#versions)
    this.#versions = versions
    if (versions !== undefined) await this.#watch(versions, this.#onVersion)
  }

  /** Watches `path` if it is a directory with keys or versions, and those below it. */
  async #watchBelow(path: string): Promise<void> {
    if (path !== this.#base) {
      if (birthOf(basename(path)) !== undefined) {
        await this.#watch(path, this.#onVersion)
        return
      }
      if (!(await this.#isDirectory(path))) return
      if (!(await this.#watch(path, (name) => this.#onEntry(path, name)))) return
    }
    for (const entry of (await unless(ABSENT, this.#context.fs.entries(path))) ?? []) {
      if (!entry.isDirectory()) continue
      if (birthOf(entry.name) !== undefined || isKeySegment(entry.name)) await this.#watchBelow(join(path, entry.name))
    }
  }

  async #isDirectory(path: string): Promise<boolean> {
    return (await unless(ABSENT, this.#context.fs.facts(path)))?.isDirectory ?? false
  }

  /** Watches the names in a directory from now on. Returns false if it does not exist. */
  async #watch(directory: string, onName: OnName): Promise<boolean> {
    if (this.#watched.has(directory)) return true
    let isOver = false
    const onEnd = (): void => {
      isOver = true
      this.#watched.delete(directory)
      this.#notify()
      // A directory below the base with a prefix is visited by itself; everything else is found from the base.
      const isBelow = this.#key === undefined && directory.startsWith(this.#base + sep)
      this.#visitSoon(isBelow ? directory : this.#base)
    }
    const stop = await unless(ABSENT, this.#directories.subscribe(directory, { onName, onEnd }))
    if (stop === undefined) return false
    if (isOver) return true
    if (this.#state === 'ended') {
      stop()
      return true
    }
    this.#watched.set(directory, stop)
    this.#notify()
    return true
  }

  #unwatch(directory: string): void {
    this.#watched.get(directory)?.()
    this.#watched.delete(directory)
  }
}
