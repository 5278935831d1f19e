/** How many messages are in which condition, in the words of s3db.js. */
import type { Queue } from '@s3queue/core'
import type { DeadLetters } from './dead-letters.ts'

export interface RecordQueueStats {
  readonly total: number
  /** Waiting, also for a later time or the next attempt. */
  readonly pending: number
  readonly processing: number
  /** Since the queue began. */
  readonly completed: number
  /** Out of attempts, where the failure strategy is `retry`. */
  readonly failed: number
  /** Dead letters: in the dead letter resource, if there is one, and otherwise in the queue. */
  readonly dead: number
}

/** Exact, from any process. Costs a list and a read, and a list of the dead letter resource. */
export async function readStats(
  queue: Pick<Queue<never>, 'getStats'>,
  deadLetters: DeadLetters | undefined,
  deadStatus: 'dead' | 'failed',
): Promise<RecordQueueStats> {
  const [{ waiting, delayed, active, completed, dead }, moved] = await Promise.all([
    queue.getStats(),
    deadLetters?.count() ?? 0,
  ])
  const pending = waiting + delayed
  const ended = deadStatus === 'failed' ? { failed: dead, dead: moved } : { failed: 0, dead: dead + moved }
  return { total: pending + active + completed + dead + moved, pending, processing: active, completed, ...ended }
}
