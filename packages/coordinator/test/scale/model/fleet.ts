/** Pods and producers on one queue, as they are in virtual time: a store that is far away and has limits, shared by all. */
import type { QueueOptions } from '@s3queue/core'
import {
  createIds,
  type MeteredStore,
  type Random,
  seededRandom,
  sleep,
  withLatency,
  withMetering,
} from '@s3queue/storage'
import { createManualClock, type ManualClock } from '@s3queue/storage/testing'
import { createMemoryStore } from '@s3queue/storage-memory'
import { type CoordinatedQueue, createCoordinatedQueue } from '../../../src/index.ts'
import { linkTo } from '../../support.ts'
import { type LimitedStore, S3_LIMITS, withRequestLimits } from './request-limits.ts'

const LATENCY = { putMs: 60, getMs: 20, listMs: 40, deleteMs: 60, jitter: 0.2 }
export const CONCURRENCY = 20
const PRODUCERS = 2
/** Pods of a deployment do not start at the same moment. */
const START_WITHIN_MS = 30_000

export interface Pod {
  readonly queue: CoordinatedQueue<number>
  /** The process stands still from now on, for ever: none of its requests is answered. */
  kill(): void
}

export interface Fleet {
  readonly clock: ManualClock
  readonly limited: LimitedStore
  readonly meter: MeteredStore
  readonly pods: readonly Pod[]
  /** Processes without a worker. */
  readonly producers: readonly CoordinatedQueue<number>[]
  readonly random: Random
  /** Called with the payload of each message as its handler starts. */
  onStarted: (payload: number) => void
  /** Called when a process has become the writer. */
  onPromoted: () => void
  /** Troubles that pods told of. */
  readonly troubles: Map<string, number>
}

/** All of them, started; all options but `concurrency` are at their defaults. */
export async function startFleet(pods: number, handlerMs: number, seed: number): Promise<Fleet> {
  const clock = createManualClock()
  const random = seededRandom(seed)
  const limited = withRequestLimits(createMemoryStore({ clock }), clock, S3_LIMITS)
  const meter = withMetering(withLatency(limited, { clock, ...LATENCY, random }), { clock })
  const troubles = new Map<string, number>()
  let processes = 0
  const open = (): Pod => {
    const own = seededRandom(seed + ++processes)
    const link = linkTo(meter)
    const runtime: QueueOptions['runtime'] = { clock, random: own, ids: createIds(clock, own) }
    const queue = createCoordinatedQueue<number>({ name: 'scale', store: link.store, runtime })
    queue.on('trouble', ({ error }) => {
      const name = error instanceof Error ? error.name : String(error)
      troubles.set(name, (troubles.get(name) ?? 0) + 1)
    })
    queue.on('promoted', () => fleet.onPromoted())
    return { queue, kill: () => link.cut() }
  }
  const fleet: Fleet = {
    ...{ clock, limited, meter, random, troubles, onStarted: () => {}, onPromoted: () => {} },
    producers: Array.from({ length: PRODUCERS }, () => open().queue),
    pods: Array.from({ length: pods }, open),
  }
  const handler = async ({ payload }: { readonly payload: number }): Promise<void> => {
    fleet.onStarted(payload)
    await sleep(clock, handlerMs)
  }
  for (const { queue } of fleet.pods) {
    clock.setTimer(random.next() * START_WITHIN_MS, () => queue.process(handler, { concurrency: CONCURRENCY }))
  }
  await clock.advance(START_WITHIN_MS)
  return fleet
}
