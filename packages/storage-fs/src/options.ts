/** The options of a store in a directory: their defaults and checks. */
import { resolve } from 'node:path'
import { assertKnownKeys, type Clock, type Ids, InvalidOption, systemClock, systemIds } from '@s3queue/storage'

/** What a power failure may take: nothing that was answered, or whatever the operating system had not written yet. */
export type Durability = 'fsync' | 'none'

/** What a store in a directory can be told. Only `directory` must be given. */
export interface FsStoreOptions {
  /** Where the objects lie. Made when it is first needed. Best a directory of its own on a local disk. */
  readonly directory: string
  /**
   * `fsync` (the default): writes, deletes and reads answer once what they say has reached the disk. `none`: they do not wait for
   * it; a crash of the process still loses nothing, a power failure or a crash of the machine may.
   */
  readonly durability?: Durability | undefined
  /** Gives the answers their `storeTimeMs`, and tells leftovers from files in use. Default: the machine's clock. */
  readonly clock?: Clock | undefined
  /** Makes the ids of versions. They must be unique among all processes that use the directory. Default: random. */
  readonly ids?: Ids | undefined
}

export interface ResolvedFsStoreOptions {
  /** Absolute. */
  readonly directory: string
  readonly durability: Durability
  readonly clock: Clock
  readonly ids: Ids
}

const OWNER = 'createFsStore'
const DURABILITIES: readonly Durability[] = ['fsync', 'none']

/** Throws `InvalidOption` for what is unknown or cannot be. */
export function resolveFsStoreOptions(options: FsStoreOptions): ResolvedFsStoreOptions {
  assertKnownKeys(OWNER, options, ['directory', 'durability', 'clock', 'ids'])
  const { directory, durability = 'fsync', clock = systemClock, ids = systemIds } = options
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw new InvalidOption(OWNER, 'directory', `must be the path of a directory, not ${JSON.stringify(directory)}.`)
  }
  if (!DURABILITIES.includes(durability)) {
    throw new InvalidOption(
      OWNER,
      'durability',
      `must be one of ${DURABILITIES.join(', ')}, not ${String(durability)}.`,
    )
  }
  return { directory: resolve(directory), durability, clock, ids }
}
