import { InvalidPayload } from '@s3queue/core'
import { InvalidOption } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { shardOfName } from '../../src/shards/placement.ts'
import { createShardedWorld, numbers } from './support.ts'

describe('the shard of a name', () => {
  it('is one of them, and names spread evenly', () => {
    for (const count of [1, 2, 3, 4, 7, 64]) {
      const per = new Array<number>(count).fill(0)
      for (const i of numbers(6400)) {
        const shard = shardOfName(`customer-${i}`, count)
        per[shard] = (per[shard] ?? 0) + 1
      }
      const fair = 6400 / count
      for (const n of per) expect(Math.abs(n - fair)).toBeLessThan(5 * Math.sqrt(fair) + 1)
    }
  })

  it('stays the same in every version', () => {
    expect(['a', 'b', 'customer-17', 'käse', ''].map((name) => shardOfName(name, 8))).toMatchInlineSnapshot(`
      [
        3,
        0,
        0,
        1,
        5,
      ]
    `)
  })

  it('moves only to a shard that is new', () => {
    let moved = 0
    for (const i of numbers(1000)) {
      const [before, after] = [shardOfName(`key ${i}`, 4), shardOfName(`key ${i}`, 6)]
      if (before === after) continue
      moved++
      expect(after).toBeGreaterThanOrEqual(4)
    }
    expect(moved).toBeGreaterThan(250)
    expect(moved).toBeLessThan(420)
  })
})

