/** Pages of messages of several shards: one shard after the other, each in its own order, so that a page costs as much as one of a shard alone. */
import type { ListOptions, MessageInfo, MessagePage } from '@s3queue/core'
import { InvalidOption } from '@s3queue/storage'
import type { Shard } from './shard.ts'

/** The number of a shard, and where its next page begins. */
const CURSOR = /^(\d{1,4})\/(.*)$/

/** Throws `InvalidOption` as a shard's own `list` does. */
export async function listShards(shards: readonly Shard<unknown>[], options: ListOptions): Promise<MessagePage> {
  if (shards.length === 1) return (shards[0] as Shard<unknown>).queue.list(options)
  const { limit = 100 } = options
  const messages: MessageInfo[] = []
  let { index, after } = parseCursor(options)
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

function parseCursor({ after }: ListOptions): { index: number; after: string | undefined } {
  if (after === undefined) return { index: 0, after: undefined }
  const parts = CURSOR.exec(String(after))
  if (parts !== null) return { index: Number(parts[1]), after: parts[2] === '' ? undefined : parts[2] }
  // A page that was begun while the queue had one shard.
  if (/^[a-z]+:/.test(String(after))) return { index: 0, after }
  throw new InvalidOption('list', 'after', `must be the "next" of a page of this queue, not ${JSON.stringify(after)}.`)
}
