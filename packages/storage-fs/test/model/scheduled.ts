/** A file system on which an actor waits for its turn before every call that another could notice. */
import { codeOf, type DirectoryEntry, type DirectoryListener, type FileSystem } from '../../src/file-system.ts'
import type { Board } from './board.ts'
import type { MemoryDisk } from './memory-disk.ts'

export interface ScheduledOptions {
  /** Read directories in two steps, half of the names in each, as large ones are. */
  readonly tornEntries?: boolean | undefined
  /**
   * Where an actor waits: before calls that another one could notice (the default), also before those that matter after a power
   * failure, or before every call.
   */
  readonly waits?: 'shared' | 'durable' | 'every' | undefined
}

export interface Scheduled {
  readonly fs: FileSystem
  /** From now on, calls wait. */
  arm(): void
}

export function scheduled(disk: MemoryDisk, actor: number, board: Board, options: ScheduledOptions = {}): Scheduled {
  let armed = false
  return {
    fs: fileSystemInTurns(
      disk,
      options,
      eventsInTurns(board, actor),
      async ({ call, reads = [], writes = [] }, work, show = () => '') => {
        const paths = [...reads, ...writes]
        if (!armed || !isWaitedFor(call, paths, options)) return work()
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
      },
    ),
    arm() {
      armed = true
    },
  }
}

/** A draft is nobody else's business until it is published; whether its spare name is still there matters to durability. */
function isWaitedFor(call: string, paths: readonly string[], { waits = 'shared' }: ScheduledOptions): boolean {
  if (waits === 'every') return true
  if (call === 'sync') return waits === 'durable' && !paths.every(isSpare)
  if (waits === 'durable' && (call === 'unlink' || call === 'stat')) return true
  return call !== 'write' && !paths.every(isSpare)
}

function isSpare(path: string): boolean {
  return path.startsWith('/.tmp')
}

interface Call {
  readonly call: string
  readonly reads?: readonly string[]
  readonly writes?: readonly string[]
}

/** Waits for the turn, then does the work. `show` puts into words what the actor learns from it besides what is at the paths. */
type InTurn = <T>(call: Call, work: () => Promise<T>, show?: (result: T) => string) => Promise<T>

/** Wraps a listener of an actor: events reach it in their order, each when the actor gets a turn for it. */
type EventsInTurns = (directory: string, listener: DirectoryListener) => DirectoryListener

function eventsInTurns(board: Board, actor: number): EventsInTurns {
  let last: Promise<void> = Promise.resolve()
  const inTurn = (label: string, reads: readonly string[], deliver: () => void): void => {
    last = last.then(async () => {
      await board.turn(actor, { label, reads, writes: [] })
      board.note(actor, label)
      deliver()
    })
  }
  // The watcher reads the object when it is notified, so the order of events and changes matters.
  return (directory, { onName, onEnd }) => ({
    onName: (name) => inTurn(`event ${directory} ${name}`, ['/d'], () => onName(name)),
    onEnd: () => inTurn(`end ${directory}`, ['/d'], onEnd),
  })
}

function fileSystemInTurns(
  disk: MemoryDisk,
  options: ScheduledOptions,
  events: EventsInTurns,
  inTurn: InTurn,
): FileSystem {
  const readNames = (call: string, directory: string): Promise<readonly DirectoryEntry[]> =>
    inTurn({ call, reads: [directory] }, () => disk.entries(directory), namesOf)
  return {
    async entries(directory) {
      const before = await readNames('readdir', directory)
      if (!options.tornEntries || isSpare(directory)) return before
      const after = await readNames('readdir more', directory)
      return [...before.filter(isInFirstHalf), ...after.filter((entry) => !isInFirstHalf(entry))]
    },
    async open(path, mode) {
      const call = mode === 'read' ? { call: 'open', reads: [path] } : { call: 'create', writes: [path] }
      const file = await inTurn(call, () => disk.open(path, mode))
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
    watch: (path, listener) => inTurn({ call: 'watch', reads: [path] }, () => disk.watch(path, events(path, listener))),
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
