/** From failed system calls to the errors of the port: each says which path, what happened, and what to do about it. */
import {
  AccessDenied,
  InvalidRequest,
  NoSuchBucket,
  StoreError,
  StoreUnavailable,
  UnknownOutcome,
  UnsupportedStore,
} from '@s3queue/storage'
import { codeOf } from './file-system.ts'

/** What a call to the store was about, for the message. */
export interface FailedCall {
  /** The directory of the store. */
  readonly directory: string
  readonly key?: string | undefined
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: free some space.',
  EDQUOT: 'The disk quota is used up: free some space or raise it.',
  EMFILE: 'The process has too many files open: raise its limit (ulimit -n).',
  ENFILE: 'The machine has too many files open: raise fs.file-max.',
  EIO: 'The disk failed: look at the log of the kernel.',
}

/** The error of the port for `error`, which is returned as it is unless it came from a system call. */
export function toStoreError(error: unknown, { directory, key }: FailedCall): unknown {
  const code = codeOf(error)
  if (error instanceof StoreError || code === undefined || !(error instanceof Error)) return error
  const where = `The directory ${directory} (option \`directory\`)`
  const options = { cause: error, key }
  if (hasNoLinks(error, code)) {
    return new UnsupportedStore(
      `${where} is on a file system without hard links, or with another one mounted inside it (${error.message}). ` +
        'The store needs one local file system such as ext4, XFS, Btrfs, ZFS, APFS or tmpfs.',
      options,
    )
  }
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new AccessDenied(
        `${where} cannot be used by this process (${error.message}). Give its user the right to read and write everything below it.`,
        options,
      )
    case 'ENAMETOOLONG':
      return new InvalidRequest(
        `${where} makes a path too long for the file system (${error.message}). Use a shorter directory or key.`,
        options,
      )
    case 'ENOTDIR':
    case 'EISDIR':
      return pathPrefix(key ?? '', options)
    default:
      return new StoreUnavailable(`${where} failed (${error.message}). ${ADVICE[code] ?? ''}`.trimEnd(), options)
  }
}

/** For a key that is a path prefix of another: one name cannot be a file and a directory. */
export function pathPrefix(key: string, options: { readonly cause?: unknown } = {}): InvalidRequest {
  return new InvalidRequest(
    `The key ${JSON.stringify(key)} cannot be stored: it is a path prefix of another key, or another key is one of it (such as "a" and "a/b").`,
    { ...options, key },
  )
}

/** For a root that is not there (any more), or is no directory. */
export function noDirectory(directory: string, problem: string, cause?: unknown): NoSuchBucket {
  return new NoSuchBucket(`The directory ${directory} (option \`directory\`) ${problem}`, { cause })
}

/** For a file that does not hold what was written to it. */
export function damagedFile(path: string, problem: string, key: string): StoreUnavailable {
  return new StoreUnavailable(
    `The file ${path} is damaged: ${problem}. Restore it from a backup, or delete the object ${JSON.stringify(key)} if it can be spared.`,
    { key },
  )
}

/** For a write that may or may not have taken place. */
export function unknownOutcome(cause: unknown, call: FailedCall): UnknownOutcome {
  const error = toStoreError(cause, call)
  if (error instanceof UnknownOutcome) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new UnknownOutcome(`It is unknown whether the write took place. Read the object to find out. ${reason}`, {
    cause: error,
    key: call.key,
  })
}

/** `link` fails with `EPERM` where there are no hard links (Linux, link(2)); the other codes say it by themselves. */
function hasNoLinks(error: Error, code: string): boolean {
  if (code === 'EXDEV' || code === 'ENOSYS' || code === 'ENOTSUP' || code === 'EOPNOTSUPP') return true
  return code === 'EPERM' && 'syscall' in error && error.syscall === 'link'
}
