/** An entry of the queue resource: a message in the words of s3db.js. */
import { createHash } from 'node:crypto'
import type { MessageInfo } from '@s3queue/core'

export type EntryStatus = 'pending' | 'processing' | 'completed' | 'failed' | 'dead'

/** A message as of some moment. Times are ms since 1970 unless they are strings; those are ISO 8601. */
export interface QueueEntry {
  /** Of the message; the same as the record's. */
  readonly id: string
  /** Of the record. */
  readonly originalId: string
  readonly status: EntryStatus
  /** When it can be claimed (again); 0 for at once. */
  readonly visibleAt: number
  /** Attempts made, the one under way included. */
  readonly attempts: number
  readonly maxAttempts: number | null
  /** The worker that has it. */
  readonly claimedBy: string | null
  readonly claimedAt: number | null
  /** The claim's fencing token. */
  readonly lockToken: string | null
  readonly queuedAt: number
  readonly createdAt: string
  readonly completedAt: number | null
  readonly result: unknown
  /** The last failure, as `name: message`. */
  readonly error: string | null
  readonly progress: unknown
  /** Changes whenever the entry does. */
  readonly _etag: string
}

export interface EntryOptions {
  readonly visibilityTimeoutMs: number
  /** What a message is called that nobody will try again. */
  readonly deadStatus: 'dead' | 'failed'
}

export function toEntry(info: MessageInfo, { visibilityTimeoutMs, deadStatus }: EntryOptions): QueueEntry {
  const { id, claimedAt, fencingToken } = info
  const entry = {
    ...{ id, originalId: id, status: statusOf(info.status, deadStatus) },
    visibleAt: info.visibleAt ?? (claimedAt === undefined ? 0 : claimedAt + visibilityTimeoutMs),
    attempts: info.attempts,
    maxAttempts: info.maxAttempts ?? null,
    claimedBy: info.workerId ?? null,
    claimedAt: claimedAt ?? null,
    lockToken: fencingToken === undefined ? null : String(fencingToken),
    queuedAt: info.enqueuedAt,
    createdAt: new Date(info.enqueuedAt).toISOString(),
    completedAt: info.completedAt ?? null,
    result: info.result ?? null,
    error: lastError(info),
    progress: info.progress ?? null,
  }
  return { ...entry, _etag: `"${createHash('md5').update(JSON.stringify(entry)).digest('hex')}"` }
}

/** The last failure of a message, as `name: message`. */
export function lastError({ failures }: Pick<MessageInfo, 'failures'>): string | null {
  const last = failures?.at(-1)
  return last === undefined ? null : describeFailure(last)
}

/** Well-formed, as s3db.js stores no other text: a message that was cut to its greatest length may end in half an emoji. */
export function describeFailure({ name, message }: { readonly name: string; readonly message: string }): string {
  return `${name}: ${message}`.toWellFormed()
}

function statusOf(status: MessageInfo['status'], deadStatus: 'dead' | 'failed'): EntryStatus {
  if (status === 'dead') return deadStatus
  if (status === 'completed') return 'completed'
  return status === 'active' ? 'processing' : 'pending'
}
