/** The queue of the demo. All its processes open it with the same settings. */
import { createQueue, type Queue } from '@s3queue/core'
import type { ObjectStore } from '@s3queue/storage'
import type { Recipient } from './recipients.ts'

export interface Patience {
  /** How long a claim lasts without a sign of life of its worker. */
  readonly visibilityTimeoutMs: number
  /** How long a process that writes may be silent before another takes over. */
  readonly takeoverAfterMs: number
}

/** As in production, where a pause of a few seconds must not look like a crash. */
export const RELAXED: Patience = { visibilityTimeoutMs: 30_000, takeoverAfterMs: 30_000 }

/** For the eyes of somebody who waits for a crash to be noticed. */
export const HASTY: Patience = { visibilityTimeoutMs: 2000, takeoverAfterMs: 1000 }

export function openNewsletterQueue(store: ObjectStore, patience: Patience): Queue<Recipient> {
  return createQueue<Recipient>({
    name: 'newsletter',
    store,
    ...patience,
    maxAttempts: 12,
    backoff: { baseMs: 200, maxMs: 2000 },
    // Commits may wait this long for company: fewer requests, and mail does not mind.
    lingerMs: 50,
  })
}
