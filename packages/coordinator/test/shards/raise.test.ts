import { type ObjectStore, sleep, withLatency } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import type { CoordinatedQueue } from '../../src/index.ts'
import { counted } from '../counted.ts'
import { linkTo } from '../support.ts'
import { createShardedWorld, numbers, type ShardedWorld } from './support.ts'

/** Handles everything and notes it. */
function work(world: ShardedWorld, queue: CoordinatedQueue<number>, done: number[]): void {
  queue.process(
    async ({ payload }) => {
      await sleep(world.clock, 20)
      done.push(payload)
    },
    { concurrency: 4 },
  )
}

/** A store whose user dies: a request waits until it may go on, and takes effect, but neither its answer nor any later one comes. */
function dyingAt(
  store: ObjectStore,
  request: number,
): { store: ObjectStore; isReached: () => boolean; goOn: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  let requests = 0
  const through = async <R>(send: () => Promise<R>): Promise<R> => {
    requests++
    if (requests < request) return send()
    if (requests === request) {
      await promise
      await send()
    }
    return new Promise(() => {})
  }
  const dying: ObjectStore = {
    ...store,
    get: (...args) => through(() => store.get(...args)),
    put: (...args) => through(() => store.put(...args)),
    list: (...args) => through(() => store.list(...args)),
    delete: (...args) => through(() => store.delete(...args)),
  }
  return { store: dying, isReached: () => requests >= request, goOn: resolve }
}

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b)