describe('messages of a queue with several shards', () => {
  it('go to one shard after the other', async () => {
    const world = createShardedWorld()
    const queue = world.queue({ shards: 4 })
    await world.run(Promise.all(numbers(12).map((n) => queue.enqueue(n))))
    expect(await world.perShard(4)).toEqual([3, 3, 3, 3])
    await world.run(queue.enqueueMany(numbers(40)))
    expect(await world.perShard(4)).toEqual([13, 13, 13, 13])
  })

  it('are answered in the order of the call, and are found by their ids', async () => {
    const world = createShardedWorld()
    const queue = world.queue({ shards: 4 })
    const other = world.queue({ shards: 4 })
    const enqueued = await world.run(queue.enqueueMany(numbers(10)))
    const payloads = await world.run(Promise.all(enqueued.map(({ id }) => other.getPayload(id))))
    expect(payloads).toEqual(numbers(10))
    expect(new Set(enqueued.map(({ id }) => id.split('-')[0])).size).toBe(4)
    expect(await world.run(other.get('0123456789ABCDEF.9-1'))).toBeUndefined()
    await expect(world.run(other.getPayload('0123456789ABCDEF.9-1'))).rejects.toMatchObject({
      code: 'MESSAGE_NOT_FOUND',
    })
  })

  it('with one key go to one shard, in their order', async () => {
    const world = createShardedWorld()
    const queue = world.queue<{ key: string; n: number }>({ shards: 4 })
    const keys = ['ann', 'bob', 'cyd', 'dan', 'eve', 'fay', 'gus', 'hal']
    const messages = keys.flatMap((key) => numbers(5).map((n) => ({ key, n })))
    await world.run(queue.enqueueMany(messages, ({ key }) => ({ shardKey: key })))
    await world.run(queue.enqueue({ key: 'ann', n: 5 }, { shardKey: 'ann' }))
    const per = await world.perShard(4)
    expect(per.reduce((sum, n) => sum + n, 0)).toBe(41)
    expect(per.every((n) => n % 5 <= 1)).toBe(true)
    const seen = new Map<string, number[]>()
    queue.process(({ payload }) => {
      seen.set(payload.key, [...(seen.get(payload.key) ?? []), payload.n])
    })
    await world.run(queue.drain())
    expect(seen.get('ann')).toEqual(numbers(6))
    for (const key of keys.slice(1)) expect(seen.get(key)).toEqual(numbers(5))
  })

  it('with an id or a deduplication key are there once, whoever enqueues them', async () => {
    const world = createShardedWorld()
    const queues = [world.queue({ shards: 4 }), world.queue({ shards: 4 })]
    for (const queue of queues) {
      for (const n of numbers(8)) await world.run(queue.enqueue(n, { id: `order ${n}` }))
      for (const n of numbers(8)) await world.run(queue.enqueue(n, { deduplicationKey: `order ${n}` }))
      await world.run(queue.enqueueMany(numbers(8), (n) => ({ id: `order ${n}` })))
    }
    expect(await world.run(queues[1]?.getStats() ?? Promise.reject(new Error()))).toMatchObject({ total: 16 })
    expect((await world.perShard(4)).filter((n) => n > 0).length).toBeGreaterThan(1)
    expect(await world.run(queues[1]?.get('order 5') ?? Promise.resolve(undefined))).toMatchObject({
      status: 'waiting',
    })
  })

  it('are all checked before any is sent', async () => {
    const world = createShardedWorld()
    const queue = world.queue({ shards: 4 })
    const failed = world.run(queue.enqueueMany([...numbers(30), undefined, 1, 2]))
    await expect(failed).rejects.toThrow(InvalidPayload)
    await expect(failed).rejects.toThrow('Payload 30 is undefined')
    expect(await world.run(queue.getStats())).toMatchObject({ total: 0 })
  })

  it.each([1, 4])('of an async function for their options are refused, with %d shards', async (shards) => {
    const world = createShardedWorld()
    const queue = world.queue({ shards })
    const options = async (n: number) => ({ id: `order ${n}` })
    await expect(world.run(queue.enqueueMany(numbers(3), options as never))).rejects.toThrow('not a Promise')
    await expect(world.run(queue.enqueueMany(numbers(3), () => null as never))).rejects.toThrow('not null')
    expect(await world.run(queue.getStats())).toMatchObject({ total: 0 })
  })

  it('cannot be put where two names want them', async () => {
    const world = createShardedWorld()
    const queue = world.queue({ shards: 2 })
    const refused = async (options: object, message: string): Promise<void> => {
      await expect(world.run(queue.enqueue(1, options))).rejects.toThrow(InvalidOption)
      await expect(world.run(queue.enqueueMany([1, 2], () => options))).rejects.toThrow(message)
    }
    await refused({ shardKey: 'a', id: 'b' }, '"shardKey" cannot be given together with "id"')
    await refused(
      { shardKey: 'a', deduplicationKey: 'b' },
      '"shardKey" cannot be given together with "deduplicationKey"',
    )
    await refused({ id: 'a', deduplicationKey: 'b' }, '"deduplicationKey" cannot be given together with "id"')
    await refused({ shardKey: '' }, '"shardKey" must be a string of 1 to 200 characters')
    await refused({ sharedKey: 'a' }, '"sharedKey" is not known')
    await refused({ id: '0123456789ABCDEF.1-1' }, 'looks like an id that the queue gives itself')
  })

  it('a queue of one shard takes a key all the same', async () => {
    const world = createShardedWorld()
    const queue = world.queue()
    await world.run(queue.enqueue(1, { shardKey: 'a' }))
    await world.run(queue.enqueueMany([1, 2], { shardKey: 'a' }))
    const both = { shardKey: 'a', id: 'b' }
    await expect(world.run(queue.enqueue(1, both))).rejects.toThrow(InvalidOption)
    await expect(world.run(queue.enqueueMany([1], both))).rejects.toThrow(InvalidOption)
    expect(await world.run(queue.getStats())).toMatchObject({ total: 3 })
  })

  it('are all sent before the queue is closed, also those of the first call', async () => {
    for (const shards of [undefined, 4]) {
      const world = createShardedWorld()
      const queue = world.queue<number>({ shards })
      const calls = [queue.enqueue(1), queue.enqueueMany(numbers(20)), queue.enqueue(2)]
      const closing = queue.close()
      await world.run(Promise.all([...calls, closing]))
      await expect(world.run(queue.enqueue(3))).rejects.toMatchObject({ code: 'QUEUE_CLOSED' })
      expect((await world.perShard(4)).reduce((sum, n) => sum + n, 0)).toBe(22)
    }
  })
})
