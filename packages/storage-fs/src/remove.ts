/** The death of an object, in an order that a crash at any point leaves either alive and whole, or dead. See `current.ts`. */
import { dirname, join } from 'node:path'
import { ABSENT, codeOf, type FileSystem, unless } from './file-system.ts'
import { inLanes } from './lanes.ts'
import { objectPath, parseNowName, versionsPath } from './layout.ts'
import type { ReadContext } from './read.ts'
import { ignoreDamage, openRecord } from './record.ts'

/** What unlinking says of a directory: Linux the first, POSIX the second. */
const IS_DIRECTORY: readonly string[] = ['EISDIR', 'EPERM']

const MAX_ATTEMPTS = 1_000

/** Ends the lives of `keys`. When it returns, they are durably gone, and so is what they left behind. */
export async function removeObjects(context: ReadContext, keys: readonly string[], width: number): Promise<void> {
  const remains: string[] = []
  await inLanes(keys, width, async (key) => {
    const versions = await unlinkObject(context, key)
    if (versions !== undefined) remains.push(versions)
  })
  // Not before the deaths are durable: a power failure must not bring an object back without its versions.
  const parents = new Set(keys.map((key) => dirname(objectPath(context.root, key))))
  await inLanes([...parents], width, (parent) => context.settling.settle(parent))
  await inLanes(remains, width, (versions) => removeVersions(context.fs, versions))
}

/** Unlinks the birth; answers where its versions are, if that could be found out. */
async function unlinkObject({ fs, root }: ReadContext, key: string): Promise<string | undefined> {
  const path = objectPath(root, key)
  // A damaged one can be deleted like any other; what lies beside it is swept later on.
  const birth = await openRecord(fs, path, key).catch(ignoreDamage)
  await birth?.close()
  try {
    await fs.unlink(path)
  } catch (error) {
    const code = codeOf(error)
    if (code !== undefined && ABSENT.includes(code)) return undefined
    if (code !== undefined && IS_DIRECTORY.includes(code) && (await fs.facts(path)).isDirectory) return undefined
    throw error
  }
  return birth === undefined ? undefined : versionsPath(path, birth.head.nonce)
}

/** Removes the version directory of a dead object, or one that was never published. Late writers may still be putting things into it. */
export async function removeVersions(fs: FileSystem, versions: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const entries = await unless(ABSENT, fs.entries(versions))
    if (entries === undefined) return
    // What says "current" goes first, so that late writers stop.
    const names = entries.map((entry) => entry.name).sort((a, b) => rank(a) - rank(b))
    for (const name of names) await unless(ABSENT, fs.unlink(join(versions, name)))
    try {
      await unless(ABSENT, fs.removeDirectory(versions))
      return
    } catch (error) {
      const code = codeOf(error)
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
    }
  }
}

function rank(name: string): number {
  return parseNowName(name) === undefined ? 1 : 0
}
