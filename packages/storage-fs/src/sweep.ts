/**
 * Removes what crashed processes left behind: drafts, version directories of dead objects, and directories without objects.
 * None of it is ever mistaken for an object, so sweeping saves space and nothing else. What is younger than an hour may belong
 * to somebody who is still at work, and stays.
 */
import { dirname, join } from 'node:path'
import { type Clock, isKeySegment } from '@s3queue/storage'
import { removeEmptyDirectory } from './empty-tree.ts'
import { ABSENT, type DirectoryEntry, type FileFacts, unless } from './file-system.ts'
import {
  birthOf,
  objectPath,
  parseNowName,
  parseVersionName,
  SPARE,
  sparePath,
  versionName,
  versionsPath,
} from './layout.ts'
import type { ReadContext } from './read.ts'
import { ignoreDamage, openRecord, parseHead, type RecordHead } from './record.ts'
import { removeVersions } from './remove.ts'

export interface SweepContext extends ReadContext {
  readonly clock: Clock
}

export const SWEEP_AGE_MS = 3_600_000

/** Its time of change says when somebody last began to sweep. */
const MARK = 'swept'
const HEAD_READ_BYTES = 2_048

/** Sweeps, unless somebody has done so within the last hour. */
export async function sweepIfDue(context: SweepContext): Promise<void> {
  const { fs, root } = context
  const mark = sparePath(root, MARK)
  const facts = await unless(ABSENT, fs.facts(mark))
  if (facts !== undefined && !isOld(context, facts)) return
  await unless(ABSENT, fs.unlink(mark))
  const file = await unless(['EEXIST'], fs.open(mark, 'create'))
  if (file === undefined) return
  await file.close()
  await sweep(context)
}

/** Sweeps the whole store. */
export async function sweep(context: SweepContext): Promise<void> {
  await sweepSpare(context)
  await sweepBelow(context, '')
}

async function sweepSpare(context: SweepContext): Promise<void> {
  const { fs, root } = context
  for (const entry of await fs.entries(join(root, SPARE))) {
    if (entry.name === MARK) continue
    const path = sparePath(root, entry.name)
    const facts = await unless(ABSENT, fs.facts(path))
    if (facts === undefined || !isOld(context, facts)) continue
    if (entry.isDirectory()) await removeVersions(fs, path)
    else await sweepDraft(context, path, facts)
  }
}

/** A draft that was published must be durable before its spare name goes: see `settleRecord`. */
async function sweepDraft(context: SweepContext, path: string, facts: FileFacts): Promise<void> {
  const { fs, root, settling } = context
  if (facts.links > 1 && settling.durable) {
    const head = await headAt(context, path)
    if (head !== undefined) {
      const target = objectPath(root, head.key)
      const birth = await openRecord(fs, target, head.key).catch(ignoreDamage)
      await birth?.close()
      if (birth !== undefined) await settling.settle(versionsPath(target, birth.head.nonce))
      await settling.settle(dirname(target))
    }
  }
  await unless(ABSENT, fs.unlink(path))
}

async function sweepBelow(context: SweepContext, prefix: string): Promise<void> {
  const { fs, root } = context
  const directory = objectPath(root, prefix)
  const entries = (await unless(ABSENT, fs.entries(directory))) ?? []
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    const path = join(directory, name)
    const birth = birthOf(name)
    if (birth === undefined && !isKeySegment(name)) continue
    const facts = await unless(ABSENT, fs.facts(path))
    const old = facts !== undefined && isOld(context, facts)
    if (birth === undefined) {
      await sweepBelow(context, `${prefix}${name}/`)
      if (old) await removeEmptyDirectory(fs, path)
    } else if (old && (await isDead(context, path, birth))) {
      await removeVersions(fs, path)
    }
  }
}

/** Whether the object of a version directory is dead. It was alive once, and births never come back. */
async function isDead(context: SweepContext, versions: string, birth: string): Promise<boolean> {
  const { fs, root } = context
  const entries = (await unless(ABSENT, fs.entries(versions))) ?? []
  const record = entries.find((entry) => parseVersionName(entry.name) !== undefined)
  if (record === undefined) return entries.length === 0 || lacksCurrent(context, versions, entries)
  const head = await headAt(context, join(versions, record.name))
  if (head === undefined) return false
  try {
    const alive = await openRecord(fs, objectPath(root, head.key), head.key)
    await alive?.close()
    return alive?.head.nonce !== birth
  } catch (error) {
    ignoreDamage(error)
    return false
  }
}

/**
 * Whether a version is said to be current and has no record. While an object lives, a record is there before its version is
 * current and as long as it is; so if it is missing between two looks that show the version as current, the object is dead.
 */
async function lacksCurrent(
  { fs }: SweepContext,
  versions: string,
  entries: readonly DirectoryEntry[],
): Promise<boolean> {
  for (const { name } of entries) {
    const version = parseNowName(name)
    if (version === undefined) continue
    if ((await unless(ABSENT, fs.facts(join(versions, versionName(version))))) !== undefined) continue
    if ((await unless(ABSENT, fs.facts(join(versions, name)))) !== undefined) return true
  }
  return false
}

async function headAt({ fs }: SweepContext, path: string): Promise<RecordHead | undefined> {
  const file = await unless(ABSENT, fs.open(path, 'read'))
  if (file === undefined) return undefined
  try {
    const start = new Uint8Array(HEAD_READ_BYTES)
    return parseHead(start.subarray(0, await file.read(start, 0)))
  } finally {
    await file.close()
  }
}

function isOld({ clock }: SweepContext, { modifiedMs }: FileFacts): boolean {
  return clock.now() - modifiedMs >= SWEEP_AGE_MS
}
