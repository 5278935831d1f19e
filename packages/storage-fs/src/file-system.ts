/**
 * The system calls that the store is built from, one method for one call. Tests put a file system of their own in here: one that
 * stops before every call, lets another process go first, or loses what was not synced.
 *
 * Failures are errors with a `code` such as `ENOENT`, as Node makes them.
 */

/** What the store needs to know about a file or directory. */
export interface FileFacts {
  /** `device` and `inode` together name one file for as long as it is open or linked somewhere. */
  readonly device: bigint
  readonly inode: bigint
  /** When it was made, in ns since 1970: tells a directory from a later one with the same inode. */
  readonly bornNs: bigint
  readonly isDirectory: boolean
  /** Bytes. */
  readonly size: number
  /** How many names the file has. */
  readonly links: number
  /** Last change of the content, in ms since 1970. */
  readonly modifiedMs: number
}

/** One name in a directory. Whatever is neither a file nor a directory is none of the store's business. */
export interface DirectoryEntry {
  readonly name: string
  isFile(): boolean
  isDirectory(): boolean
}

export interface OpenFile {
  /** Appends all of `bytes`. */
  write(bytes: Uint8Array): Promise<void>
  /** Fills `target` from `position` on; answers how many bytes there were. */
  read(target: Uint8Array, position: number): Promise<number>
  facts(): Promise<FileFacts>
  /** Returns once the content (of a directory: its entries) has reached the disk. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** What a watched directory reports to. */
export interface DirectoryListener {
  /** A name in the directory was added, removed or moved; undefined if the system does not say which. Comes after the change. */
  onName(name: string | undefined): void
  /** Nothing more is reported, and the watch is closed: the directory was removed or moved, or the system gave up. */
  onEnd(): void
}

export interface FileSystem {
  /** `read` also opens directories; `create` makes a new file to write to, and fails with `EEXIST`. */
  open(path: string, mode: 'read' | 'create'): Promise<OpenFile>
  facts(path: string): Promise<FileFacts>
  entries(directory: string): Promise<readonly DirectoryEntry[]>
  /** Gives a file a second name; fails with `EEXIST`. */
  link(existing: string, path: string): Promise<void>
  /** Moves a file, replacing what is there, or a directory, replacing at most an empty one. */
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  makeDirectory(path: string): Promise<void>
  /** Fails unless the directory is empty. */
  removeDirectory(path: string): Promise<void>
  /** The type of the file system that `path` is on, as Linux numbers them (`statfs`, f_type). */
  type(path: string): Promise<number>
  /**
   * Watches the names in a directory, without those below it, until the returned function is called. Does not keep the process alive.
   * Fails with `ENOSPC` or `EMFILE` if the system has no watches left.
   */
  watch(directory: string, listener: DirectoryListener): Promise<() => void>
}

/** The code of a failed system call, such as `ENOENT`; undefined for any other error. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  return error.code
}

/** What `call` answers, or undefined if it fails with one of `codes`. */
export async function unless<T>(codes: readonly string[], call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    const code = codeOf(error)
    if (code !== undefined && codes.includes(code)) return undefined
    throw error
  }
}

/** There is nothing with this path: the name is not there, or the path runs through a file. */
export const ABSENT: readonly string[] = ['ENOENT', 'ENOTDIR']

/** Whether two facts are of one and the same file. At least one of the two must be of a file that is still open. */
export function isSameFile(a: FileFacts, b: FileFacts): boolean {
  return a.inode === b.inode && a.device === b.device
}
