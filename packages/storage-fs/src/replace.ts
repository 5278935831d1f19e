/**
 * One step from a version to the next: see `current.ts`. Both ways of it publish a draft with a single rename, which fails if
 * another writer was faster.
 */
import { join } from 'node:path'
import { isAlive } from './current.ts'
import { assertDraft, type Draft, type WriteContext } from './draft.ts'
import { unknownOutcome } from './failure.ts'
import { ABSENT, codeOf, type FileSystem, unless } from './file-system.ts'
import {
  nowName,
  parseNowName,
  parseVersionName,
  sparePath,
  type Version,
  versionName,
  versionsPath,
} from './layout.ts'
import type { OpenRecord } from './record.ts'
import { removeVersions } from './remove.ts'

export type Step =
  /** The draft is the version that follows. */
  | { readonly outcome: 'taken'; readonly version: Version }
  /** The version to be followed was not current any more. */
  | { readonly outcome: 'lost' }
  /** The object died meanwhile, and nobody can tell whether the version to be followed was current till then. */
  | { readonly outcome: 'died' }

/** Every so many versions the old ones are removed. The last few stay for readers that are just about to open them. */
const CLEAN_EVERY = 16
const KEEP = 4

/** Follows `from` (undefined: the birth itself) with `draft`. */
export function takeStep(
  context: WriteContext,
  birth: OpenRecord,
  from: Version | undefined,
  draft: Draft,
): Promise<Step> {
  const versions = versionsPath(birth.path, birth.head.nonce)
  const version: Version = { number: (from?.number ?? 0) + 1, nonce: draft.nonce }
  return from === undefined
    ? followBirth(context, birth, versions, version, draft)
    : followVersion(context, versions, from, version, draft)
}

async function followVersion(
  context: WriteContext,
  versions: string,
  from: Version,
  version: Version,
  draft: Draft,
): Promise<Step> {
  const { fs } = context
  const record = join(versions, versionName(version))
  try {
    await fs.link(draft.path, record)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    await assertDraft(context, draft)
    return { outcome: 'lost' }
  }
  try {
    await fs.rename(join(versions, nowName(from)), join(versions, nowName(version)))
    return { outcome: 'taken', version }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    await fs.unlink(record).catch(() => {})
    return { outcome: 'lost' }
  }
}

async function followBirth(
  context: WriteContext,
  birth: OpenRecord,
  versions: string,
  version: Version,
  draft: Draft,
): Promise<Step> {
  const { fs, root } = context
  const prepared = sparePath(root, `${draft.nonce}~`)
  try {
    await prepareVersions(context, prepared, version, draft)
    await fs.rename(prepared, versions)
  } catch (error) {
    const code = codeOf(error)
    await removeVersions(fs, prepared).catch(() => {})
    if (code === 'ENOENT') await assertDraft(context, draft)
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOENT') return { outcome: 'lost' }
    throw error
  }
  const alive = await isAlive(fs, birth).catch((error: unknown) => {
    throw unknownOutcome(error, { directory: root, key: draft.key })
  })
  // The directory of a dead object is left for the sweep: it is rare, and whoever deleted the object may still be at it.
  return alive ? { outcome: 'taken', version } : { outcome: 'died' }
}

/** Makes the directory that is to become `~<birth>`, complete and durable. */
async function prepareVersions(
  { fs, settling }: WriteContext,
  prepared: string,
  version: Version,
  draft: Draft,
): Promise<void> {
  await fs.makeDirectory(prepared)
  await fs.link(draft.path, join(prepared, versionName(version)))
  const now = await fs.open(join(prepared, nowName(version)), 'create')
  try {
    if (settling.durable) await now.sync()
  } finally {
    await now.close()
  }
  if (!settling.durable) return
  const directory = await fs.open(prepared, 'read')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Whether `version` is worth a try: false if it has been followed for certain. Saves writing a draft in vain. */
export async function mayBeCurrent(fs: FileSystem, birth: OpenRecord, version: Version | undefined): Promise<boolean> {
  const versions = versionsPath(birth.path, birth.head.nonce)
  if (version === undefined) return (await unless(ABSENT, fs.facts(versions))) === undefined
  return (await unless(ABSENT, fs.facts(join(versions, nowName(version))))) !== undefined
}

/**
 * Removes records that were followed some versions ago, and those of writers that lost or crashed. To be called by the writer of
 * `current` once it is durable. Whatever has a number up to that and is not `current` can never be current again.
 */
export async function cleanVersions(fs: FileSystem, versions: string, current: Version): Promise<void> {
  if (current.number % CLEAN_EVERY !== 0) return
  const entries = (await unless(ABSENT, fs.entries(versions))) ?? []
  for (const { name } of entries) {
    if (parseNowName(name) !== undefined) continue
    const version = parseVersionName(name)
    if (version === undefined || version.number > current.number || version.nonce === current.nonce) continue
    if (version.number > current.number - KEEP && version.number < current.number) continue
    await unless(ABSENT, fs.unlink(join(versions, name)))
  }
}
