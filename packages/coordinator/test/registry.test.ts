import { createIds, type ObjectStore, seededRandom, sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { Gate } from '../../core/test/sim/world/gate.ts'
import { createProcessClock } from '../../core/test/sim/world/process-clock.ts'
import { RegistryReader } from '../src/registry/read-registry.ts'
import { counted } from './counted.ts'
import { createWorld, linkTo, slowly, startInOrder, type World, workInOrder } from './support.ts'

const many = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** A writer whose own worker has one message that takes for ever: all others go elsewhere. */
async function busyWriter(world: World, options: Parameters<World['open']>[0] = {}) {
  const writer = world.open(options, { heartbeatIntervalMs: 1000, heartbeatTtlMs: 3000 })
  await startInOrder(world, [
    () =>
      writer.queue.process((_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)), {
        maxPrefetch: 0,
      }),
  ])
  await world.run(writer.queue.enqueue('for the writer'))
  await world.pass(500)
  return writer
}

describe('the registry of workers', () => {
  it('C83 C90 a worker that is only slow gets messages again at its next sign, and each claim that ran out is counted', async () => {
    const world = createWorld()
    const options = { visibilityTimeoutMs: 4000 }
    const writer = await busyWriter(world, options)
    const slow = world.open(options, { heartbeatIntervalMs: 1000, heartbeatTtlMs: 3000 })
    const done: unknown[] = []
    const recovered: string[] = []
    writer.queue.on('expired', ({ id }) => recovered.push(id))
    slow.queue.process(
      async ({ payload }, { attempt }) => {
        if (payload === 'slow' && attempt === 1) await sleep(world.clock, 60_000)
        else done.push(payload)
      },
      { concurrency: 10, autoExtend: false },
    )
    await world.pass(1500)
    const enqueued = await world.run(writer.queue.enqueueMany(['slow', 'slow', 'slow']))
    await world.pass(1000)
    expect(recovered).toEqual([])
    while (recovered.length < 3) await world.pass(50)
    expect(recovered.sort()).toEqual(enqueued.map(({ id }) => id).sort())
    expect(writer.transport.counts.stalled).toBe(3)
    await world.run(writer.queue.enqueueMany(many(5)))
    // Its first attempts still run: it says nothing of its own but its sign.
    await world.pass(3000)
    expect(done).toEqual(expect.arrayContaining([...many(5), 'slow', 'slow', 'slow']))
    expect(writer.transport.registry()?.workers).toHaveLength(1)
  })

  it('C51 a worker says so often that it lives, and gets nothing once it is silent for longer than it may be', async () => {
    const world = createWorld()
    const writer = await busyWriter(world)
    const { store, count } = counted(world.store)
    const link = linkTo(store)
    const other = world.open({}, { heartbeatIntervalMs: 1000, heartbeatTtlMs: 3000 }, link.store)
    const taken: unknown[] = []
    other.queue.process(
      async ({ payload }) => {
        taken.push(payload)
        await sleep(world.clock, 60_000)
      },
      { concurrency: 10, maxPrefetch: 0 },
    )
    await world.run(writer.queue.enqueue('long'))
    await world.pass(5000)
    expect(taken).toEqual(['long'])
    const before = count('put workers')
    await world.pass(10_000)
    expect(count('put workers') - before).toBeGreaterThanOrEqual(9)
    expect(count('put workers') - before).toBeLessThanOrEqual(11)
    expect(writer.transport.registry()?.workers).toHaveLength(1)
    link.cut()
    await world.pass(2500)
    expect(writer.transport.registry()?.workers).toHaveLength(1)
    // Its last sign may be read when half of the four seconds are over that it is good for.
    await world.pass(5000)
    expect(writer.transport.registry()?.workers).toHaveLength(0)
    await world.run(writer.queue.enqueue('later'))
    await world.pass(5000)
    // It waits for somebody who lives.
    expect(await world.run(writer.queue.getStats())).toMatchObject({ waiting: 1, active: 2 })
  })

  it('C55 costs the writer one read of each worker at a time, and all others one read of one object', async () => {
    const world = createWorld()
    const meters = Array.from({ length: 20 }, () => counted(world.store))
    const pods = meters.map(({ store }) => world.open({}, {}, store))
    await workInOrder(world, pods, slowly(world, 10, []))
    await world.pass(120_000)
    const reads = (): number[] => meters.map(({ count }) => count('get workers'))
    const before = reads()
    await world.pass(600_000)
    const [ofWriter, ...ofOthers] = reads().map((count, i) => count - (before[i] ?? 0)) as [number, ...number[]]
    // Idle workers give a sign every three minutes: in ten minutes four of each, and a read more of each where it was looked for too early.
    expect(ofWriter).toBeGreaterThan(0)
    expect(ofWriter).toBeLessThanOrEqual(19 * 2 * 4)
    expect(ofOthers).toEqual(ofOthers.map(() => 0))
    // What they all read instead has everybody in it.
    const known = await new RegistryReader(world.store, 's3queue/jobs/0/', world.clock).read()
    expect(known?.workers).toHaveLength(19)
    expect(known?.writer).toBe(pods[0]?.transport.registry()?.writer)
  })

  it('what the dead left behind is cleared away also where nobody writes for long, and they get nothing', async () => {
    const world = createWorld()
    const links = many(5).map(() => linkTo(world.store))
    for (const { store } of links) {
      world.open({}, {}, store).queue.process(() => {}, { concurrency: 20 })
      await world.pass(1500)
    }
    await world.pass(30_000)
    for (const link of links) link.cut()
    const left = async (): Promise<number> => {
      const { entries } = await world.run(world.store.list({ prefix: 's3queue/jobs/0/' }))
      return entries.filter(({ key }) => /\/(workers|mailboxes)\//.test(key)).length
    }
    expect(await left()).toBeGreaterThanOrEqual(9)
    await world.pass(2 * 3_600_000)
    const expired: string[] = []
    for (let visit = 0; visit < 3; visit++) {
      const { queue, transport } = world.open()
      queue.on('expired', ({ id }) => expired.push(id))
      // One handler at a time: the rest would go elsewhere if there were anybody.
      queue.process(slowly(world, 2000, []), { concurrency: 1, maxPrefetch: 0 })
      await world.run(queue.enqueueMany(many(5)))
      await world.run(queue.drain())
      expect(transport.counts.sent).toBe(0)
      await world.run(queue.close())
      await world.pass(600_000)
    }
    expect([expired, await left()]).toEqual([[], 0])
  })

  it('a worker whose clock is hours behind is taken for one of the dead by a new writer, until it makes its mailbox anew', async () => {
    const world = createWorld()
    const clock = createProcessClock({ world: world.clock, gate: new Gate(), rate: 1, aheadMs: -3 * 3_600_000 })
    const random = seededRandom(7)
    const [first, writer] = [world.open(), world.open()]
    const late = world.open({ runtime: { clock, random, ids: createIds(clock, random) } })
    const done: unknown[] = []
    await startInOrder(world, [
      () => first.queue.process(() => {}),
      () => late.queue.process(slowly(world, 100, done), { concurrency: 4 }),
      () => writer.queue.process(() => sleep(world.clock, 600_000), { maxPrefetch: 0 }),
    ])
    await world.pass(30_000)
    await world.run(first.queue.close())
    await world.pass(15_000)
    await world.run(world.open().queue.enqueueMany(many(9)))
    await world.pass(45_000)
    expect(done.length).toBeGreaterThanOrEqual(8)
  })

  it('C55 a worker takes its tickets from one object of its own: no list, and nothing that others read', async () => {
    const world = createWorld()
    const writer = await busyWriter(world)
    const keys = new Map<string, Set<string>>()
    const done: unknown[] = []
    const ids: string[] = []
    for (const name of ['a', 'b']) {
      const read = new Set<string>()
      const store: ObjectStore = {
        ...world.store,
        description: world.store.description,
        get: (key, options) => {
          read.add(key)
          return world.store.get(key, options)
        },
        put: (key, body, options) => world.store.put(key, body, options),
        delete: (gone, options) => world.store.delete(gone, options),
        list: (options) => {
          read.add(`list ${options.prefix}`)
          return world.store.list(options)
        },
      }
      const { queue } = world.open({}, {}, store)
      ids.push(queue.process(slowly(world, 200, done), { workerId: name }).id)
      keys.set(name, read)
      await world.pass(1500)
    }
    for (const read of keys.values()) read.clear()
    await world.run(writer.queue.enqueueMany(many(40)))
    while (done.length < 40) await world.pass(100)
    for (const [i, read] of [...keys.values()].entries()) {
      const mailboxes = [...read].filter((key) => key.includes('/mailboxes/'))
      expect(mailboxes).toEqual([`s3queue/jobs/0/mailboxes/${ids[i]}`])
      expect([...read].filter((key) => key.startsWith('list '))).toEqual([])
    }
  })
})
