import { type HandlerContext, WorkerExists } from '@s3queue/core'
import { type ObjectStore, sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { shardOfName } from '../../src/shards/placement.ts'
import { linkTo } from '../support.ts'
import { createShardedWorld, numbers } from './support.ts'

describe('a process of a queue with several shards', () => {
  it('runs as many handlers as it was told, whichever shards the messages are in', async () => {
    for (const key of [undefined, 'one shard']) {
      const world = createShardedWorld()
      const queue = world.queue({ shards: 4 })
      await world.run(queue.enqueueMany(numbers(200), key === undefined ? {} : { shardKey: key }))
      let running = 0
      let most = 0
      const worker = queue.process(
        async () => {
          most = Math.max(most, ++running)
          expect(worker.running).toBe(running)
          await sleep(world.clock, 100)
          running--
        },
        { concurrency: 10, workerId: 'pod' },
      )
      const startedAt = world.clock.monotonic()
      expect(await world.run(queue.drain())).toEqual({ drained: true, handled: 200 })
      expect(most).toBe(10)
      // Two hundred of a tenth of a second each, ten at a time.
      expect(world.clock.monotonic() - startedAt).toBeLessThan(3500)
    }
  })

  it.each([undefined, 2])(
    'takes a worker again after one that came while a single message was served (shards: %s)',
    async (shards) => {
      const world = createShardedWorld()
      const queue = world.queue<number>({ shards })
      const end = Promise.withResolvers<void>()
      await world.run(queue.enqueue(1))
      const one = queue.processNext(() => end.promise)
      await world.pass(1000)
      expect(() => queue.process(() => {})).toThrow(WorkerExists)
      end.resolve()
      expect(await world.run(one)).toBe(true)
      expect(queue.isProcessing).toBe(false)
      const done: number[] = []
      queue.process(({ payload }) => void done.push(payload))
      await world.run(queue.enqueueMany([2, 3]))
      await world.run(queue.drain())
      expect(done.sort()).toEqual([2, 3])
      await world.run(queue.close())
    },
  )

  it('is in trouble without harm by those who listen to it', async () => {
    const world = createShardedWorld()
    const errors: string[] = []
    const store: ObjectStore = {
      ...world.store,
      get: (key, options) => {
        if (key.endsWith('/shards')) throw new Error('no shards today')
        return world.store.get(key, options)
      },
    }
    const logger = { warn: () => {}, error: (message: string) => void errors.push(message) }
    const queue = world.queue<number>({ shards: 2, store, logger, acknowledgeTimeoutMs: 2000 })
    queue.on('trouble', () => {
      throw new Error('listener')
    })
    queue.on('trouble', async () => {
      throw new Error('async listener')
    })
    queue.process(() => {})
    await world.pass(20_000)
    expect(new Set(errors)).toEqual(
      new Set([
        expect.stringMatching(/queue "jobs" threw: Error: listener/),
        expect.stringMatching(/Error: async listener/),
      ]),
    )
    await world.run(queue.close())
  })

  it('gives each shard its turns, though one has much more to do', async () => {
    const world = createShardedWorld()
    const queue = world.queue<string>({ shards: 4 })
    const doneAt = new Map<string, number>()
    queue.process(
      async ({ payload }) => {
        await sleep(world.clock, 100)
        doneAt.set(payload, world.clock.monotonic())
      },
      { concurrency: 4 },
    )
    await world.run(queue.enqueueMany(numbers(1000).map(String), { shardKey: 'much' }))
    await world.pass(2000)
    const names = ['ann', 'bob', 'cyd', 'dan', 'eve', 'fay']
    await world.run(queue.enqueueMany(names, (name) => ({ shardKey: name })))
    const sentAt = world.clock.monotonic()
    await world.pass(10_000)
    expect((await world.run(queue.getStats())).waiting).toBeGreaterThan(0)
    const waited = names.map((name) => (doneAt.get(name) ?? Number.POSITIVE_INFINITY) - sentAt)
    // Those that share the busy shard wait behind what was there before them.
    expect(waited.filter((ms) => ms < 1500).length).toBeGreaterThanOrEqual(4)
  })

  it('claims little ahead while its handlers take long, and what it had is done by others', async () => {
    const world = createShardedWorld()
    const [busy, free] = [world.queue<number>({ shards: 4 }), world.queue<number>({ shards: 4 })]
    const byFree: number[] = []
    busy.process(() => sleep(world.clock, 600_000), { concurrency: 4, maxPrefetch: 0 })
    await world.run(busy.enqueueMany(numbers(4), { shardKey: 'all in one' }))
    await world.pass(3000)
    free.process(
      async ({ payload }) => {
        await sleep(world.clock, 10)
        byFree.push(payload)
      },
      { concurrency: 2 },
    )
    await world.pass(3000)
    await world.run(busy.enqueueMany(numbers(40).map((n) => 100 + n)))
    await world.pass(15_000)
    expect(byFree).toHaveLength(40)
    expect(await world.run(free.getStats())).toMatchObject({ active: 4, waiting: 0 })
  })

  it('takes up again what has room only since a handler of another shard has ended', async () => {
    const world = createShardedWorld()
    const [writer, pod] = [world.queue<string>({ shards: 2 }), world.queue<string>({ shards: 2 })]
    const ends: (() => void)[] = []
    const done: string[] = []
    const held = (_: unknown, { signal }: HandlerContext): Promise<void> =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
    // The first writes both shards, and its worker has its hands full.
    writer.process(held, { concurrency: 1, maxPrefetch: 0 })
    await world.pass(1500)
    pod.process(
      ({ payload }) =>
        new Promise<void>((resolve) => {
          const end = (): void => {
            done.push(payload)
            resolve()
          }
          if (payload === 'long') ends.push(end)
          else end()
        }),
      { concurrency: 1, maxPrefetch: 0 },
    )
    await world.pass(15_000)
    const keys = keysOf(2)
    await world.run(writer.enqueue('hold', { shardKey: keys[0] }))
    await world.pass(5000)
    await world.run(writer.enqueue('long', { shardKey: keys[0] }))
    await world.pass(15_000)
    expect(ends).toHaveLength(1)
    await world.run(writer.enqueue('next', { shardKey: keys[1] }))
    await world.pass(20_000)
    expect(done).toEqual([])
    ends[0]?.()
    const endedAt = world.clock.monotonic()
    while (done.length < 2) await world.pass(100)
    expect(done).toEqual(['long', 'next'])
    // The writer hears of the room when it looks into the inbox next: in an idle shard every twelve seconds.
    expect(world.clock.monotonic() - endedAt).toBeLessThan(13_000)
  })

  it('C23 handles one message of any shard, and says when there is none', async () => {
    const world = createShardedWorld()
    const queue = world.queue<number>({ shards: 3 })
    await world.run(queue.enqueueMany(numbers(3)))
    const seen: number[] = []
    const next = (): Promise<boolean> => world.run(queue.processNext(({ payload }) => seen.push(payload)))
    expect([await next(), await next(), await next(), await next()]).toEqual([true, true, true, false])
    expect(seen.sort()).toEqual([0, 1, 2])
  })

  it('drains within bounds', async () => {
    const world = createShardedWorld()
    const queue = world.queue<number>({ shards: 4 })
    await world.run(queue.enqueueMany(numbers(40)))
    await world.run(queue.enqueue(1, { delayMs: 3_600_000 }))
    queue.process(() => sleep(world.clock, 10), { concurrency: 2 })
    expect(await world.run(queue.drain({ maxMessages: 15 }))).toEqual({ drained: false, handled: 15 })
    await world.pass(0)
    expect(await world.run(queue.drain({ deadlineMs: 30 }))).toMatchObject({ drained: false })
    expect(await world.run(queue.drain({ includeDelayed: false }))).toMatchObject({ drained: true })
    expect(await world.run(queue.getStats())).toMatchObject({ completed: 40, delayed: 1, waiting: 0 })
    const none = world.run(queue.drain({ signal: AbortSignal.abort(new Error('no time')) }))
    await expect(none).rejects.toThrow('no time')
    await expect(world.run(queue.drain({ maxMessages: 0 }))).rejects.toThrow('"maxMessages"')
    await world.run(queue.close())
  })

  it('waits for what handlers put into a shard that was empty before', async () => {
    const world = createShardedWorld()
    const queue = world.queue<number>({ shards: 4 })
    await world.run(queue.enqueue(30, { shardKey: 'a' }))
    let done = 0
    queue.process(async ({ payload }) => {
      await sleep(world.clock, 50)
      if (payload > 0) await queue.enqueue(payload - 1)
      done++
    })
    expect(await world.run(queue.drain())).toEqual({ drained: true, handled: 31 })
    expect(done).toBe(31)
  })

  it('has one worker at a time, and stops it in all shards', async () => {
    const world = createShardedWorld()
    const queue = world.queue<number>({ shards: 4 })
    await world.run(queue.enqueueMany(numbers(100)))
    const worker = queue.process(() => sleep(world.clock, 200), { concurrency: 8 })
    expect(queue.isProcessing).toBe(true)
    expect(() => queue.process(() => {})).toThrow(WorkerExists)
    expect(() => queue.process('no' as never)).toThrow(TypeError)
    await expect(world.run(queue.processNext(() => {}))).rejects.toThrow(WorkerExists)
    await world.pass(500)
    await world.run(worker.stop())
    expect([queue.isProcessing, worker.running]).toEqual([false, 0])
    const stats = await world.run(queue.getStats())
    expect(stats).toMatchObject({ active: 0, total: 100 })
    expect(stats.completed).toBeGreaterThanOrEqual(16)
    queue.process(() => {})
    await world.run(queue.drain())
    await world.run(queue.close())
    expect([queue.isProcessing, queue.health().isRunning, queue.health().isCoordinator]).toEqual([false, false, false])
    await expect(world.run(queue.enqueue(1))).rejects.toMatchObject({ code: 'QUEUE_CLOSED' })
    expect(() => queue.process(() => {})).toThrow('closed')
  })

  it.each([undefined, 4])('is not stopped by a stop that says nothing sensible (shards: %s)', async (shards) => {
    const world = createShardedWorld()
    const queue = world.queue<number>({ shards })
    const done: number[] = []
    const worker = queue.process(({ payload }) => done.push(payload))
    for (const isKnown of [false, true]) {
      await expect(world.run(worker.stop({ timeoutMs: -1 }))).rejects.toThrow('"timeoutMs"')
      await expect(world.run(worker.stop({ timeout: 5 } as never))).rejects.toThrow('"timeout" is not known')
      expect([isKnown, queue.isProcessing]).toEqual([isKnown, true])
      await world.run(queue.enqueueMany(numbers(8)))
      await world.run(queue.drain())
    }
    expect(done).toHaveLength(16)
    await world.run(worker.stop())
    expect(queue.isProcessing).toBe(false)
    await world.run(queue.close())
  })

  it('C83 a process that dies loses nothing', async () => {
    const world = createShardedWorld()
    const fast = { shards: 4, takeoverAfterMs: 5000, visibilityTimeoutMs: 5000 }
    const link = linkTo(world.store)
    const [first, second] = [world.queue<number>({ ...fast, store: link.store }), world.queue<number>(fast)]
    const done: number[] = []
    const handler = async ({ payload }: { readonly payload: number }): Promise<void> => {
      await sleep(world.clock, 50)
      done.push(payload)
    }
    first.process(handler, { concurrency: 5 })
    await world.pass(1500)
    second.process(handler, { concurrency: 5 })
    await world.pass(1500)
    await world.run(second.enqueueMany(numbers(400)))
    await world.pass(700)
    link.cut()
    await world.run(second.drain())
    expect(new Set(done).size).toBe(400)
    expect(await world.run(second.getStats())).toMatchObject({ completed: 400, total: 400 })
  })
})

it.each(['drain', 'follow'] as const)('%s refuses a signal that is none', async (call) => {
  const world = createShardedWorld()
  const queue = world.queue({ shards: 2 })
  await expect((async () => queue[call]({ signal: {} as never }))()).rejects.toThrow('"signal" must be an AbortSignal')
  await world.run(queue.close())
})

/** A key for each of `count` shards. */
function keysOf(count: number): string[] {
  const keys: string[] = []
  for (let i = 0; keys.filter(Boolean).length < count; i++) {
    const shard = shardOfName(`key ${i}`, count)
    keys[shard] ??= `key ${i}`
  }
  return keys
}
