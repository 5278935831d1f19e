/**
 * A disk in memory that behaves as POSIX says, and can lose its power: then only what was synced is sure to be there again. Of the
 * changes to a directory since its last sync, any first few may have survived; of a file that was not synced, all or nothing.
 * Inodes are used again as soon as they are free, as ext4 does it.
 */
import type { DirectoryListener, FileSystem, OpenFile } from '../../src/file-system.ts'
import {
  applyChange,
  type Change,
  copyOf,
  type DirectoryNode,
  decisionsOf,
  describeTree,
  directoryNode,
  entriesOf,
  factsOf,
  fileNode,
  identityOf,
  type Node,
  nodesOf,
  pathsBelow,
  survivorOf,
  syncNode,
} from './disk-nodes.ts'

export interface MemoryDisk extends FileSystem {
  /** How many watches are open. */
  watched(): number
  /** All paths; directories end in a slash. */
  paths(): string[]
  /** All that is on it, in one line. */
  describe(): string
  /** What is at `path`, in a word that nothing else has. */
  identity(path: string): string
  /** The same disk once more, as it is now, with everything synced. */
  copy(): MemoryDisk
  /** How many different disks a power failure could leave now. */
  powerFailures(): number
  /** The disk after one of them, from 0. */
  afterPowerFailure(outcome: number): MemoryDisk
}

/** Where `createManualClock` begins. */
export const START_MS = 1_700_000_000_000

export function createMemoryDisk(): MemoryDisk {
  return diskOver(directoryNode(1n, 0), START_MS)
}

interface Place {
  readonly parent: DirectoryNode
  readonly name: string
  readonly node: Node | undefined
}

function diskOver(root: DirectoryNode, timeMs: number): MemoryDisk {
  const inodes = createInodes(root)
  const place = (path: string): Place => placeBelow(root, path)
  const found = (path: string): Place & { node: Node } => assertFound(place(path), path)
  const watches = createWatches()
  const change = (home: DirectoryNode, effects: Change): void => {
    const ended = effects.map(({ directory, name }) => directory.entries.get(name))
    applyChange(home, effects, timeMs)
    for (const { directory, name } of effects) watches.report(directory, name)
    // What was removed, replaced or moved.
    for (const node of ended) if (node?.kind === 'directory') watches.end(node)
  }
  const set = ({ parent, name }: Place, node: Node | undefined): void =>
    change(parent, [{ directory: parent, name, node }])
  const vacant = (path: string): Place => {
    const target = place(path)
    if (target.node !== undefined) throw failure('EEXIST', path)
    return target
  }

  return {
    async open(path, mode) {
      if (mode === 'read') return openNode(found(path).node, inodes, timeMs)
      const target = vacant(path)
      const file = fileNode(inodes.take(), timeMs)
      set(target, file)
      return openNode(file, inodes, timeMs)
    },
    facts: async (path) => factsOf(found(path).node),
    async entries(path) {
      const { node } = found(path)
      if (node.kind === 'file') throw failure('ENOTDIR', path)
      return entriesOf(node)
    },
    async link(from, path) {
      const { node } = found(from)
      const target = vacant(path)
      if (node.kind === 'directory') throw failure('EPERM', from)
      node.links++
      set(target, node)
    },
    async rename(from, to) {
      const [source, target] = [place(from), place(to)]
      const { node } = assertFound(source, from)
      if (target.node === node) return
      if (target.node !== undefined) replace(node, target.node, to, inodes)
      const removed = { directory: source.parent, name: source.name, node: undefined }
      change(target.parent, [removed, { directory: target.parent, name: target.name, node }])
    },
    async unlink(path) {
      const target = found(path)
      if (target.node.kind === 'directory') throw failure('EISDIR', path)
      set(target, undefined)
      target.node.links--
      inodes.release(target.node)
    },
    makeDirectory: async (path) => set(vacant(path), directoryNode(inodes.take(), timeMs)),
    async removeDirectory(path) {
      const target = found(path)
      if (target.node.kind === 'file') throw failure('ENOTDIR', path)
      if (target.node.entries.size > 0) throw failure('ENOTEMPTY', path)
      set(target, undefined)
      inodes.release(target.node)
    },
    // ext4, see statfs(2).
    type: async () => 0xef53,
    async watch(path, listener) {
      const { node } = found(path)
      if (node.kind === 'file') throw failure('ENOTDIR', path)
      return watches.add(node, listener)
    },
    watched: () => watches.size(),
    paths: () => pathsBelow(root, ''),
    describe: () => describeTree(root),
    identity: (path) => identityOf(lookUp(root, path)),
    copy: () => diskOver(copyOf(root), timeMs),
    powerFailures: () => decisionsOf(root).reduce((product, { survivors }) => product * survivors.length, 1),
    afterPowerFailure: (outcome) => diskOver(survivorOf(root, outcome), timeMs),
  }
}

