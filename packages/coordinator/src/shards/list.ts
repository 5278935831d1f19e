/** Pages of messages of several shards: one shard after the other, each in its own order, so that a page costs as much as one of a shard alone. */
import type { ListOptions, MessageInfo, MessagePage } from '@s3queue/core'
import { resolveListOptions } from '@s3queue/core/shard'
import { InvalidOption } from '@s3queue/storage'
import type { Shard } from './shard.ts'

/** The number of a shard, and where its next page begins. */
const CURSOR = /^(\d{1,4})\/(.*)$/

/** Throws `InvalidOption` as a shard's own `list` does. */
export async function listShards(shards: readonly Shard<unknown>[], options: ListOptions): Promise<MessagePage> {
  if (shards.length === 1) return (shards[0] as Shard<unknown>).queue.list(options)
  const start = parseCursor(options?.after, shards.length)
  const { limit } = resolveListOptions({ ...options, after: start.after })
  let { index, after } = start
  const messages: MessageInfo[] = []
  while (index < shards.length) {
    const page = await (shards[index] as Shard<unknown>).queue.list({
      ...options,
      after,
      limit: limit - messages.length,
    })
    messages.push(...page.messages)
    after = page.next
    if (after === undefined) index++
    if (messages.length >= limit) break
  }
  return { messages, next: index < shards.length ? `${index}/${after ?? ''}` : undefined }
}

function parseCursor(cursor: string | undefined, shards: number): { index: number; after: string | undefined } {
  if (cursor === undefined) return { index: 0, after: undefined }
  const parts = CURSOR.exec(String(cursor))
  // A page that was begun while the queue had one shard.
  if (parts === null && /^[a-z]+:/.test(String(cursor))) return { index: 0, after: cursor }
  const index = Number(parts?.[1] ?? shards)
  if (index < shards) return { index, after: parts?.[2] === '' ? undefined : parts?.[2] }
  const given = JSON.stringify(cursor)
  throw new InvalidOption('list', 'after', `must be the "next" of a page of this queue, not ${given}.`)
}
