import { describe, expect, it } from 'vitest'
import { shardOf } from '../src/shard/index.ts'
import { createWorld } from './support.ts'

describe('the log that a message is in', () => {
  it('is told by the ids that the queue gives, and by no others', async () => {
    const { open, run } = createWorld()
    for (const shard of [0, 1, 7, 9999]) {
      const queue = open<number>({ shard })
      const [first, second] = await run(queue.enqueueMany([1, 2]))
      expect([shardOf(first?.id ?? ''), shardOf(second?.id ?? '')]).toEqual([shard, shard])
      expect(await run(queue.getPayload(second?.id ?? ''))).toBe(2)
      expect(await run(queue.cancel(first?.id ?? ''))).toBe(true)
      await expect(run(queue.enqueue(3, { id: second?.id }))).rejects.toThrow('looks like an id that the queue gives')
      await run(queue.close())
    }
    for (const id of ['', 'order-1', '0123456789ABCDEF', '0123456789ABCDEF.0-1', '0123456789ABCDEF.12345-1'])
      expect(shardOf(id)).toBeUndefined()
  })
})
