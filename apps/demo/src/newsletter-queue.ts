/** The queue of the demo. All its processes open it with the same settings. */
import { createCoordinatedQueue } from '@s3queue/coordinator'
import { createQueue, type Queue, type QueueOptions } from '@s3queue/core'
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

/** The same where several processes have to be heard of, each in time. */
export const SHARED: Patience = { visibilityTimeoutMs: 4000, takeoverAfterMs: 1000 }

/** The process that writes handles all messages. */
export function openNewsletterQueue(store: ObjectStore, patience: Patience): Queue<Recipient> {
  return createQueue<Recipient>(settings(store, patience))
}

/** Every process with a worker handles its share. */
export function openSharedNewsletterQueue(store: ObjectStore, patience: Patience): Queue<Recipient> {
  return createCoordinatedQueue<Recipient>({
    ...settings(store, patience),
    // The onlooker follows the queue before the first letter is enqueued.
    ifMissing: 'empty',
    heartbeatIntervalMs: patience.takeoverAfterMs,
    heartbeatTtlMs: 3 * patience.takeoverAfterMs,
  })
}

function settings(store: ObjectStore, patience: Patience): QueueOptions {
  return {
    name: 'newsletter',
    store,
    ...patience,
    maxAttempts: 12,
    backoff: { baseMs: 200, maxMs: 2000 },
    // Commits may wait this long for company: fewer requests, and mail does not mind.
    lingerMs: 50,
  }
}
