import type { ObjectStore } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { mortalStore } from '../../core/test/support.ts'
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

  it('ends in time beside a writer of another process, and gives back what it cut off without counting that', async () => {
    const world = createWorld()
    const [writer, queue] = [open(world, shards), open(world, shards)]
    const attempts: number[] = []
    writer.process((_, { attempt }) => void attempts.push(attempt))
    await world.pass(1_000)
    await world.run(writer.pause())
    queue.process(() => new Promise(() => {}), { concurrency: 200 })
    await world.pass(3_000)
    await world.run(writer.enqueueMany(Array.from({ length: 400 }, (_, n) => n)))
    await world.run(writer.resume())
    await world.pass(3_000)
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
