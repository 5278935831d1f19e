/**
 * More shards for a queue that others use meanwhile. Nothing moves: the new ones are empty, and get their share from then on.
 *
 * It prevents that a new shard of a paused queue hands out messages: the first shard says whether the queue is paused, and the new ones follow it
 * before and after their number is written down. Who pauses or resumes looks at the number after that, so one of the two sees the other.
 */
import { ensureProbed, type ResolvedQueueOptions } from '@s3queue/core/shard'
import type { ShardCount, ShardRecord } from './record.ts'
import type { Shard } from './shard.ts'

export interface RaiseOptions<T> {
  readonly record: ShardRecord
  readonly found: ShardCount | undefined
  readonly wanted: number
  /** The shard that every queue has. */
  readonly first: Shard<T>
  /** The shards from number `from` on up to the wanted number. */
  readonly open: (from: number) => readonly Shard<T>[]
  readonly settings: ResolvedQueueOptions
  readonly onTrouble: (error: unknown) => void
  readonly signal: AbortSignal
}

/** Resolves to what is written down then. Throws `InvalidOption` if there are more shards than wanted. */
export async function raiseShards<T>(options: RaiseOptions<T>): Promise<ShardCount> {
  const { record, found, wanted, first, open, settings, onTrouble, signal } = options
  // The record rests on conditional writes as the log does.
  await ensureProbed(settings, onTrouble, signal)
  for (let known = found; ; ) {
    const isInUse = known !== undefined || (await record.isInUse(signal))
    const firstCount = known?.firstCount ?? (isInUse ? 1 : wanted)
    const added = isInUse ? open(known?.count ?? 1) : []
    const arePaused = await pauseLike(first, added, false)
    const written = await record.raise(wanted, firstCount, known, signal)
    await pauseLike(first, added, arePaused)
    if (written.count === wanted) return written
    // Another process was first and wants less: its shards may have been paused meanwhile.
    known = written
  }
}

/** Resolves to whether they are paused then, as the first one is. */
async function pauseLike<T>(first: Shard<T>, added: readonly Shard<T>[], paused: boolean): Promise<boolean> {
  let arePaused = paused
  if (added.length === 0) return arePaused
  for (let like = await first.queue.isPaused(); like !== arePaused; like = await first.queue.isPaused()) {
    arePaused = like
    await Promise.all(added.map(({ queue }) => (arePaused ? queue.pause() : queue.resume())))
  }
  return arePaused
}
