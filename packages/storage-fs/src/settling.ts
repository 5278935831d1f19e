/**
 * Makes names durable. A file that was synced is still lost in a power failure if its name was not: the directory must be synced
 * too, and the directory above it if it was made lately, by whomever, and so on up to the root.
 *
 * State: which directories are known to have durable names themselves (told apart from later ones of the same path by
 * inode and time of birth), and the syncs under way. Calls that come while a directory is being synced share the next sync.
 */
import { dirname } from 'node:path'
import { ABSENT, type FileFacts, type FileSystem, unless } from './file-system.ts'

export interface Settling {
  /** False if the user asked for no durability: then nothing is ever synced. */
  readonly durable: boolean
  /**
   * Returns once every name that was in `directory` when it was called would survive a power failure. A directory that is gone
   * has nothing to lose: whoever removed it deleted its objects before.
   */
  settle(directory: string): Promise<void>
}

interface Wave {
  readonly running: Promise<void>
  next?: Promise<void>
}

/** Directories to remember. One more, and all are forgotten: it costs a few syncs to know them again. */
const MAX_KNOWN = 10_000

export const noSettling: Settling = { durable: false, settle: async () => {} }

/** `root` must have a durable name already. */
export function createSettling(fs: FileSystem, root: string): Settling {
  const known = new Map<string, string>()
  const waves = new Map<string, Wave>()

  const sync = async (directory: string): Promise<void> => {
    const handle = await unless(ABSENT, fs.open(directory, 'read'))
    if (handle === undefined) return
    let identity: string
    try {
      identity = identityOf(await handle.facts())
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (directory === root || known.get(directory) === identity) return
    await settle(dirname(directory))
    if (known.size >= MAX_KNOWN) known.clear()
    known.set(directory, identity)
  }

  const start = (directory: string): Promise<void> => {
    const running = sync(directory).finally(() => {
      if (waves.get(directory)?.running === running) waves.delete(directory)
    })
    waves.set(directory, { running })
    return running
  }

  const settle = (directory: string): Promise<void> => {
    const wave = waves.get(directory)
    if (wave === undefined) return start(directory)
    wave.next ??= wave.running.catch(() => {}).then(() => start(directory))
    return wave.next
  }

  return { durable: true, settle }
}

function identityOf({ device, inode, bornNs }: FileFacts): string {
  return `${device}:${inode}:${bornNs}`
}
