import { sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import type { CoordinatedQueue } from '../../src/index.ts'
import { linkTo } from '../support.ts'
import { createShardedWorld, numbers, type ShardedWorld } from './support.ts'

const written = (pods: readonly CoordinatedQueue<number>[]): number[][] =>
  pods.map((pod) => [...pod.health().coordinatedShards])

/** Pods that handle what comes, in the order in which they come. */
async function startPods(
  world: ShardedWorld,
  pods: readonly CoordinatedQueue<number>[],
  done: number[],
  apartMs: number,
): Promise<void> {
  for (const [i, pod] of pods.entries()) {
    pod.process(
      async ({ payload }) => {
        await sleep(world.clock, 100)
        done.push(payload)
      },
      { concurrency: 4, workerId: `pod-${i}` },
    )
    await world.pass(apartMs)
  }
}

/** Some traffic for so long; resolves to how many messages. */
async function traffic(world: ShardedWorld, queue: CoordinatedQueue<number>, ms: number): Promise<number> {
  const end = world.clock.monotonic() + ms
  let sent = 0
  while (world.clock.monotonic() < end) {
    await queue.enqueueMany(numbers(60).map((n) => sent + n))
    sent += 60
    await sleep(world.clock, 500)
  }
  return sent
}

/** Signs of life and looks ten times as often as usual, so that a test needs a tenth of the time. */
const QUICK = {
  ...{ shards: 4, heartbeatIntervalMs: 1000, takeoverAfterMs: 3000, maxPollMs: 1200, visibilityTimeoutMs: 5000 },
} as const

describe('who writes the shards', () => {
  it('are three of four pods at least, though the first began with all of the shards', async () => {
    const world = createShardedWorld()
    const pods = numbers(4).map(() => world.queue<number>(QUICK))
    const producer = world.queue<number>(QUICK)
    const done: number[] = []
    await startPods(world, pods, done, 500)
    expect(written(pods)).toEqual([[0, 1, 2, 3], [], [], []])
    let sent = await world.run(traffic(world, producer, 12_000))
    // A shard may be changing hands at this very moment.
    await world.run(sleep(world.clock, 500))
    const spread = written(pods)
    expect(spread.flat().sort()).toEqual([0, 1, 2, 3])
    expect(spread.filter((shards) => shards.length > 0).length).toBeGreaterThanOrEqual(3)
    // And they stay where they are.
    sent += await world.run(traffic(world, producer, 5000))
    expect(written(pods)).toEqual(spread)
    await world.run(producer.drain())
    expect(await world.run(producer.getStats())).toMatchObject({ completed: sent, total: sent })
    expect(done).toHaveLength(sent)
  })

  it('is taken over by others when a pod dies, and spread again', async () => {
    const world = createShardedWorld()
    const link = linkTo(world.store)
    const pods = numbers(3).map((i) => world.queue<number>({ ...QUICK, ...(i === 0 ? { store: link.store } : {}) }))
    const producer = world.queue<number>(QUICK)
    await startPods(world, pods, [], 500)
    let sent = await world.run(traffic(world, producer, 8000))
    expect(written(pods).every((shards) => shards.length > 0)).toBe(true)
    link.cut()
    sent += await world.run(traffic(world, producer, 18_000))
    const left = written(pods.slice(1))
    expect(left.flat().sort()).toEqual([0, 1, 2, 3])
    expect(left.map((shards) => shards.length)).toEqual([2, 2])
    await world.run(producer.drain())
    expect(await world.run(producer.getStats())).toMatchObject({ completed: sent, total: sent })
  })

  it('does not change while nothing happens, nor where there is one pod', async () => {
    const world = createShardedWorld()
    const pods = [world.queue<number>(QUICK), world.queue<number>(QUICK)] as const
    const told: unknown[] = []
    for (const pod of pods) pod.on('promoted', ({ epoch }) => told.push(epoch))
    await startPods(world, pods.slice(0, 1), [], 500)
    await world.run(traffic(world, pods[0], 5000))
    await world.run(pods[0].drain())
    expect(told).toEqual([1, 1, 1, 1])
    await startPods(world, pods.slice(1), [], 30_000)
    expect(told).toEqual([1, 1, 1, 1])
  })
})
