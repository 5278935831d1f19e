/** The options of a store in a directory: their defaults and checks. */
import { resolve } from 'node:path'
import { assertKnownKeys, type Clock, type Ids, InvalidOption, systemClock, systemIds } from '@s3queue/storage'

/** What a power failure may take: nothing that was answered, or whatever the operating system had not written yet. */
export type Durability = 'fsync' | 'none'

/** Who may use the files of a store: the user that the process runs as, or those that the umask of the process leaves. */
export type Permissions = 'owner' | 'umask'

/** What a store in a directory can be told. Only `directory` must be given. */
export interface FsStoreOptions {
  /** Where the objects lie. Made when it is first needed. Best a directory of its own on a local disk. */
  readonly directory: string
  /**
   * `fsync` (the default): writes, deletes and reads answer once what they say has reached the disk. `none`: they do not wait for
   * it; a crash of the process still loses nothing, a power failure or a crash of the machine may.
   */
  readonly durability?: Durability | undefined
  /**
   * Permissions of new files and directories. `owner` (the default): 0600 and 0700, so that no other user reads the messages. `umask`: 0666 and 0777
   * less the umask of the process, for processes of several users in one directory; with the umask 0007 that is the owner and the group.
   */
  readonly permissions?: Permissions | undefined
  /** Gives the answers their `storeTimeMs`, and tells leftovers from files in use. Default: the machine's clock. */
  readonly clock?: Clock | undefined
  /** Makes the ids of versions. They must be unique among all processes that use the directory. Default: random. */
  readonly ids?: Ids | undefined
}

export interface ResolvedFsStoreOptions {
  /** Absolute. */
  readonly directory: string
  readonly durability: Durability
  readonly permissions: Permissions
  readonly clock: Clock
  readonly ids: Ids
}

const OWNER = 'createFsStore'
const DURABILITIES: readonly Durability[] = ['fsync', 'none']
const PERMISSIONS: readonly Permissions[] = ['owner', 'umask']

/** Throws `InvalidOption` for what is unknown or cannot be. */
export function resolveFsStoreOptions(options: FsStoreOptions): ResolvedFsStoreOptions {
  assertKnownKeys(OWNER, options, ['directory', 'durability', 'permissions', 'clock', 'ids'])
  const { directory, durability = 'fsync', permissions = 'owner', clock = systemClock, ids = systemIds } = options
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw new InvalidOption(OWNER, 'directory', `must be the path of a directory, not ${JSON.stringify(directory)}.`)
  }
  assertOneOf('durability', durability, DURABILITIES)
  assertOneOf('permissions', permissions, PERMISSIONS)
  return { directory: resolve(directory), durability, permissions, clock, ids }
}

function assertOneOf(option: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return
  throw new InvalidOption(OWNER, option, `must be one of ${known.join(', ')}, not ${String(value)}.`)
}
