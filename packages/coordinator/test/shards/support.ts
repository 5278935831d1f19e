/** What the tests of shards share: queues of several shards in virtual time, each in a process of its own. */
import { createIds, type ObjectStore, seededRandom } from '@s3queue/storage'
import { type CoordinatedQueue, type CoordinatedQueueOptions, createCoordinatedQueue } from '../../src/index.ts'
import { createWorld, type World } from '../support.ts'

export interface ShardedWorld extends World {
  /** The queue as another process has it. */
  queue<T = unknown>(options?: Partial<CoordinatedQueueOptions>): CoordinatedQueue<T>
  /** How many messages wait in each shard, as somebody sees it who opens them one by one. */
  perShard(count: number): Promise<number[]>
}

export function createShardedWorld(): ShardedWorld {
  const world = createWorld()
  let processes = 1000
  return {
    ...world,
    queue<T>(options: Partial<CoordinatedQueueOptions> = {}) {
      const random = seededRandom(++processes)
      const { clock } = world
      const runtime = { clock, random, ids: createIds(clock, random) }
      const store: ObjectStore = world.store
      return createCoordinatedQueue<T>({ name: 'jobs', store, runtime, ...options })
    },
    async perShard(count) {
      const all: number[] = []
      for (let shard = 0; shard < count; shard++) {
        const { queue } = world.open({ shard })
        all.push((await world.run(queue.getStats())).total)
        await world.run(queue.close())
      }
      return all
    },
  }
}

export const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
