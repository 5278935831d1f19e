import { type Queue, QueueNotFound } from '@s3queue/core'
import { describe, expect, it } from 'vitest'
import { createShardedWorld } from './shards/support.ts'

const READS: Readonly<Record<string, (queue: Queue<unknown>) => Promise<unknown>>> = {
  getStats: (queue) => queue.getStats(),
  list: (queue) => queue.list({ status: 'dead' }),
  get: (queue) => queue.get('x'),
  drain: (queue) => queue.drain(),
  follow: async (queue) => {
    for await (const _ of queue.follow()) return
  },
  resume: (queue) => queue.resume(),
  cancel: (queue) => queue.cancel('x'),
  purge: (queue) => queue.purge(),
  redrive: (queue) => queue.redrive(['x', 'y']),
}

const cases = Object.keys(READS).flatMap((call) => [undefined, 1, 4].map((shards) => ({ call, shards })))

describe('a coordinated queue that was never created', () => {
  it.each(cases)(
    '$call: reports that it does not exist and creates nothing (shards: $shards)',
    async ({ call, shards }) => {
      const world = createShardedWorld()
      const queue = world.queue({ name: 'jbos', shards })
      const error = await world.run(Promise.resolve(READS[call]?.(queue)).catch((reason: unknown) => reason))
      expect(error).toBeInstanceOf(QueueNotFound)
      expect((error as Error).message).toContain('"jbos" does not exist in memory://')
      await world.run(queue.close())
      expect(world.store.size).toBe(0)
    },
  )

  it.each([undefined, 4])(
    'is empty with ifMissing: "empty", until a process creates it (shards: %s)',
    async (shards) => {
      const world = createShardedWorld()
      const reader = world.queue({ shards, ifMissing: 'empty' })
      expect(await world.run(reader.getStats())).toMatchObject({ total: 0 })
      expect(await world.run(reader.list({ status: 'waiting' }))).toMatchObject({ messages: [] })
      expect(await world.run(reader.cancel('x'))).toBe(false)
      expect(world.store.size).toBe(0)
      const producer = world.queue({ shards })
      await world.run(producer.enqueueMany([1, 2, 3, 4, 5, 6, 7, 8]))
      expect(await world.run(reader.getStats())).toMatchObject({ waiting: 8 })
      expect((await world.run(reader.list({ status: 'waiting' }))).messages).toHaveLength(8)
    },
  )
})
