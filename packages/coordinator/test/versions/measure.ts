/** How often each object that changes is written: in a bucket with versioning, each such write stays as a version. */
import { type ObjectStore, sleep } from '@s3queue/storage'
import { createWorld, s3Like, slowly, startInOrder } from '../support.ts'

const DAY_MS = 24 * 3_600_000
const PROCESSES = 4

/** Objects that are written more than once, by their names below the queue; of mailboxes and heartbeats there is one for each worker. */
export const CHANGING = ['writer', 'bell', 'base', 'registry', 'mailboxes', 'workers'] as const
export type Changing = (typeof CHANGING)[number]

/** Writes of one key in a day: of the key that is written most, where there are several. */
export type VersionsPerDay = Readonly<Record<Changing, number>>

export interface Measurement {
  /** One of the processes enqueues a message this often. */
  readonly everyMs: number
  /** Virtual time to pass before anything is counted, and while it is. */
  readonly warmUpMs: number
  readonly measureMs: number
}

/** Counts the writes of four processes with default options that share a queue in virtual time. */
export async function measureVersions({ everyMs, warmUpMs, measureMs }: Measurement): Promise<VersionsPerDay> {
  const world = createWorld()
  const writes = new Map<string, number>()
  const store = countingWrites(s3Like(world), writes)
  const processes = Array.from({ length: PROCESSES }, () => world.open({}, {}, store))
  const handle = slowly(world, 100, [])
  await startInOrder(
    world,
    processes.map(
      ({ queue }) =>
        () =>
          queue.process(handle, { concurrency: 10 }),
    ),
  )
  const [, producer] = processes
  const enqueueUntil = async (endMs: number): Promise<void> => {
    while (world.clock.monotonic() < endMs) {
      void producer?.queue.enqueue('message')
      await sleep(world.clock, everyMs)
    }
  }
  const startMs = world.clock.monotonic()
  if (Number.isFinite(everyMs)) void enqueueUntil(startMs + warmUpMs + measureMs)
  await world.pass(warmUpMs)
  writes.clear()
  await world.pass(measureMs)
  const perDay = (name: Changing): number => {
    const counts = [...writes].filter(([key]) => key.split('/')[3] === name).map(([, count]) => count)
    return Math.round((Math.max(0, ...counts) * DAY_MS) / measureMs)
  }
  return {
    writer: perDay('writer'),
    bell: perDay('bell'),
    base: perDay('base'),
    registry: perDay('registry'),
    mailboxes: perDay('mailboxes'),
    workers: perDay('workers'),
  }
}

function countingWrites(store: ObjectStore, writes: Map<string, number>): ObjectStore {
  return {
    ...store,
    put(key, body, options) {
      writes.set(key, (writes.get(key) ?? 0) + 1)
      return store.put(key, body, options)
    },
  }
}
