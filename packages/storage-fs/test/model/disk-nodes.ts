/** What a disk of the model is made of, and what a power failure does to it. */
import type { DirectoryEntry, FileFacts } from '../../src/file-system.ts'

export interface FileNode {
  readonly kind: 'file'
  readonly inode: bigint
  bytes: Uint8Array
  /** What a power failure leaves for certain; undefined: nothing. */
  synced: Uint8Array | undefined
  links: number
  opened: number
  modifiedMs: number
}

export interface DirectoryNode {
  readonly kind: 'directory'
  readonly inode: bigint
  /** Tells it from a later one with the same inode. */
  readonly bornNs: bigint
  readonly entries: Map<string, Node>
  /** What a power failure leaves for certain. */
  readonly durable: Map<string, Node>
  /** Changes since the last sync, in order; each happens as a whole. */
  pending: Change[]
  modifiedMs: number
}

export type Node = FileNode | DirectoryNode

/** Names that change together: two for a rename. */
export type Change = readonly Effect[]

export interface Effect {
  readonly directory: DirectoryNode
  readonly name: string
  readonly node: Node | undefined
}

export function fileNode(inode: bigint, modifiedMs: number): FileNode {
  return { kind: 'file', inode, bytes: new Uint8Array(0), synced: undefined, links: 1, opened: 0, modifiedMs }
}

let directoriesMade = 0n

export function directoryNode(inode: bigint, modifiedMs: number): DirectoryNode {
  return {
    kind: 'directory',
    inode,
    bornNs: ++directoriesMade,
    entries: new Map(),
    durable: new Map(),
    pending: [],
    modifiedMs,
  }
}

function setName(names: Map<string, Node>, { name, node }: Effect): void {
  if (node === undefined) names.delete(name)
  else names.set(name, node)
}

/** Applies a change, and keeps it as pending in `home`, whose sync makes it durable. */
export function applyChange(home: DirectoryNode, effects: Change, timeMs: number): void {
  for (const effect of effects) {
    const { directory, name } = effect
    setName(directory.entries, effect)
    directory.modifiedMs = timeMs
    // What moved to another directory is not in this one any more, in whichever order the two reach the disk.
    if (directory !== home)
      directory.pending = directory.pending.filter((change) => change.every((e) => e.name !== name))
  }
  home.pending.push(effects)
}

export function syncNode(node: Node): void {
  if (node.kind === 'file') {
    node.synced = node.bytes
    return
  }
  for (const effect of node.pending.flat()) setName(effect.directory.durable, effect)
  node.pending = []
}

/** All nodes that are linked somewhere, now or after some power failure. */
export function nodesOf(node: Node, seen: Set<Node> = new Set()): Set<Node> {
  if (seen.has(node)) return seen
  seen.add(node)
  if (node.kind === 'directory') {
    for (const child of [...node.entries.values(), ...node.durable.values()]) nodesOf(child, seen)
    for (const effect of node.pending.flat()) if (effect.node) nodesOf(effect.node, seen)
  }
  return seen
}

/** Something that a power failure may decide one way or another. */
interface Decision {
  readonly node: Node
  /** For a directory: how many of its pending changes may survive. For a file: whether (1) or not (0) its content may. */
  readonly survivors: readonly number[]
}

/**
 * Everything that a power failure may decide. Of changes to the directory of drafts, all or nothing survives: each draft is written by
 * one process alone, and there are many of them.
 */
export function decisionsOf(root: DirectoryNode): Decision[] {
  const drafts = root.entries.get('.tmp')
  const decisions: Decision[] = []
  for (const node of nodesOf(root)) {
    if (node.kind === 'directory') {
      const all = node.pending.length
      const counts = node === drafts ? [0, all] : Array.from({ length: all + 1 }, (_, count) => count)
      if (all > 0) decisions.push({ node, survivors: counts })
    } else if (node.synced !== node.bytes) decisions.push({ node, survivors: [0, 1] })
  }
  return decisions
}

/** The root after the power failure with that number. */
export function survivorOf(root: DirectoryNode, outcome: number): DirectoryNode {
  const names = new Map<DirectoryNode, Map<string, Node>>()
  const whole = new Set<Node>()
  for (const node of nodesOf(root)) if (node.kind === 'directory') names.set(node, new Map(node.durable))
  let rest = outcome
  for (const { node, survivors } of decisionsOf(root)) {
    const choice = survivors[rest % survivors.length] ?? 0
    rest = Math.floor(rest / survivors.length)
    if (node.kind === 'directory') {
      for (const effect of node.pending.slice(0, choice).flat())
        setName(names.get(effect.directory) ?? new Map(), effect)
    } else if (choice === 1) whole.add(node)
  }
  const bytesOf = (node: FileNode): Uint8Array => (whole.has(node) ? node.bytes : (node.synced ?? new Uint8Array(0)))
  return copyTree(root, (node) => names.get(node) ?? new Map(), bytesOf)
}

/** The same tree, with everything synced. */
export function copyOf(root: DirectoryNode): DirectoryNode {
  return copyTree(
    root,
    (node) => node.entries,
    (node) => node.bytes,
  )
}

function copyTree(
  root: DirectoryNode,
  namesOf: (node: DirectoryNode) => ReadonlyMap<string, Node>,
  bytesOf: (node: FileNode) => Uint8Array,
): DirectoryNode {
  const files = new Map<FileNode, FileNode>()
  const copyFile = (node: FileNode): FileNode => {
    const bytes = bytesOf(node)
    const file = files.get(node) ?? { ...node, bytes, synced: bytes, links: 0, opened: 0 }
    file.links++
    files.set(node, file)
    return file
  }
  const copyDirectory = (node: DirectoryNode): DirectoryNode => {
    const directory = directoryNode(node.inode, node.modifiedMs)
    for (const [name, child] of namesOf(node)) {
      const copy = child.kind === 'file' ? copyFile(child) : copyDirectory(child)
      directory.entries.set(name, copy)
      directory.durable.set(name, copy)
    }
    return directory
  }
  return copyDirectory(root)
}

/** Tells a node from all others: files by what is in them, which begins with an id that no other has. */
export function identityOf(node: Node | undefined): string {
  if (node === undefined) return 'nothing'
  return node.kind === 'directory' ? 'directory' : Buffer.from(node.bytes.subarray(0, 40)).toString('latin1')
}

/** All paths, with what is there. */
export function describeTree(directory: DirectoryNode): string {
  const lines = [...directory.entries].map(([name, node]) => {
    const below = node.kind === 'directory' ? `(${describeTree(node)})` : identityOf(node)
    return `${name}=${below}`
  })
  return lines.sort().join(' ')
}

export function pathsBelow(directory: DirectoryNode, prefix: string): string[] {
  const paths = [...directory.entries].flatMap(([name, node]) => {
    const path = `${prefix}/${name}`
    return node.kind === 'file' ? [path] : [`${path}/`, ...pathsBelow(node, path)]
  })
  return paths.sort()
}

export function factsOf(node: Node): FileFacts {
  const isDirectory = node.kind === 'directory'
  const size = isDirectory ? 4_096 : node.bytes.byteLength
  const { inode, modifiedMs } = node
  const bornNs = isDirectory ? node.bornNs : 0n
  return { device: 1n, inode, bornNs, isDirectory, size, links: isDirectory ? 2 : node.links, modifiedMs }
}

export function entriesOf(directory: DirectoryNode): DirectoryEntry[] {
  return [...directory.entries].map(([name, { kind }]) => ({
    name,
    isFile: () => kind === 'file',
    isDirectory: () => kind === 'directory',
  }))
}
