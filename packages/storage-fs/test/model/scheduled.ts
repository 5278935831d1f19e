/** A file system on which an actor waits for its turn before every call that another could notice. */
import { codeOf, type DirectoryEntry, type FileSystem } from '../../src/file-system.ts'
import type { Board } from './board.ts'
import type { MemoryDisk } from './memory-disk.ts'

export interface ScheduledOptions {
  /** Read directories in two steps, half of the names in each, as large ones are. */
  readonly tornEntries?: boolean | undefined
  /** Also wait before calls that only matter to who comes after a power failure. */
  readonly everyCall?: boolean | undefined
}

export interface Scheduled {
  readonly fs: FileSystem
  /** From now on, calls wait. */
  arm(): void
}

export function scheduled(disk: MemoryDisk, actor: number, board: Board, options: ScheduledOptions = {}): Scheduled {
  let armed = false
  return {
    fs: fileSystemInTurns(disk, options, async ({ call, reads = [], writes = [] }, work, show = () => '') => {
      const paths = [...reads, ...writes]
      if (!armed || (!options.everyCall && paths.every((path) => path.startsWith('/.tmp')))) return work()
      const label = `${call} ${paths.join(' ')}`
      await board.turn(actor, { label, reads, writes })
      const before = paths.map((path) => disk.identity(path)).join(' ')
      try {
        const result = await work()
        board.note(actor, `${call} ${before} ${show(result)}`)
        return result
      } catch (error) {
        board.note(actor, `${call} ${before} ${codeOf(error)}`)
        throw error
      }
    }),
    arm() {
      armed = true
    },
  }
}

interface Call {
  readonly call: string
  readonly reads?: readonly string[]
  readonly writes?: readonly string[]
}

/** Waits for the turn, then does the work. `show` puts into words what the actor learns from it besides what is at the paths. */
type InTurn = <T>(call: Call, work: () => Promise<T>, show?: (result: T) => string) => Promise<T>

function fileSystemInTurns(disk: MemoryDisk, options: ScheduledOptions, inTurn: InTurn): FileSystem {
  const readNames = (call: string, directory: string): Promise<readonly DirectoryEntry[]> =>
    inTurn({ call, reads: [directory] }, () => disk.entries(directory), namesOf)
  return {
    async entries(directory) {
      const before = await readNames('readdir', directory)
      if (!options.tornEntries || directory.startsWith('/.tmp')) return before
      const after = await readNames('readdir more', directory)
      return [...before.filter(isInFirstHalf), ...after.filter((entry) => !isInFirstHalf(entry))]
    },
    async open(path, mode) {
      const call = mode === 'read' ? { call: 'open', reads: [path] } : { call: 'create', writes: [path] }
      const file = await inTurn(call, () => disk.open(path, mode))
      if (!options.everyCall) return file
      return {
        ...file,
        write: (bytes) => inTurn({ call: 'write', writes: [path] }, () => file.write(bytes)),
        sync: () => inTurn({ call: 'sync', writes: [path] }, () => file.sync()),
      }
    },
    facts: (path) => inTurn({ call: 'stat', reads: [path] }, () => disk.facts(path)),
    link: (from, to) => inTurn({ call: 'link', reads: [from], writes: [to] }, () => disk.link(from, to)),
    rename: (from, to) => inTurn({ call: 'rename', writes: [from, to] }, () => disk.rename(from, to)),
    unlink: (path) => inTurn({ call: 'unlink', writes: [path] }, () => disk.unlink(path)),
    makeDirectory: (path) => inTurn({ call: 'mkdir', writes: [path] }, () => disk.makeDirectory(path)),
    removeDirectory: (path) => inTurn({ call: 'rmdir', writes: [path] }, () => disk.removeDirectory(path)),
    type: (path) => disk.type(path),
  }
}

function namesOf(entries: readonly DirectoryEntry[]): string {
  return entries
    .map(({ name }) => name)
    .sort()
    .join(' ')
}

function isInFirstHalf({ name }: DirectoryEntry): boolean {
  return name.charCodeAt(name.length - 1) % 2 === 0
}
