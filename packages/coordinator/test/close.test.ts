import { type ObjectStore, sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { fragile, mortalStore } from '../../core/test/support.ts'
import { createCoordinatedQueue } from '../src/index.ts'
import { createWorld, troublesOf, type World } from './support.ts'

function open(world: World, shards: number | undefined, store: ObjectStore = world.store) {
  return createCoordinatedQueue<number>({
    ...{ name: 'jobs', store, runtime: world.runtime(), logger: { warn: () => {}, error: () => {} } },
    ...(shards === undefined ? {} : { shards }),
  })
}

describe.each([undefined, 3])('closing a queue of %s shards', (shards) => {
  it('takes no longer than timeoutMs while the store is down', async () => {
    const world = createWorld()
    const mortal = mortalStore(world.store)
    const queue = open(world, shards, mortal.store)
    troublesOf(queue)
    await world.run(queue.enqueueMany(Array.from({ length: 20 }, (_, n) => n)))
    queue.process(() => new Promise(() => {}), { concurrency: 4 })
    await world.pass(2_000)
    expect(queue.running).toBe(4)
    mortal.die()
    const call = queue.enqueue(1).catch((error: unknown) => error)
    const before = world.clock.monotonic()
    await world.run(queue.close({ timeoutMs: 8_000 }))
    expect(world.clock.monotonic() - before).toBeLessThan(9_500)
    expect(await world.run(call)).toMatchObject({ code: 'NOT_ACKNOWLEDGED' })
    expect(queue.running).toBe(0)
  })

  it.each(['fail', 'hang'] as const)('takes 30 s more than its handlers by default (%s)', async (way) => {
    for (const [endsAfterMs, handlersMs] of [
      [Number.POSITIVE_INFINITY, 30_000],
      [100, 0],
    ] as const) {
      const world = createWorld()
      const down = fragile(world.store)
      const queue = open(world, shards, down.store)
      troublesOf(queue)
      await world.run(queue.enqueueMany(Array.from({ length: 20 }, (_, n) => n)))
      queue.process(() => (endsAfterMs === 100 ? sleep(world.clock, endsAfterMs) : new Promise(() => {})), {
        concurrency: 4,
      })
      await world.pass(50)
      while (queue.running < 4) await world.pass(10)
      down[way]()
      const before = world.clock.monotonic()
      await world.run(queue.close())
      expect(world.clock.monotonic() - before).toBeLessThan(handlersMs + 30_000 + 2_500)
    }
  })

  it('ends in time beside a writer of another process, and gives back what it cut off without counting that', async () => {
    const world = createWorld()
    const [writer, queue] = [open(world, shards), open(world, shards)]
    const attempts: number[] = []
    writer.process(async (_, { attempt }) => {
      await sleep(world.clock, 50)
      attempts.push(attempt)
    })
    await world.pass(1_000)
    await world.run(writer.pause())
    queue.process(() => new Promise(() => {}), { concurrency: 200 })
    await world.pass(3_000)
    await world.run(writer.enqueueMany(Array.from({ length: 400 }, (_, n) => n)))
    await world.run(writer.resume())
    // An idle worker reads its mailbox after up to ten seconds.
    for (let seconds = 0; seconds < 20 && queue.running === 0; seconds++) await world.pass(1_000)
    expect(queue.running).toBeGreaterThan(0)
    const before = world.clock.monotonic()
    await world.run(queue.close({ timeoutMs: 4_000 }))
    expect(world.clock.monotonic() - before).toBeLessThan(4_000)
    await world.run(writer.drain())
    expect(attempts).toHaveLength(400)
    expect(new Set(attempts)).toEqual(new Set([1]))
    await world.run(writer.close())
  })
})
