import type { HandlerContext, Worker } from '@s3queue/core'
import { type ObjectStore, sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld, linkTo, type Process, slowly, startInOrder, type World, workInOrder } from './support.ts'

const FAST = { takeoverAfterMs: 5000, visibilityTimeoutMs: 5000 }

/** Runs virtual time until `when` is true; resolves to how long that took, in ms. */
async function until(world: World, when: () => boolean): Promise<number> {
  const startedAt = world.clock.monotonic()
  while (!when()) await world.pass(50)
  return world.clock.monotonic() - startedAt
}

const writers = (pods: readonly Process[]): number => pods.filter(({ transport }) => transport.isCoordinator).length

describe('who writes', () => {
  it('C88 is one process, and each change is told with its epoch', async () => {
    const world = createWorld()
    const pods = [world.open(FAST), world.open(FAST), world.open(FAST)]
    const told: string[] = []
    for (const [i, { queue }] of pods.entries()) {
      queue.on('promoted', ({ epoch }) => told.push(`${i} promoted ${epoch}`))
      queue.on('demoted', ({ epoch }) => told.push(`${i} demoted ${epoch}`))
    }
    await workInOrder(world, pods, slowly(world, 10, []))
    expect(writers(pods)).toBe(1)
    await world.run(pods[0]?.queue.close() ?? Promise.resolve())
    await until(world, () => writers(pods) === 1)
    // Where the store notifies, the next one may be faster than the end of the last.
    expect(told.slice(0, 3).sort()).toEqual(['0 demoted 1', '0 promoted 1', expect.stringMatching(/^[12] promoted 2$/)])
  })

  it('passes on within a second after a clean stop while there is work', async () => {
    const world = createWorld()
    const pods = [world.open(FAST), world.open(FAST), world.open(FAST)]
    const done: unknown[] = []
    await workInOrder(world, pods, slowly(world, 200, done))
    await world.run(pods[0]?.queue.enqueueMany(Array.from({ length: 100 }, (_, i) => i)) ?? Promise.resolve([]))
    await world.pass(1000)
    await world.run(pods[0]?.queue.close() ?? Promise.resolve())
    const others = pods.slice(1)
    expect(await until(world, () => writers(others) === 1)).toBeLessThanOrEqual(1000)
    await world.run(others[0]?.queue.drain() ?? Promise.resolve({} as never))
    expect(new Set(done).size).toBe(100)
  })

  it('an idle queue whose writer stopped is taken over by whoever enqueues next, without waiting', async () => {
    const world = createWorld()
    const pods = [world.open(FAST), world.open(FAST)]
    const done: unknown[] = []
    const producer = world.open(FAST)
    await workInOrder(world, pods, slowly(world, 10, done))
    await world.run(producer.queue.enqueue('first'))
    await world.pass(60_000)
    await world.run(pods[0]?.queue.close() ?? Promise.resolve())
    const startedAt = world.clock.monotonic()
    await world.run(producer.queue.enqueue('second'))
    await until(world, () => done.length === 2)
    expect(world.clock.monotonic() - startedAt).toBeLessThanOrEqual(2000)
  })

  it('what is in the mailbox of a worker that sleeps while the writer changes is found when it sees the new writer', async () => {
    for (const extraMs of [0, 1300, 2600, 3900, 5200, 6500, 7800, 9100]) {
      const world = createWorld()
      const pods = [world.open(), world.open(), world.open()]
      const producer = world.open()
      const started: unknown[] = []
      const workers: Worker[] = []
      const handler = ({ payload }: { readonly payload: unknown }, { signal }: HandlerContext): unknown => {
        started.push(payload)
        if (payload !== 'stuck') return
        return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      }
      await startInOrder(
        world,
        pods.map(
          ({ queue }) =>
            () =>
              workers.push(queue.process(handler, { concurrency: 4 })),
        ),
      )
      await world.run(producer.queue.enqueueMany(['stuck', 'stuck']))
      await world.pass(40_000 + extraMs)
      await world.run(workers[0]?.stop({ timeoutMs: 0 }) ?? Promise.resolve())
      await world.run(pods[0]?.queue.close() ?? Promise.resolve())
      const closedAt = world.clock.monotonic()
      await world.run(producer.queue.enqueue('next'))
      await until(world, () => started.includes('next'))
      expect(world.clock.monotonic() - closedAt).toBeLessThanOrEqual(1500)
    }
  })

  it('passes on within the configured time and two seconds after a crash', async () => {
    for (const after of [100, 2500, 7300]) {
      const world = createWorld()
      const link = linkTo(world.store)
      const pods = [world.open(FAST, {}, link.store), world.open(FAST), world.open(FAST)]
      const done: unknown[] = []
      await workInOrder(world, pods, slowly(world, 100, done))
      await world.run(pods[0]?.queue.enqueueMany(Array.from({ length: 300 }, (_, i) => i)) ?? Promise.resolve([]))
      await world.pass(after)
      link.cut()
      const others = pods.slice(1)
      expect(await until(world, () => writers(others) === 1)).toBeLessThanOrEqual(FAST.takeoverAfterMs + 2000)
      await world.run(others[0]?.queue.drain() ?? Promise.resolve({} as never))
      expect(new Set(done).size).toBe(300)
    }
  })

  it('a writer that was replaced while it slept gets messages from the new one as soon as it is back', async () => {
    const world = createWorld()
    const link = linkTo(world.store)
    const first = world.open(FAST, {}, link.store)
    const second = world.open(FAST)
    const done: unknown[][] = [[], []]
    await startInOrder(world, [
      () => second.queue.process(slowly(world, 300, done[1] ?? [])),
      () => first.queue.process(slowly(world, 300, done[0] ?? [])),
    ])
    await world.pass(20_000)
    await world.run(second.queue.close())
    await until(world, () => first.transport.isCoordinator)
    const third = world.open(FAST)
    third.queue.process(slowly(world, 300, done[1] ?? []))
    await world.pass(2000)
    link.cut()
    await until(world, () => third.transport.isCoordinator)
    link.mend()
    await world.run(third.queue.enqueueMany(Array.from({ length: 30 }, (_, i) => i)))
    await world.pass(4000)
    expect(first.transport.isCoordinator).toBe(false)
    expect(done[0]?.length).toBeGreaterThan(3)
  })

  it('is one process also where reading the log takes longer than a writer may be silent: whoever takes over gives signs meanwhile', async () => {
    const world = createWorld()
    const open = (store?: ObjectStore): Process =>
      world.open({ ...FAST, runtime: { ...world.runtime(), snapshotAfterCommits: 1_000_000 } }, {}, store)
    const first = open()
    for (let n = 0; n < 300; n++) await world.run(first.queue.enqueue(n))
    await world.run(first.queue.close())
    const slow: ObjectStore = {
      description: world.store.description,
      async get(key, options) {
        if (key.includes('/log/')) await sleep(world.clock, 1500)
        return world.store.get(key, options)
      },
      put: (key, body, options) => world.store.put(key, body, options),
      delete: (keys, options) => world.store.delete(keys, options),
      list: (options) => world.store.list(options),
    }
    const pods = [open(slow), open(slow), open(slow)]
    const promoted: number[] = []
    const done: unknown[] = []
    for (const { queue } of pods) {
      queue.on('promoted', ({ epoch }) => promoted.push(epoch))
      queue.process(slowly(world, 10, done))
    }
    const tookMs = await until(world, () => promoted.length > 0 || world.clock.monotonic() > 600_000)
    expect(tookMs).toBeGreaterThan(3 * FAST.takeoverAfterMs)
    expect(promoted).toHaveLength(1)
    await until(world, () => new Set(done).size === 300)
    // One fence: nobody else tried.
    expect(promoted).toEqual([2])
  })

  it('C27 health says who is what', async () => {
    const world = createWorld()
    const pods = [world.open(FAST), world.open(FAST)]
    await workInOrder(world, pods, slowly(world, 10, []))
    const [writer, other] = pods
    expect([writer?.transport.isCoordinator, other?.transport.isCoordinator]).toEqual([true, false])
    expect([writer?.transport.coordinatorElected, other?.transport.coordinatorElected]).toEqual([true, true])
    for (const { transport } of pods) expect(world.clock.now() - (transport.lastHeartbeat ?? 0)).toBeLessThan(10_000)
    await world.pass(300_000)
    for (const { transport } of pods) expect(world.clock.now() - (transport.lastHeartbeat ?? 0)).toBeLessThan(181_000)
  })
})

