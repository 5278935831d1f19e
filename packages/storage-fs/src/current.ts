/**
 * Which version of an object is current: the protocol that reads, writes and deletes keep between processes that share nothing but
 * the directory. There are no locks, so nothing is left locked by a crash.
 *
 * An object's life begins when a record is linked to the object's path (its birth, with a random id), and ends when that name is
 * unlinked. An id never comes back. While the object lives, exactly one of these holds:
 *   (a) there is no directory `~<birth>`: the birth is current;
 *   (b) there is one, with exactly one name `now~<version>` in it: that version is current, and its record lies beside.
 * Two steps lead on from there, each one system call:
 *   (a) to (b): a complete directory is renamed to `~<birth>`, which fails if a directory that is not empty is there;
 *   (b) to (b): `now~<old>` is renamed to `now~<new>`, which fails if `now~<old>` is not there. Its record was linked before.
 * So of all writers that want to follow one version, one gets through. Names of versions are unique, so a writer that slept for a
 * year fails like any other; there is nothing to clean up for its sake.
 *
 * Writes. A writer sees the birth, then takes its step. If the object died in between, the step comes too late to be seen by
 * anyone: it counts as taken just before the death, which lay within the call. The chain of `now~` makes that true for several such
 * writers too. One step needs care: (a) to (b) on a dead object also succeeds if the directory was removed with the object, and so
 * an older version followed twice. After that step the writer looks at the birth again. If it is gone, an overwrite took place just
 * before the death in any case; for a write with a condition nobody can tell: outcome unknown.
 *
 * Reads. A reader opens the birth, looks into the directory, and at last checks that the birth is still at the path (the same file:
 * it is still open, so its inode cannot be another's). Then the object lived all the time in between, and what the directory showed
 * was current at that moment. It need not show one moment only: a `now~` that it showed was there at some time during the look,
 * and if it showed none, the reader looks again. A record that is gone by the time it is opened has been followed: again.
 *
 * Deletes. The birth is unlinked first: that is the moment of death. Only then its directory is emptied and removed; a
 * process that still looks there finds a dead object, whatever it sees. What a crash leaves behind is swept later on.
 */
import { type FileSystem, isSameFile, unless } from './file-system.ts'
import { parseNowName, type Version } from './layout.ts'
import type { OpenRecord } from './record.ts'

export type Current =
  | { readonly kind: 'birth' }
  | { readonly kind: 'version'; readonly version: Version }
  /** The directory is being written to or removed: look again. */
  | { readonly kind: 'moving' }

/** How often to look again before something must be wrong. Each time somebody else has got a step further. */
export const MAX_ATTEMPTS = 1_000

/** Looks into the version directory of an object that is alive or was lately. */
export async function findCurrent(fs: FileSystem, versions: string): Promise<Current> {
  const entries = await unless(['ENOENT'], fs.entries(versions))
  if (entries === undefined) return { kind: 'birth' }
  let newest: Version | undefined
  for (const { name } of entries) {
    const version = parseNowName(name)
    if (version !== undefined && (newest === undefined || version.number > newest.number)) newest = version
  }
  return newest === undefined ? { kind: 'moving' } : { kind: 'version', version: newest }
}

/** Whether the object whose birth is open as `birth` still lives. */
export async function isAlive(fs: FileSystem, birth: OpenRecord): Promise<boolean> {
  const facts = await unless(['ENOENT', 'ENOTDIR'], fs.facts(birth.path))
  return facts !== undefined && isSameFile(facts, birth.facts)
}
