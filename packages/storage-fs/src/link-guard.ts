/**
 * Refuses symbolic links below the directory of a store. A link to a directory would let a key read, write or sweep files that do not
 * belong to the store. The directory of the store itself may be a link, and so may those above it.
 *
 * State: which directories were no links a moment ago, so that a busy store does not ask about each one at each call. It finds links that
 * are there, and those that appear within a second; it is no defence against a process that swaps directories on purpose.
 */
import { lstat } from 'node:fs/promises'
import { dirname, sep } from 'node:path'
import { type Clock, UnsupportedStore } from '@s3queue/storage'
import { ABSENT, unless } from './file-system.ts'

const CHECKED_FOR_MS = 1_000
/** Directories to remember. One more, and all are forgotten: they are only checked again. */
const MAX_CHECKED = 10_000

export class LinkGuard {
  readonly #root: string
  readonly #below: string
  readonly #clock: Clock
  /** Directories that are no links, and neither is any above them up to the root; until when that is believed, monotonic. */
  readonly #checked = new Map<string, number>()

  constructor(root: string, clock: Clock) {
    this.#root = root
    this.#below = root.endsWith(sep) ? root : root + sep
    this.#clock = clock
  }

  isBelowRoot(path: string): boolean {
    return path.startsWith(this.#below) && path !== this.#below
  }

  /** Rejects if `directory`, or one between it and the root, is a link. Returns undefined if that was checked a moment ago. */
  check(directory: string): Promise<void> | undefined {
    if (!this.isBelowRoot(directory)) return undefined
    if ((this.#checked.get(directory) ?? Number.NEGATIVE_INFINITY) > this.#clock.monotonic()) return undefined
    return this.#check(directory)
  }

  refused(path: string): UnsupportedStore {
    return new UnsupportedStore(
      `${path} is a symbolic link. A store follows no links below its directory ${this.#root} (option \`directory\`): remove the link, or give ` +
        'the directory that it points to as `directory`.',
    )
  }

  async #check(directory: string): Promise<void> {
    await this.check(dirname(directory))
    const until = this.#clock.monotonic() + CHECKED_FOR_MS
    const stats = await unless(ABSENT, lstat(directory))
    if (stats === undefined) return
    if (stats.isSymbolicLink()) throw this.refused(directory)
    if (this.#checked.size >= MAX_CHECKED) this.#checked.clear()
    this.#checked.set(directory, until)
  }
}