describe('without a coordinator around', () => {
  it('C53 a process drains the queue by itself and leaves at once; the next waits for nothing', async () => {
    const world = createWorld()
    const producer = world.open(FAST)
    await world.run(producer.queue.enqueueMany(Array.from({ length: 50 }, (_, i) => i)))
    await world.run(producer.queue.close())
    const done: unknown[] = []
    for (let i = 0; i < 3; i++) {
      const startedAt = world.clock.monotonic()
      const lambda = world.open(FAST)
      lambda.queue.process(({ payload }) => done.push(payload), { concurrency: 5 })
      await world.run(lambda.queue.drain({ maxMessages: 20 }))
      await world.run(lambda.queue.close())
      expect(world.clock.monotonic() - startedAt).toBeLessThan(1000)
    }
    expect(done.sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 50 }, (_, i) => i))
  })

  it('C23 processNext gets one message also where another process writes', async () => {
    const world = createWorld()
    const writer = world.open(FAST)
    await startInOrder(world, [
      () =>
        writer.queue.process((_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)), {
          maxPrefetch: 0,
        }),
    ])
    await world.run(writer.queue.enqueueMany([1, 2, 3]))
    await world.pass(100)
    const seen: unknown[] = []
    for (let i = 0; i < 3; i++) {
      const lambda = world.open(FAST)
      const hadOne = await world.run(lambda.queue.processNext(({ payload }) => seen.push(payload)))
      expect(hadOne).toBe(i < 2)
      await world.run(lambda.queue.close())
    }
    expect(seen).toEqual([2, 3])
  })
})
