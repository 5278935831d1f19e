import { describe, expect, it } from 'vitest'
import { createWorld, slowly } from './support.ts'

describe('messages for workers of other processes', () => {
  it('C100 go to all of them, each message once', async () => {
    const world = createWorld()
    const pods = [world.open(), world.open(), world.open()]
    const done: unknown[][] = [[], [], []]
    for (const [i, { queue }] of pods.entries()) queue.process(slowly(world, 100, done[i] ?? []), { concurrency: 2 })
    await world.pass(2000)
    const first = pods[0]?.queue
    await world.run(first?.enqueueMany(Array.from({ length: 100 }, (_, i) => i)) ?? Promise.resolve([]))
    if (first !== undefined) await world.run(first.drain())
    expect(done.flat().sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 100 }, (_, i) => i))
    for (const part of done) expect(part.length).toBeGreaterThan(10)
    for (const { queue } of pods) await world.run(queue.close())
    expect(world.clock.pendingTimers).toBe(0)
  })

  it('come from a producer in another process, which becomes neither writer nor worker', async () => {
    const world = createWorld()
    const pods = [world.open(), world.open()]
    const done: unknown[] = []
    for (const { queue } of pods) queue.process(slowly(world, 10, done), { concurrency: 5 })
    await world.pass(2000)
    const producer = world.open()
    await world.run(producer.queue.enqueueMany(Array.from({ length: 200 }, (_, i) => i)))
    await world.run(producer.queue.drain())
    expect(done).toHaveLength(200)
    expect(producer.transport.isCoordinator).toBe(false)
    for (const { queue } of [...pods, producer]) await world.run(queue.close())
    expect(world.clock.pendingTimers).toBe(0)
  })

  it('C101 run again after their visibility timeout when their worker dies, and no message is lost', async () => {
    const world = createWorld()
    const writer = world.open({ visibilityTimeoutMs: 5000 })
    const done: unknown[] = []
    writer.queue.process(slowly(world, 1000, done))
    await world.pass(1000)
    const cut = world.open({ visibilityTimeoutMs: 5000 })
    const taken: unknown[] = []
    cut.queue.process(
      ({ payload }) => {
        taken.push(payload)
        return new Promise(() => {})
      },
      { concurrency: 3, autoExtend: false },
    )
    await world.pass(1000)
    await world.run(writer.queue.enqueueMany([1, 2, 3, 4, 5, 6]))
    await world.run(writer.queue.drain())
    expect(taken.length).toBeGreaterThan(0)
    expect([...done].sort()).toEqual([1, 2, 3, 4, 5, 6])
  })
})
