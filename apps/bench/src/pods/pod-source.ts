/** Processes on one queue, to be started one after the other: ours on a store, or those of BullMQ on a Redis server. */
import { type ObjectStore, sleep, systemClock, systemIds } from '@s3queue/storage'
import type { RedisServer } from '../peers/redis-server.ts'
import { NAMESPACE } from '../queues.ts'
import type { StoreLocation } from '../stores/location.ts'
import { Pod } from './pod.ts'
import type { PodOptions } from './protocol.ts'

export interface PodSource {
  /** One process, the writer, hands out messages. */
  readonly hasWriter: boolean
  start(): Promise<Pod>
  /** Resolves when the writer knows this many workers in other processes. */
  whenJoined(workers: number): Promise<void>
  /** Ends all processes that were started. */
  end(): Promise<void>
}

/** A queue that no other process has seen, in a store that other processes can open. */
export function podsOnStore(store: ObjectStore, location: StoreLocation, options?: PodOptions): PodSource {
  const queue = `q-${systemIds.ulid()}`
  const pods = new Pods(() => Pod.start({ kind: 'store', location, queue, options }))
  return {
    hasWriter: true,
    start: () => pods.start(),
    whenJoined: (workers) => whenJoined(store, queue, workers),
    end: () => pods.end(),
  }
}

export function podsOnRedis({ host, port }: RedisServer): PodSource {
  const queue = `q-${systemIds.ulid()}`
  const pods = new Pods(() => Pod.start({ kind: 'redis', host, port, queue }))
  return { hasWriter: false, start: () => pods.start(), whenJoined: async () => {}, end: () => pods.end() }
}

/** All workers but the writer's own have made their mailboxes, and the writer has read what they reported. */
export async function whenJoined(store: ObjectStore, queue: string, workers: number): Promise<void> {
  const under = async (part: string): Promise<number> =>
    (await store.list({ prefix: `${NAMESPACE}/${queue}/0/${part}/` })).entries.length
  while ((await under('mailboxes')) < workers || (await under('inbox')) > 0) await sleep(systemClock, 50)
}

class Pods {
  readonly #start: () => Promise<Pod>
  readonly #all: Pod[] = []

  constructor(start: () => Promise<Pod>) {
    this.#start = start
  }

  async start(): Promise<Pod> {
    const pod = await this.#start()
    this.#all.push(pod)
    return pod
  }

  async end(): Promise<void> {
    await Promise.all(this.#all.map((pod) => pod.kill()))
  }
}
