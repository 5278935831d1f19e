/** Takes over what waits in the queue resource of the plugin that comes with s3db.js. */
import type { S3dbRecord, S3dbResource } from './database.ts'
import type { Enqueuer } from './enqueue-record.ts'
import { readAll } from './read-all.ts'

export interface Adopted {
  /** Messages that wait here now. */
  readonly moved: number
  /** Entries whose record is gone: left where they are. */
  readonly withoutRecord: number
  /** Entries that could not be read: left where they are, for the next time. */
  readonly unread: number
}

/** For so long a message that was moved twice, since something went wrong in between, runs once. */
const KNOWN_FOR_MS = 86_400_000

/**
 * Moves every entry of `old` that is `pending` or `processing`: its record gets a message here, in the order of the old queue, with its delay and the attempts that are left, and then the
 * entry is deleted. No worker of the old plugin may run meanwhile. Safe to repeat after a crash.
 */
export async function adoptQueue(old: S3dbResource, enqueuer: Enqueuer): Promise<Adopted> {
  const counts = { moved: 0, withoutRecord: 0, unread: 0 }
  const waiting: S3dbRecord[] = []
  // The old plugin's index by status misses entries, so all of them are read.
  for await (const { read } of readAll(old)) {
    if (read.outcome === 'found') {
      const { status } = read.record
      if (status === 'pending' || status === 'processing') waiting.push(read.record)
    } else if (read.outcome !== 'missing') counts.unread++
  }
  for (const entry of waiting.sort((a, b) => Number(a.queuedAt ?? 0) - Number(b.queuedAt ?? 0))) {
    const { visibleAt, attempts, maxAttempts } = entry
    const enqueued = await enqueuer.enqueueKnown(String(entry.originalId), {
      at: entry.status === 'pending' && typeof visibleAt === 'number' && visibleAt > 0 ? visibleAt : undefined,
      maxAttempts:
        typeof maxAttempts === 'number' && maxAttempts > 0
          ? Math.max(1, maxAttempts - Number(attempts ?? 0))
          : undefined,
      deduplicationWindowMs: KNOWN_FOR_MS,
    })
    if (enqueued === undefined) {
      counts.withoutRecord++
      continue
    }
    await old.delete(entry.id)
    counts.moved++
  }
  return counts
}
