/** Whom to ask: the one shard that has a message, those that have some, or all of them. */
import type { Queue } from '@s3queue/core'
import { shardOf } from '@s3queue/core/shard'
import { Router } from './enqueue.ts'
import type { Shard } from './shard.ts'
import type { Shards } from './shards.ts'
import { allTogether, partlyDone } from './together.ts'

/** Asks all shards. */
export async function everywhere<T, R>(shards: Shards<T>, ask: (shard: Shard<T>) => Promise<R>): Promise<R[]> {
  return Promise.all((await shards.toRead()).map(ask))
}

/** Changes something in all shards. Rejects with `NotAcknowledged` if some of them did it and others refused. */
export async function changeEverywhere<T, R>(shards: Shards<T>, change: (shard: Shard<T>) => Promise<R>): Promise<R[]> {
  return allTogether((await shards.toRead()).map(change))
}

/**
 * Changes something in all shards, also in those that are announced meanwhile: the process that raises their number relies on that. True if any says so. Rejects
 * as `changeEverywhere` does.
 */
export async function inEach<T>(shards: Shards<T>, ask: (shard: Shard<T>) => Promise<boolean>): Promise<boolean> {
  const answers: boolean[] = []
  let all = await shards.allAndComing()
  while (answers.length < all.length) {
    try {
      answers.push(...(await allTogether(all.slice(answers.length).map(ask))))
      all = await shards.allAndComing()
    } catch (error) {
      if (answers.length === 0) throw error
      throw partlyDone(answers.length, all.length, error)
    }
  }
  return answers.some(Boolean)
}

/** Where the message with this id is, if it is anywhere. */
export async function shardOfMessage<T>(shards: Shards<T>, id: string): Promise<Shard<T> | undefined> {
  const count = await shards.countToRead()
  if (typeof id !== 'string' || count === undefined) return shards.first
  return shards.at(shardOf(id) ?? Router.homeOf(id, count))
}

/** The same for calls that reject where there is no such message: that is for a shard to say. */
export async function shardOrFirst<T>(shards: Shards<T>, id: string): Promise<Shard<T>> {
  return (await shardOfMessage(shards, id)) ?? shards.first
}

/** Asks each shard to change its part of some messages, and sums up. Rejects as `changeEverywhere` does. */
export async function sumOverMessages<T>(
  shards: Shards<T>,
  which: string | readonly string[],
  ask: (queue: Queue<T>, ids: readonly string[]) => Promise<number>,
): Promise<number> {
  const ids: readonly string[] = typeof which === 'string' ? [which] : which
  // What is no list of ids is refused by a shard, whichever it is.
  if (!Array.isArray(ids) || ids.some((id) => typeof id !== 'string')) return ask(shards.first.queue, ids)
  const homes = await Promise.all(ids.map((id) => shardOfMessage(shards, id)))
  const parts = Map.groupBy(ids.keys(), (i) => homes[i])
  const counts = Array.from(parts, async ([shard, places]) => {
    if (shard === undefined) return 0
    return ask(
      shard.queue,
      places.map((i) => ids[i] as string),
    )
  })
  return total(await allTogether(counts))
}

export function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
