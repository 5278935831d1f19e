/**
 * More shards for a queue that others use meanwhile. Nothing moves: the new ones are empty, and get their share from then on.
 *
 * It prevents that a new shard of a paused queue hands out messages. The new number is announced before it holds, and a queue that is paused after that
 * keeps the old one until it is resumed. Who pauses or resumes looks for what is announced after the first shard is: so one of the two sees the other,
 * whichever of them dies on the way.
 */
import { ensureProbed, type ResolvedQueueOptions } from '@s3queue/core/shard'
import type { ShardCount, ShardRecord } from './record.ts'
import type { Shard } from './shard.ts'

export interface RaiseOptions<T> {
  readonly record: ShardRecord
  readonly found: ShardCount | undefined
  readonly wanted: number
  /** The shard that every queue has: if it is paused, the queue is. */
  readonly first: Shard<T>
  readonly settings: ResolvedQueueOptions
  readonly onTrouble: (error: unknown) => void
  readonly signal: AbortSignal
}

/** Resolves to what is written down then: less than is wanted while the queue is paused. Throws `InvalidOption` if there are more shards than wanted. */
export async function raiseShards<T>(options: RaiseOptions<T>): Promise<ShardCount> {
  const { record, found, wanted, first, settings, onTrouble, signal } = options
  // The record rests on conditional writes as the log does.
  await ensureProbed(settings, onTrouble, signal)
  if (found === undefined && !(await record.isInUse(signal))) {
    const begun = await record.begin(wanted, signal)
    if (begun.count === wanted) return begun
  }
  const announced = await record.announce(wanted, signal)
  if (announced.count === wanted || (await first.queue.isPaused())) return announced
  return record.raise(wanted, signal)
}
