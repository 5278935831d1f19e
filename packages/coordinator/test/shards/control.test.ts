import type { MessageInfo, MessageStatus } from '@s3queue/core'
import { InvalidOption, type ObjectStore, sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import type { CoordinatedQueue } from '../../src/index.ts'
import { createShardedWorld, numbers, type ShardedWorld } from './support.ts'

async function listed(
  world: ShardedWorld,
  queue: CoordinatedQueue<number>,
  status: MessageStatus,
  limit: number,
): Promise<{ messages: MessageInfo[]; pages: number }> {
  const messages: MessageInfo[] = []
  let after: string | undefined
  for (let pages = 1; ; pages++) {
    const page = await world.run(queue.list({ status, limit, after }))
    messages.push(...page.messages)
    expect(page.messages.length).toBeLessThanOrEqual(limit)
    after = page.next
    if (after === undefined) return { messages, pages }
  }
}

describe('a queue with several shards, as a whole', () => {
  it('counts what is in all of them, from any process', async () => {
    const world = createShardedWorld()
    const [queue, other] = [world.queue<number>({ shards: 3 }), world.queue<number>({ shards: 3 })]
    await world.run(queue.enqueueMany(numbers(30)))
    await world.run(queue.enqueueMany(numbers(6), { delayMs: 60_000 }))
    const sums = { waiting: 30, delayed: 6, active: 0, completed: 0, dead: 0, total: 36 }
    expect(await world.run(queue.getStats())).toEqual(sums)
    expect(await world.run(other.getStats())).toEqual(sums)
    const cost = queue.getCost()
    expect(cost).toMatchObject({ enqueued: 36, handled: 0 })
    expect(cost.requests).toBeGreaterThan(6)
    expect(cost.requestsPerMessage).toBeCloseTo(cost.requests / 36)
  })

  it('lists every message once, page by page', async () => {
    const world = createShardedWorld()
    const queue = world.queue<number>({ shards: 4 })
    const ids = (await world.run(queue.enqueueMany(numbers(30)))).map(({ id }) => id)
    for (const limit of [1, 4, 7, 8, 1000]) {
      const { messages } = await listed(world, queue, 'waiting', limit)
      expect(messages.map(({ id }) => id).sort()).toEqual([...ids].sort())
    }
    expect((await listed(world, queue, 'waiting', 1000)).pages).toBe(1)
    expect(await listed(world, queue, 'dead', 10)).toEqual({ messages: [], pages: 1 })
    for (const after of ['x', 'waiting', '1/x', '1/dead:1', '4/', '9/waiting:1', 7 as never, {} as never])
      await expect(world.run(queue.list({ status: 'waiting', after }))).rejects.toThrow('"after" must be the "next"')
    for (const limit of [0, 1001, Number.NaN, '5' as never])
      await expect(world.run(queue.list({ status: 'waiting', limit }))).rejects.toThrow(`"limit" must be`)
    for (const after of [undefined, '0/', '3/', '4/'])
      await expect(world.run(queue.list({ status: 'done' as never, after }))).rejects.toThrow(InvalidOption)
    await expect(world.run(queue.list(undefined as never))).rejects.toThrow('"status"')
    await expect(world.run(queue.list({ status: 'dead', page: 2 } as never))).rejects.toThrow('"page" is not known')
  })

  it('C38 is paused and resumed everywhere', async () => {
    const world = createShardedWorld()
    const [queue, other] = [world.queue<number>({ shards: 4 }), world.queue<number>({ shards: 4 })]
    const done: number[] = []
    queue.process(({ payload }) => done.push(payload))
    await world.pass(2000)
    expect(await world.run(other.pause())).toBe(true)
    expect(await world.run(other.pause())).toBe(false)
    await world.run(queue.enqueueMany(numbers(40)))
    await world.pass(20_000)
    expect(done).toEqual([])
    expect(await world.run(other.resume())).toBe(true)
    await world.run(queue.drain())
    expect(done.sort((a, b) => a - b)).toEqual(numbers(40))
  })

  it('finds each message for whoever wants to cancel, release, redrive or forget it', async () => {
    const world = createShardedWorld()
    const [queue, other] = [world.queue<number>({ shards: 4 }), world.queue<number>({ shards: 4 })]
    const sent = await world.run(queue.enqueueMany(numbers(12)))
    const named = await world.run(queue.enqueueMany([100, 101, 102], (n) => ({ id: `name ${n}` })))
    for (const { id } of [...sent.slice(0, 4), ...named.slice(0, 1)]) {
      expect(await world.run(other.cancel(id))).toBe(true)
      expect(await world.run(other.cancel(id))).toBe(false)
    }
    expect(await world.run(other.cancel('who knows'))).toBe(false)
    expect(await world.run(other.cancel('0123456789ABCDEF.7-1'))).toBe(false)
    const attempts = new Map<number, number>()
    queue.process(
      async ({ payload }, { signal }) => {
        attempts.set(payload, (attempts.get(payload) ?? 0) + 1)
        if (payload === 4 && attempts.get(4) === 1)
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
        if (payload >= 100) throw new Error('never')
        return { was: payload }
      },
      { concurrency: 4 },
    )
    const id = sent[4]?.id ?? ''
    const result = world.run(other.waitFor(id))
    while ((await world.run(queue.get(id)))?.status !== 'active') await world.pass(100)
    expect(await world.run(other.release(id))).toBe(true)
    expect(await result).toEqual({ was: 4 })
    await world.run(queue.drain())
    expect(await world.run(queue.getStats())).toMatchObject({ completed: 8, dead: 2, total: 10 })
    const dead = named.slice(1).map((one) => one.id)
    expect(await world.run(other.redrive(dead[0] ?? ''))).toBe(1)
    await world.run(queue.drain())
    expect(await world.run(other.redrive([...dead, 'who knows']))).toBe(2)
    await world.run(queue.drain())
    expect(await world.run(other.redrive((message) => message.id === dead[1]))).toBe(1)
    await world.run(queue.drain())
    expect(await world.run(other.redrive())).toBe(2)
    await world.run(queue.drain())
    expect(await world.run(other.forget([...dead, ...sent.slice(4, 8).map((one) => one.id), 'who knows']))).toBe(6)
    expect(await world.run(other.get(sent[5]?.id ?? ''))).toBeUndefined()
    await expect(world.run(other.redrive(null as never))).rejects.toThrow(InvalidOption)
    await expect(world.run(other.forget([1] as never))).rejects.toThrow(InvalidOption)
    expect([attempts.get(101), attempts.get(102), attempts.get(4)]).toEqual([12, 12, 2])
  })

  it('is purged whole', async () => {
    const world = createShardedWorld()
    const queue = world.queue<number>({ shards: 4 })
    await world.run(queue.enqueueMany(numbers(50)))
    expect(await world.run(world.queue({ shards: 4 }).purge())).toBe(50)
    expect(await world.run(queue.getStats())).toMatchObject({ total: 0 })
  })

  it('tells of its events wherever they happen, and ends the telling', async () => {
    const world = createShardedWorld()
    const queue = world.queue<number>({ shards: 4 })
    const follower = world.queue<number>({ shards: 4, ifMissing: 'empty' })
    const followed: string[] = []
    const end = new AbortController()
    const following = (async () => {
      for await (const { name, shard } of follower.follow({ names: ['enqueued', 'completed'], signal: end.signal }))
        followed.push(`${name} in ${shard}`)
    })()
    const streamed: string[] = []
    const streaming = (async () => {
      for await (const { name } of queue.events({ names: ['completed'] })) streamed.push(name)
    })()
    const heard: string[] = []
    const off = queue.on('completed', ({ workerId }) => heard.push(workerId))
    await world.pass(2000)
    await world.run(queue.enqueueMany(numbers(8)))
    const worker = queue.process(() => {}, { workerId: 'pod' })
    await world.run(queue.drain())
    expect(heard).toEqual(Array.from({ length: 8 }, () => worker.id))
    off()
    await world.run(queue.enqueue(8))
    await world.run(queue.drain())
    expect(heard).toHaveLength(8)
    await world.pass(15_000)
    const shards = numbers(4)
    for (const shard of shards) {
      expect(followed.filter((one) => one === `enqueued in ${shard}`).length).toBeGreaterThanOrEqual(1)
      expect(followed.filter((one) => one === `completed in ${shard}`).length).toBeGreaterThanOrEqual(2)
    }
    expect(followed.filter((one) => one.startsWith('completed'))).toHaveLength(9)
    end.abort()
    await world.run(following)
    await world.run(queue.close())
    await world.run(streaming)
    expect(streamed).toHaveLength(9)
    expect(() => queue.on('nothing' as never, () => {})).toThrow(InvalidOption)
    expect(() => queue.events({ names: ['nothing' as never] })).toThrow(InvalidOption)
    expect(() => follower.follow({ names: ['nothing' as never] })).toThrow(InvalidOption)
  })

  it('C27 says who is what, and who is there', async () => {
    const world = createShardedWorld()
    const pods = [world.queue<number>({ shards: 3 }), world.queue<number>({ shards: 3 })]
    const ids: string[] = []
    for (const [i, pod] of pods.entries()) {
      ids.push(pod.process(() => sleep(world.clock, 10), { workerId: `pod-${i}`, concurrency: 4 }).id)
      await world.pass(1500)
    }
    const [writer, other] = pods
    expect(writer?.health()).toMatchObject({ isRunning: true, coordinatorElected: true, isCoordinator: true })
    expect(writer?.health().coordinatedShards).toEqual([0, 1, 2])
    expect(other?.health()).toMatchObject({ coordinatorElected: true, isCoordinator: false, coordinatedShards: [] })
    await world.run(other?.enqueueMany(numbers(300)) ?? Promise.resolve([]))
    await world.run(other?.drain() ?? Promise.resolve({} as never))
    await world.pass(120_000)
    expect(writer?.metrics()).toMatchObject({ activeWorkers: 2, isCoordinator: true, ticketsAvailable: 0 })
    expect(other?.metrics()).toMatchObject({ activeWorkers: 1, ticketsAvailable: undefined })
    const handled = pods.map((pod) => pod.metrics().messagesProcessed)
    expect((handled[0] ?? 0) + (handled[1] ?? 0)).toBe(300)
    expect(Math.min(...handled)).toBeGreaterThan(0)
    const told = await world.run(other?.workers() ?? Promise.resolve(undefined))
    expect(told?.writers).toEqual([ids[0], ids[0], ids[0]])
    expect(told?.workers.map(({ id, concurrency }) => ({ id, concurrency }))).toEqual([{ id: ids[1], concurrency: 4 }])
  })

  it('says whether it is paused and how old its oldest message is, whichever shard has it', async () => {
    const world = createShardedWorld()
    const [queue, other] = [world.queue<number>({ shards: 4, ifMissing: 'empty' }), world.queue<number>({ shards: 4 })]
    expect(await world.run(queue.getOldestAge())).toBeUndefined()
    await world.run(queue.enqueue(1))
    await world.pass(30_000)
    await world.run(queue.enqueueMany(numbers(100)))
    for (const asked of [queue, other]) {
      const age = await world.run(asked.getOldestAge())
      expect(age).toBeGreaterThanOrEqual(30_000)
      expect(age).toBeLessThan(40_000)
      expect(await world.run(asked.isPaused())).toBe(false)
    }
    await world.run(queue.pause())
    expect([await world.run(queue.isPaused()), await world.run(other.isPaused())]).toEqual([true, true])
    await world.run(Promise.all([queue.close(), other.close()]))
  })

  it('C27 every process sees the workers as soon as they work', async () => {
    const world = createShardedWorld()
    const pods = numbers(3).map(() => world.queue<number>())
    const ids: string[] = []
    for (const [i, pod] of pods.entries()) {
      ids.push(pod.process(() => sleep(world.clock, 20), { workerId: `pod-${i}`, concurrency: 4 }).id)
      await world.pass(200)
    }
    const observer = world.queue<number>()
    expect(await world.run(observer.workers())).toBeDefined()
    await world.run(observer.enqueueMany(numbers(300)))
    await world.run(observer.drain())
    const known = async (queue = observer): Promise<string[]> => {
      const { writer, workers = [] } = (await world.run(queue.workers())) ?? {}
      return [...workers.map(({ id }) => id), ...(writer === undefined ? [] : [writer])].sort()
    }
    for (const queue of [observer, ...pods]) expect(await known(queue)).toEqual(ids.sort())
    // It publishes soon what it has not published yet.
    const [writer] = pods.filter((pod) => pod.health().isCoordinator)
    const late = world.queue<number>()
    ids.push(late.process(() => {}, { workerId: 'late' }).id)
    await world.pass(2500)
    expect(writer).toBeDefined()
    expect(await known()).toEqual(ids.sort())
    expect((await world.run(observer.workers()))?.epoch).toBeGreaterThan(0)
    await world.run(Promise.all([observer, late, ...pods].map((queue) => queue.close())))
  })

  it('C27 a process sees the only worker, whose process publishes nothing, and no longer once it has left', async () => {
    const world = createShardedWorld()
    const [pod, observer] = [world.queue<number>(), world.queue<number>({ ifMissing: 'empty' })]
    expect(await world.run(observer.workers())).toBeUndefined()
    const { id } = pod.process(() => {})
    await world.run(pod.enqueue(1))
    await world.pass(3000)
    expect((await world.run(observer.workers()))?.workers.map((worker) => worker.id)).toEqual([id])
    await world.run(pod.close())
    expect(await world.run(observer.workers())).toBeUndefined()
  })

  it('C55 who asks again for the workers is told without a body that nothing has changed', async () => {
    const world = createShardedWorld()
    const pod = world.queue<number>({ shards: 2 })
    const { id } = pod.process(() => {}, { workerId: 'pod' })
    await world.run(pod.enqueue(1))
    await world.pass(12_000)
    const answers: string[] = []
    const store: ObjectStore = {
      ...world.store,
      get: async (key, options) => {
        const answer = await world.store.get(key, options)
        if (key.endsWith('/registry')) answers.push(answer.outcome)
        return answer
      },
    }
    const other = world.queue<number>({ shards: 2, store })
    other.process(() => {}, { workerId: 'other' })
    await world.pass(40_000)
    const told = await world.run(other.workers())
    expect(told?.writers).toEqual([id, id])
    expect(answers).toEqual(['found', 'found'])
    expect(await world.run(other.workers())).toEqual(told)
    expect(answers.slice(2)).toEqual(['not-modified', 'not-modified'])
    await world.run(other.close())
    await world.pass(20_000)
    const third = world.queue<number>({ shards: 2, store })
    expect((await world.run(third.workers()))?.workers).toEqual([])
  })
})
