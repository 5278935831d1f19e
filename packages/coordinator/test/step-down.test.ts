import { openShard, type ShardQueue } from '@s3queue/core/shard'
import { createIds, seededRandom, sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createMailboxTransport, type MailboxTransport } from '../src/index.ts'
import { createWorld, type World } from './support.ts'

interface Pod {
  readonly queue: ShardQueue<number>
  readonly transport: MailboxTransport
}

function open(world: World, seed: number): Pod {
  const random = seededRandom(seed)
  const { clock, store } = world
  const transport = createMailboxTransport()
  const runtime = { clock, random, ids: createIds(clock, random) }
  return { transport, queue: openShard<number>({ name: 'jobs', store, transport, runtime }) }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('a writer that steps down', () => {
  it('is followed within a second by the worker it prefers, while there is work; nothing is lost and no attempt counts', async () => {
    const world = createWorld()
    const pods = [open(world, 1), open(world, 2), open(world, 3), open(world, 4)] as const
    const done: number[] = []
    const attempts: number[] = []
    const ids: string[] = []
    for (const { queue } of pods) {
      const { id } = queue.process(
        async ({ payload }, { attempt }) => {
          attempts.push(attempt)
          await sleep(world.clock, 100)
          done.push(payload)
        },
        { concurrency: 4 },
      )
      ids.push(id)
      await world.pass(1500)
    }
    const [first, , , heir] = pods
    expect(first.transport.isCoordinator).toBe(true)
    await world.run(first.queue.enqueueMany(numbers(1500)))
    await world.pass(4000)
    first.transport.prefer(ids[3])
    await world.pass(3000)
    expect(first.transport.isAwake(ids[3] ?? '')).toBe(true)
    const reasons: string[] = []
    first.queue.on('demoted', ({ reason }) => reasons.push(reason))
    const enqueued = first.queue.enqueueMany(numbers(100).map((n) => 5000 + n))
    const startedAt = world.clock.monotonic()
    await world.run(first.queue.stepDown())
    while (!heir.transport.isCoordinator) await world.pass(20)
    expect(world.clock.monotonic() - startedAt).toBeLessThanOrEqual(1000)
    expect(first.transport.isCoordinator).toBe(false)
    expect(reasons).toEqual([expect.stringContaining('stepped down')])
    await world.run(enqueued)
    await world.run(first.queue.drain())
    expect([done.length, new Set(done).size]).toEqual([1600, 1600])
    expect(attempts.every((attempt) => attempt === 1)).toBe(true)
  })

  it('goes on after a moment if nobody else wants to, and takes what came meanwhile', async () => {
    const world = createWorld()
    const { queue, transport } = open(world, 1)
    const done: number[] = []
    queue.process(({ payload }) => done.push(payload))
    await world.run(queue.enqueue(1))
    await world.run(queue.stepDown())
    expect(transport.isCoordinator).toBe(false)
    await world.run(queue.enqueue(2))
    await world.pass(3000)
    expect([transport.isCoordinator, done]).toEqual([true, [1, 2]])
    await world.run(Promise.all([queue.stepDown(), queue.stepDown()]))
    await world.run(queue.close())
  })
})
