import type { HandlerContext } from '@s3queue/core'
import { sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld, type Process, slowly, startInOrder, workInOrder } from './support.ts'

const many = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('balance between workers', () => {
  it('a faster worker gets more', async () => {
    const world = createWorld()
    const pods = [world.open(), world.open(), world.open()]
    const done: unknown[][] = [[], [], []]
    const takes = [400, 200, 50]
    await startInOrder(
      world,
      pods.map(
        ({ queue }, i) =>
          () =>
            queue.process(slowly(world, takes[i] ?? 0, done[i] ?? []), { concurrency: 2 }),
      ),
    )
    await world.run(pods[0]?.queue.enqueueMany(many(400)) ?? Promise.resolve([]))
    await world.run(pods[0]?.queue.drain() ?? Promise.resolve({} as never))
    const [slow = 0, middle = 0, fast = 0] = done.map(({ length }) => length)
    expect(slow + middle + fast).toBe(400)
    expect(middle).toBeGreaterThan(slow)
    expect(fast).toBeGreaterThan(1.5 * middle)
  })

  it('a worker with one slow handler does not hold back what others could do', async () => {
    const world = createWorld()
    const pods = [world.open(), world.open()]
    const doneAt = new Map<unknown, number>()
    const handler = async ({ payload }: { payload: unknown }): Promise<void> => {
      // Ten quick ones make it fetch ahead; then one that takes a minute.
      await sleep(world.clock, payload === 'slow' ? 60_000 : 10)
      doneAt.set(payload, world.clock.monotonic())
    }
    await workInOrder(world, pods, handler, { concurrency: 1 })
    await world.run(pods[0]?.queue.enqueueMany(many(300)) ?? Promise.resolve([]))
    await world.pass(300)
    const startedAt = world.clock.monotonic()
    await world.run(pods[0]?.queue.enqueueMany(['slow', ...many(300).map((i) => 1000 + i)]) ?? Promise.resolve([]))
    await world.pass(20_000)
    expect(doneAt.has('slow')).toBe(false)
    expect(doneAt.size).toBe(600)
    expect(Math.max(...doneAt.values()) - startedAt).toBeLessThan(20_000)
  })

  it('while there is work, a message for another process waits about a second, not for the looks of those that sleep', async () => {
    const world = createWorld()
    const pods = Array.from({ length: 6 }, () => world.open())
    const startedAt = new Map<unknown, number>()
    const handler = ({ payload }: { readonly payload: unknown }, { signal }: HandlerContext): Promise<void> => {
      startedAt.set(payload, world.clock.monotonic())
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
    }
    await workInOrder(world, pods, handler, { concurrency: 1, maxPrefetch: 0 })
    const [writer] = pods as [Process]
    await world.run(writer.queue.enqueue('keeps the writer busy'))
    // Until all know that there is work.
    await world.pass(40_000)
    for (const name of ['first', 'second']) {
      const sentAt = world.clock.monotonic()
      await world.run(writer.queue.enqueue(name))
      await world.pass(20_000)
      expect((startedAt.get(name) ?? Number.POSITIVE_INFINITY) - sentAt).toBeLessThanOrEqual(1200)
    }
    for (const { queue } of pods) void queue.close()
  })
})
