/**
 * `list`: a walk over the directories in byte order of the keys, which reads only directories that can hold keys of the answer,
 * and looks only at files that are in it.
 *
 * The order of keys is not that of names: `a-b` comes before `a/x`, as `-` comes before `/`. So directories are sorted with
 * their slash.
 */
import { dirname } from 'node:path'
import type { ListEntry, ResolvedListOptions } from '@s3queue/storage'
import { isKeySegment } from '@s3queue/storage'
import { ABSENT, unless } from './file-system.ts'
import { inLanes } from './lanes.ts'
import { birthOf, objectPath } from './layout.ts'
import { type ReadContext, readSize } from './read.ts'
import { headBytes, ignoreDamage } from './record.ts'

/** A file that may be an object. */
interface Candidate {
  readonly key: string
  /** Whether there are objects beside it that were written over: only then its record must be read to know its size. */
  readonly versioned: boolean
}

/** How many files are looked at together. */
const WIDTH = 8

export async function list(
  context: ReadContext,
  { prefix, startAfter = '', limit, signal }: ResolvedListOptions,
): Promise<{ entries: ListEntry[]; truncated: boolean }> {
  const entries: ListEntry[] = []
  let pending: Candidate[] = []
  for await (const candidate of walk(context, prefix, startAfter)) {
    signal?.throwIfAborted()
    if (entries.length === limit) return { entries, truncated: true }
    pending.push(candidate)
    if (entries.length + pending.length < limit) continue
    entries.push(...(await measure(context, pending)))
    pending = []
  }
  entries.push(...(await measure(context, pending)))
  return { entries, truncated: false }
}

/** All candidates below `prefix` and behind `startAfter`, in order. */
async function* walk(context: ReadContext, prefix: string, startAfter: string): AsyncGenerator<Candidate> {
  const found = (await unless(ABSENT, context.fs.entries(objectPath(context.root, prefix)))) ?? []
  const names: string[] = []
  let versioned = false
  for (const entry of found) {
    if (birthOf(entry.name) !== undefined) versioned = true
    else if (entry.isFile()) {
      if (prefix + entry.name > startAfter && isKeySegment(entry.name)) names.push(entry.name)
    } else if (entry.isDirectory()) {
      const below = `${prefix + entry.name}/`
      const reaches = below > startAfter || startAfter.startsWith(below)
      if (reaches && isKeySegment(entry.name)) names.push(`${entry.name}/`)
    }
  }
  for (const name of names.sort()) {
    if (name.endsWith('/')) yield* walk(context, prefix + name, startAfter)
    else yield { key: prefix + name, versioned }
  }
}

/** The entries of those candidates that are still there. */
async function measure(context: ReadContext, candidates: readonly Candidate[]): Promise<ListEntry[]> {
  const sizes = new Map<string, number>()
  await inLanes(candidates, WIDTH, async ({ key, versioned }) => {
    const size = versioned ? await sizeOfVersion(context, key) : await sizeOfBirth(context, key)
    if (size !== undefined) sizes.set(key, size)
  })
  return candidates.flatMap(({ key }) => {
    const size = sizes.get(key)
    return size === undefined ? [] : [{ key, size }]
  })
}

/** A damaged object is listed all the same: it must not look as if it were not there. */
async function sizeOfVersion(context: ReadContext, key: string): Promise<number | undefined> {
  try {
    return await readSize(context, key)
  } catch (error) {
    ignoreDamage(error)
    return sizeOfBirth(context, key)
  }
}

/** The size of a body that was never written over. One look is enough: it can only be current, or gone. */
async function sizeOfBirth({ fs, root, settling }: ReadContext, key: string): Promise<number | undefined> {
  const path = objectPath(root, key)
  const facts = await unless(ABSENT, fs.facts(path))
  if (facts === undefined || facts.isDirectory) return undefined
  // A second name: perhaps not durable yet, see `settleRecord`.
  if (settling.durable && facts.links > 1) await settling.settle(dirname(path))
  return Math.max(0, facts.size - headBytes(key))
}