function placeBelow(root: DirectoryNode, path: string): Place {
  const steps = path.split('/').filter((step) => step !== '')
  const name = steps.pop() ?? ''
  let parent = root
  for (const step of steps) {
    const next = parent.entries.get(step)
    if (next === undefined) throw failure('ENOENT', path)
    if (next.kind === 'file') throw failure('ENOTDIR', path)
    parent = next
  }
  return { parent, name, node: name === '' ? root : parent.entries.get(name) }
}

function lookUp(root: DirectoryNode, path: string): Node | undefined {
  try {
    return placeBelow(root, path).node
  } catch {
    return undefined
  }
}

function assertFound(place: Place, path: string): Place & { node: Node } {
  const { node } = place
  if (node === undefined) throw failure('ENOENT', path)
  return { ...place, node }
}

function replace(source: Node, target: Node, path: string, inodes: Inodes): void {
  if (target.kind === 'file') {
    if (source.kind === 'directory') throw failure('ENOTDIR', path)
    target.links--
  } else {
    if (source.kind === 'file') throw failure('EISDIR', path)
    if (target.entries.size > 0) throw failure('ENOTEMPTY', path)
  }
  inodes.release(target)
}

function openNode(node: Node, inodes: Inodes, timeMs: number): OpenFile {
  if (node.kind === 'file') node.opened++
  return {
    async write(bytes) {
      if (node.kind !== 'file') throw failure('EISDIR', '')
      node.bytes = Buffer.concat([node.bytes, bytes])
      node.modifiedMs = timeMs
    },
    async read(target, position) {
      if (node.kind !== 'file') throw failure('EISDIR', '')
      const part = node.bytes.subarray(position, position + target.byteLength)
      target.set(part)
      return part.byteLength
    },
    facts: async () => factsOf(node),
    sync: async () => syncNode(node),
    async close() {
      if (node.kind !== 'file') return
      node.opened--
      inodes.release(node)
    },
  }
}

/** Watches of directories. They report in the order of the changes, soon after each. */
interface Watches {
  add(directory: DirectoryNode, listener: DirectoryListener): () => void
  report(directory: DirectoryNode, name: string): void
  end(directory: DirectoryNode): void
  size(): number
}

function createWatches(): Watches {
  const all = new Map<DirectoryListener, DirectoryNode>()
  const soon = (directory: DirectoryNode, report: (listener: DirectoryListener) => void): void => {
    for (const [listener, watched] of all) {
      if (watched === directory) queueMicrotask(() => all.has(listener) && report(listener))
    }
  }
  return {
    add(directory, listener) {
      all.set(listener, directory)
      return () => void all.delete(listener)
    },
    report: (directory, name) => soon(directory, ({ onName }) => onName(name)),
    end: (directory) =>
      soon(directory, (listener) => {
        all.delete(listener)
        listener.onEnd()
      }),
    size: () => all.size,
  }
}

interface Inodes {
  take(): bigint
  /** Frees the inode of `node` if nothing holds it any more. */
  release(node: Node): void
}

function createInodes(root: DirectoryNode): Inodes {
  const free: bigint[] = []
  let highest = 0n
  for (const { inode } of nodesOf(root)) if (inode > highest) highest = inode
  return {
    take: () => free.pop() ?? ++highest,
    release(node) {
      if (node.kind === 'directory' || (node.links === 0 && node.opened === 0)) free.push(node.inode)
    },
  }
}

/** Without a stack: hundreds of thousands are made, and all but a few are expected. */
function failure(code: string, path: string): Error {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const error = Object.assign(new Error(`${code}, '${path}'`), { code })
  Error.stackTraceLimit = stackTraceLimit
  return error
}