describe('the number of shards', () => {
  it('is raised by whoever opens the queue with more, and the others learn it', async () => {
    const world = createShardedWorld()
    const old = world.queue<number>({ shards: 2 })
    const done: number[] = []
    work(world, old, done)
    await world.run(old.enqueueMany(numbers(20)))
    const raised = world.queue<number>({ shards: 5 })
    await world.run(raised.enqueueMany(numbers(50).map((n) => 100 + n)))
    expect((await world.perShard(5)).slice(2)).toEqual([10, 10, 10])
    // Exact at once, from a process that knew of two.
    expect((await world.run(old.getStats())).total).toBe(70)
    await world.run(old.drain())
    expect(sorted(done)).toEqual([...numbers(20), ...numbers(50).map((n) => 100 + n)])
    await world.run(old.enqueueMany(numbers(50)))
    await world.run(old.drain())
    expect((await world.perShard(5)).slice(2)).toEqual([20, 20, 20])
  })

  it.each(['its first look', 'a later look'])(
    'is exact for whoever asks while %s is under way, which did not see the raise',
    async (which) => {
      const world = createShardedWorld()
      await world.run(world.queue<number>({ shards: 2 }).enqueue(1))
      const release = Promise.withResolvers<void>()
      let isSlow = which === 'its first look'
      let isHeld = false
      const store: ObjectStore = {
        ...world.store,
        get: async (key, options) => {
          const answer = await world.store.get(key, options)
          if (key.endsWith('/shards') && isSlow) {
            isSlow = false
            isHeld = true
            await release.promise
          }
          return answer
        },
      }
      const old = world.queue<number>({ shards: 2, store })
      if (!isSlow) {
        await world.run(old.getStats())
        await world.pass(120_000)
        isSlow = true
      }
      const sent = old.enqueue(2)
      await world.pass(100)
      expect(isHeld).toBe(true)
      await world.run(world.queue<number>({ shards: 4 }).enqueueMany(numbers(40)))
      const asked = [old.getStats(), old.getStats()]
      await world.pass(100)
      release.resolve()
      await world.run(sent)
      for (const { total } of await world.run(Promise.all(asked))) expect(total).toBeGreaterThanOrEqual(41)
    },
  )

  it('is learned within a minute by a process that only works', async () => {
    const world = createShardedWorld()
    const done: number[] = []
    const store = withLatency(world.store, { clock: world.clock, getMs: 20, putMs: 60, listMs: 40, deleteMs: 60 })
    const old = world.queue<number>({ shards: 1, store })
    work(world, old, done)
    await world.pass(125_000)
    const raised = world.queue<number>({ shards: 3 })
    await world.run(raised.enqueueMany(numbers(30)))
    await world.run(raised.close())
    await world.pass(75_000)
    expect(sorted(done)).toEqual(numbers(30))
  })

  it('cannot be lowered: each call says so, and names the option', async () => {
    const world = createShardedWorld()
    await world.run(world.queue({ shards: 4 }).enqueue(1))
    for (const shards of [1, 3]) {
      const queue = world.queue<number>({ shards })
      const troubles: unknown[] = []
      queue.on('trouble', ({ error }) => troubles.push(error))
      queue.process(() => {})
      const message = `the option "shards" must be at least 4, not ${shards}: queue "jobs" has 4 shards`
      await expect(world.run(queue.enqueue(2))).rejects.toThrow(message)
      await expect(world.run(queue.getStats())).rejects.toThrow(message)
      await world.run(queue.close())
      expect(troubles.map(String)).toEqual([expect.stringContaining(message)])
    }
    for (const shards of [0, 65, 1.5, Number.NaN, '4' as never])
      expect(() => world.queue({ shards })).toThrow('"shards"')
    expect((await world.perShard(4)).reduce((sum, n) => sum + n, 0)).toBe(1)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('clumsy')
      },
    ],
    ['rejects', () => Promise.reject(new Error('clumsy'))],
  ])('that cannot be is told to all who listen, and to the logger if one of them %s', async (_, listener) => {
    const world = createShardedWorld()
    await world.run(world.queue({ shards: 4 }).enqueue(1))
    const errors: string[] = []
    const logger = { warn: () => {}, error: (line: string) => void errors.push(line) }
    const queue = world.queue<number>({ shards: 2, logger })
    const troubles: unknown[] = []
    queue.on('trouble', listener)
    queue.on('trouble', ({ error }) => troubles.push(error))
    queue.process(() => {})
    await world.pass(5000)
    await world.run(queue.close())
    expect(troubles).toHaveLength(1)
    expect(errors).toEqual(['a listener of queue "jobs" threw: Error: clumsy'])
  })

  it('makes the log of a queue that had one its first shard', async () => {
    const world = createShardedWorld()
    const plain = world.queue<number>()
    await world.run(plain.enqueueMany(numbers(10)))
    await world.run(plain.enqueue(10, { id: 'named' }))
    const sharded = world.queue<number>({ shards: 4 })
    expect(await world.run(sharded.enqueue(11, { id: 'named' }))).toMatchObject({ id: 'named' })
    expect((await world.run(sharded.getStats())).total).toBe(11)
    // Names stay at home, so that a process that knows of one log finds them as well.
    for (const n of numbers(20)) await world.run(sharded.enqueue(n, { id: `name ${n}` }))
    for (const n of numbers(20)) await world.run(plain.enqueue(n, { id: `name ${n}`, deduplicationKey: `key ${n}` }))
    expect(await world.perShard(4)).toEqual([31, 0, 0, 0])
    const done: number[] = []
    work(world, sharded, done)
    await world.run(sharded.drain())
    expect(done).toHaveLength(31)
  })

  it('loses and doubles nothing when it is raised while others enqueue, with ids and keys too', async () => {
    const world = createShardedWorld()
    const producers = [world.queue<number>({ shards: 2 }), world.queue<number>({ shards: 2 })]
    const done: number[] = []
    const worker = world.queue<number>({ shards: 2 })
    work(world, worker, done)
    await world.pass(2000)
    let sent = 0
    const produce = async (queue: CoordinatedQueue<number>, name: number): Promise<void> => {
      for (const round of numbers(60)) {
        const base = 1000 * name + 10 * round
        await queue.enqueueMany([base, base + 1, base + 2])
        sent += 3
        // Both enqueue these: each is to be there once.
        await queue.enqueue(10_000 + round, { id: `id ${round}` })
        await queue.enqueue(20_000 + round, { deduplicationKey: `key ${round}`, deduplicationWindowMs: 86_400_000 })
        await sleep(world.clock, 100)
      }
    }
    const producing = Promise.all(producers.map((queue, i) => produce(queue, i + 1)))
    await world.pass(1000)
    const third = world.queue<number>({ shards: 3 })
    await world.run(third.enqueue(30_000))
    const raised = [world.queue<number>({ shards: 7 }), world.queue<number>({ shards: 7 })]
    const more = Promise.all(raised.map((queue, i) => produce(queue, i + 3)))
    await world.run(Promise.all([producing, more]))
    await world.run(worker.drain())
    const expected = sent + 60 + 60 + 1
    expect(await world.run(worker.getStats())).toMatchObject({ completed: expected, total: expected })
    expect(done).toHaveLength(expected)
    expect(new Set(done).size).toBe(expected)
    expect((await world.perShard(7)).every((count) => count > 0)).toBe(true)
  })

  it('is taken as it is written down by whoever says nothing of it: he finds, enqueues and handles what is in any shard', async () => {
    const world = createShardedWorld()
    const queue = world.queue<number>({ shards: 4 })
    const sent = await world.run(queue.enqueueMany(numbers(40)))
    for (const n of numbers(8)) await world.run(queue.enqueue(100 + n, { id: `name ${n}` }))
    await world.run(queue.close())
    const other = world.queue<number>()
    expect(await world.run(other.get(sent.find(({ id }) => id.includes('.3-'))?.id ?? ''))).toMatchObject({
      status: 'waiting',
    })
    for (const n of numbers(8)) await world.run(other.enqueue(100 + n, { id: `name ${n}` }))
    await world.run(other.enqueueMany(numbers(40).map((n) => 40 + n)))
    expect((await world.run(other.getStats())).total).toBe(88)
    expect(await world.perShard(4)).toEqual((await world.perShard(4)).map((count) => Math.max(count, 20)))
    const worker = world.queue<number>()
    const done: number[] = []
    work(world, worker, done)
    await world.run(worker.drain())
    expect(sorted(done)).toEqual([...numbers(80), ...numbers(8).map((n) => 100 + n)])
    await world.run(worker.close())
    await world.run(other.close())
  })

  it('is written down while somebody is at work who says nothing of it: he learns it after a while, and at once from an id', async () => {
    const world = createShardedWorld()
    const reads = counted(world.store)
    const plain = world.queue<number>({ store: reads.store })
    const done: number[] = []
    work(world, plain, done)
    await world.pass(25 * 60_000)
    // At the first use, and each ten minutes.
    expect(reads.count('get shards')).toBe(3)
    const raised = world.queue<number>({ shards: 3 })
    const sent = await world.run(raised.enqueueMany(numbers(30)))
    await world.run(raised.close())
    await world.pass(11 * 60_000)
    expect(sorted(done)).toEqual(numbers(30))
    const reader = world.queue<number>()
    await world.run(reader.getStats())
    expect(await world.run(reader.get(sent.at(-1)?.id ?? ''))).toMatchObject({ status: 'completed' })
    await world.run(reader.close())
    await world.run(plain.close())
  })

  it('is raised of a paused queue without letting anything out', async () => {
    const world = createShardedWorld()
    const queue = world.queue<number>({ shards: 2 })
    await world.run(queue.pause())
    const done: number[] = []
    const raised = world.queue<number>({ shards: 4 })
    work(world, raised, done)
    await world.run(raised.enqueueMany(numbers(40)))
    await world.pass(30_000)
    expect(done).toEqual([])
    expect(await world.run(queue.resume())).toBe(true)
    await world.run(raised.drain())
    expect(sorted(done)).toEqual(numbers(40))
  })

  it('is raised while somebody pauses or resumes: all shards follow, whatever comes first', async () => {
    for (const before of [false, true]) {
      for (const ms of numbers(20).map((n) => 14 * n)) {
        const world = createShardedWorld()
        const store = withLatency(world.store, { clock: world.clock, getMs: 5, putMs: 9, listMs: 7, deleteMs: 5 })
        const queue = world.queue<number>({ shards: 2, store })
        await world.run<unknown>(before ? queue.pause() : queue.enqueue(-1))
        const raised = world.queue<number>({ shards: 4, store })
        const raising = raised.enqueueMany(numbers(40))
        await world.pass(ms)
        await world.run(Promise.all([raising, before ? queue.resume() : queue.pause()]))
        const paused: boolean[] = []
        for (const shard of numbers(4)) {
          const { queue: one } = world.open({ shard })
          // True if it was not paused before.
          paused.push(!(await world.run(one.pause())))
          await world.run(one.close())
        }
        expect(paused).toEqual(numbers(4).map(() => !before))
      }
    }
  })

  it.each(['pause', 'resume'] as const)(
    'is raised by somebody who dies at any of his requests while others %s: all shards do, also those that come later',
    async (wish) => {
      for (let request = 1; ; request++) {
        const world = createShardedWorld()
        const queue = world.queue<number>({ shards: 2 })
        await world.run(queue.enqueueMany(numbers(4)))
        if (wish === 'resume') await world.run(queue.pause())
        const { store, isReached, goOn } = dyingAt(world.store, request)
        world
          .queue<number>({ shards: 4, store })
          .getStats()
          .catch(() => {})
        await world.pass(1000)
        if (!isReached()) return expect(request).toBeGreaterThan(5)
        await world.run(queue[wish]())
        goOn()
        await world.pass(1000)
        const raised = world.queue<number>({ shards: 4 })
        const done: number[] = []
        work(world, raised, done)
        await world.run(raised.enqueueMany(numbers(40).map((n) => 4 + n)))
        if (wish === 'pause') {
          await world.pass(40_000)
          expect(done).toEqual([])
          await world.run(queue.resume())
          await world.run(raised.getStats())
          await world.run(raised.enqueueMany(numbers(40).map((n) => 44 + n)))
        }
        expect((await world.run(raised.drain({ deadlineMs: 200_000 }))).drained).toBe(true)
        expect(sorted(done)).toEqual(numbers(wish === 'pause' ? 84 : 44))
        expect((await world.perShard(4)).every((count) => count > 0)).toBe(true)
      }
    },
  )

  it('is raised while another process is first with less, and pauses: the shards that it did not know of are paused, too', async () => {
    const world = createShardedWorld()
    const held = Promise.withResolvers<void>()
    let isHeld = false
    const store: ObjectStore = {
      ...world.store,
      put: async (key, body, options) => {
        if (key.endsWith('/shards') && !isHeld) {
          isHeld = true
          await held.promise
        }
        return world.store.put(key, body, options)
      },
    }
    const raised = world.queue<number>({ shards: 4, store })
    const done: number[] = []
    work(world, raised, done)
    const sent = raised.enqueueMany(numbers(40))
    await world.pass(1000)
    expect(isHeld).toBe(true)
    const first = world.queue<number>({ shards: 2 })
    expect(await world.run(first.pause())).toBe(true)
    held.resolve()
    await world.run(sent)
    await world.pass(30_000)
    expect(done).toEqual([])
    await world.run(first.resume())
    await world.run(raised.drain())
    expect(sorted(done)).toEqual(numbers(40))
  })

  it('is followed: what happens in a shard that comes later is told from its beginning', async () => {
    const world = createShardedWorld()
    const follower = world.queue<number>({ shards: 1 })
    await world.run(follower.enqueue(0))
    const ids: string[] = []
    const end = new AbortController()
    const following = (async () => {
      for await (const told of follower.follow({ names: ['enqueued'], signal: end.signal }))
        if (told.name === 'enqueued') ids.push(...told.event.ids)
    })()
    await world.pass(2000)
    const raised = world.queue<number>({ shards: 4 })
    const worker = raised.process(() => {})
    const sent = await world.run(raised.enqueueMany(numbers(40)))
    await world.run(raised.drain())
    await world.run(worker.stop())
    await world.pass(90_000)
    expect([...ids].sort()).toEqual(sent.map(({ id }) => id).sort())
    end.abort()
    await world.run(following)
  })

  it('is followed from now on in shards that were there before, by whoever did not know of them; and in those that he knows where the number cannot be read', async () => {
    const world = createShardedWorld()
    let isRefused = false
    const store: ObjectStore = {
      ...world.store,
      get: (key, options) => {
        if (isRefused && key.endsWith('/shards')) throw new Error('no shards today')
        return world.store.get(key, options)
      },
    }
    const follower = world.queue<number>({ shards: 2, store })
    await world.run(follower.enqueue(0))
    const raised = world.queue<number>({ shards: 4 })
    await world.run(raised.enqueueMany(numbers(40)))
    await world.pass(20_000)
    const ids: string[] = []
    const end = new AbortController()
    const follow = async (): Promise<void> => {
      for await (const told of follower.follow({ names: ['enqueued'], signal: end.signal }))
        if (told.name === 'enqueued') ids.push(...told.event.ids)
    }
    const following = [follow()]
    await world.pass(20_000)
    expect(ids).toEqual([])
    isRefused = true
    following.push(follow())
    await world.pass(5000)
    const sent = (await world.run(raised.enqueueMany(numbers(8)))).map(({ id }) => id)
    await world.pass(20_000)
    expect(ids.sort()).toEqual([...sent, ...sent].sort())
    end.abort()
    await world.run(Promise.all(following))
    const last = follower.follow()[Symbol.asyncIterator]().next()
    await world.run(follower.close())
    expect(await world.run(last)).toMatchObject({ done: true })
    await world.run(raised.close())
  })

  it('is not known while the store does not answer: calls say so in time, and work goes on when it does', async () => {
    const world = createShardedWorld()
    const link = linkTo(world.store)
    link.cut()
    const queue = world.queue<number>({ shards: 2, store: link.store, acknowledgeTimeoutMs: 3000 })
    const troubles: unknown[] = []
    queue.on('trouble', ({ error }) => troubles.push(error))
    const done: number[] = []
    work(world, queue, done)
    await expect(world.run(queue.enqueue(1))).rejects.toMatchObject({ code: 'NOT_ACKNOWLEDGED' })
    link.mend()
    await world.pass(20_000)
    await world.run(queue.enqueueMany(numbers(10)))
    await world.run(queue.drain())
    expect(done).toHaveLength(10)
    expect(troubles.length).toBeGreaterThan(0)
    await world.run(queue.close())
  })
})
