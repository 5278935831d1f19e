/** Takes over what waits in the queue resource of the plugin that comes with s3db.js. */
import type { S3dbRecord, S3dbResource } from './database.ts'
import type { Enqueuer } from './enqueue-record.ts'

export interface Adopted {
  /** Messages that wait here now. */
  readonly moved: number
  /** Entries whose record is gone: left where they are. */
  readonly withoutRecord: number
}

const PAGE = 500
/** For so long a message that was moved twice, since something went wrong in between, runs once. */
const KNOWN_FOR_MS = 86_400_000

/**
 * Moves every entry of `old` that is `pending` or `processing`: its record gets a message here, with its delay and the attempts that are left, and then the
 * entry is deleted. No worker of the old plugin may run meanwhile. Safe to repeat after a crash.
 */
export async function adoptQueue(old: S3dbResource, enqueuer: Enqueuer): Promise<Adopted> {
  // The old plugin's index by status misses entries, so all of them are read; and before anything is deleted, as pages would shift.
  const waiting: S3dbRecord[] = []
  for (let offset = 0, size = PAGE; size === PAGE; offset += PAGE) {
    const page = await old.list({ limit: PAGE, offset })
    waiting.push(...page.filter(({ status }) => status === 'pending' || status === 'processing'))
    size = page.length
  }
  const counts = { moved: 0, withoutRecord: 0 }
  for (const entry of waiting) {
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
