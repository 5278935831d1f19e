/** A deployment with four shards: four resources, each with a queue of its own, and messages spread over them by their customer. */
import { createHash } from 'node:crypto'
import { S3QueuePlugin } from '@s3queue/plugin'
import { type Example, queued, whenEnded } from './example.ts'

interface Task {
  customer: string
  n: number
}

const SHARDS = 4
const MESSAGES = 80

/** The same customer, the same shard. */
function shardOf(customer: string): number {
  return createHash('sha256').update(customer).digest().readUInt32BE() % SHARDS
}

export const shards: Example<{ perShard: number[]; shardsOfCustomers: Record<string, number[]> }> = async (db, say) => {
  const perShard = new Array<number>(SHARDS).fill(0)
  const seen = new Map<string, Set<number>>()
  const all = await Promise.all(
    perShard.map(async (_, shard) => {
      await db.createResource({
        name: `tasks_${shard}`,
        attributes: { id: 'string|required', customer: 'string|required', n: 'number|required' },
      })
      const queue = new S3QueuePlugin<Task>({
        resource: `tasks_${shard}`,
        concurrency: 5,
        onMessage: ({ customer }) => {
          perShard[shard] = (perShard[shard] ?? 0) + 1
          seen.set(customer, (seen.get(customer) ?? new Set()).add(shard))
        },
      })
      await db.usePlugin(queue, `shard${shard}`)
      return { queue, tasks: queued<Task>(db, `tasks_${shard}`) }
    }),
  )

  const counts = new Array<number>(SHARDS).fill(0)
  const messages = Array.from({ length: MESSAGES }, (_, n): Task => ({ n, customer: `customer ${n % 20}` }))
  for (const { customer } of messages) counts[shardOf(customer)] = (counts[shardOf(customer)] ?? 0) + 1
  const ended = Promise.all(
    all.map(({ queue }, shard) => (counts[shard] ? whenEnded(queue, counts[shard]) : undefined)),
  )
  await Promise.all(messages.map((message) => all[shardOf(message.customer)]?.tasks.enqueue({ ...message })))
  await ended
  for (const { queue } of all) await queue.stop()
  say(`messages per shard: ${perShard.join(', ')}`)
  return {
    perShard,
    shardsOfCustomers: Object.fromEntries([...seen].map(([customer, which]) => [customer, [...which]])),
  }
}
