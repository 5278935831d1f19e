/** What the tests of this package share: processes on one queue in virtual time. */
import { createQueue, type Queue, type QueueOptions } from '@s3queue/core'
import { createIds, type ObjectStore, seededRandom, sleep } from '@s3queue/storage'
import { createManualClock, type ManualClock } from '@s3queue/storage/testing'
import { createMemoryStore, type MemoryStore } from '@s3queue/storage-memory'
import { type CoordinatorOptions, createMailboxTransport, type MailboxTransport } from '../src/index.ts'

export interface Process<T = unknown> {
  readonly queue: Queue<T>
  readonly transport: MailboxTransport
}

export interface World {
  readonly clock: ManualClock
  readonly store: MemoryStore
  /** A queue as a process of its own has it. */
  open<T = unknown>(options?: Partial<QueueOptions>, coordinator?: CoordinatorOptions, store?: ObjectStore): Process<T>
  /** Runs virtual time until `promise` is settled. */
  run<T>(promise: Promise<T>): Promise<T>
  /** Lets virtual time pass. */
  pass(ms: number): Promise<void>
}

export function createWorld(): World {
  const clock = createManualClock()
  const memory = createMemoryStore({ clock })
  let processes = 0
  const run = <T>(promise: Promise<T>): Promise<T> => clock.runUntil(promise, { limitMs: 24 * 3_600_000 })
  return {
    clock,
    store: memory,
    open<T>(options: Partial<QueueOptions> = {}, coordinator: CoordinatorOptions = {}, store: ObjectStore = memory) {
      const random = seededRandom(++processes)
      const transport = createMailboxTransport(coordinator)
      const runtime = { clock, random, ids: createIds(clock, random) }
      return { transport, queue: createQueue<T>({ name: 'jobs', store, transport, runtime, ...options }) }
    },
    run,
    pass: (ms) => run(sleep(clock, ms)),
  }
}

/** A handler that takes its time and notes what it did. */
export function slowly(
  world: World,
  ms: number,
  done: unknown[],
): (message: { readonly payload: unknown }) => Promise<void> {
  return async ({ payload }) => {
    await sleep(world.clock, ms)
    done.push(payload)
  }
}

/** A link to the store that the test can cut: requests made meanwhile get no answer until it is mended, as from a process that was paused. */
export interface Link {
  readonly store: ObjectStore
  cut(): void
  mend(): void
}

export function linkTo(store: ObjectStore): Link {
  let mended: Promise<void> | undefined
  let mend: () => void = () => {}
  const through = async <T>(request: () => Promise<T>): Promise<T> => {
    await mended
    const answer = await request()
    await mended
    return answer
  }
  return {
    store: {
      description: store.description,
      get: (key, options) => through(() => store.get(key, options)),
      put: (key, body, options) => through(() => store.put(key, body, options)),
      delete: (keys, options) => through(() => store.delete(keys, options)),
      list: (options) => through(() => store.list(options)),
    },
    cut() {
      const gate = Promise.withResolvers<void>()
      mended = gate.promise
      mend = gate.resolve
    },
    mend() {
      mended = undefined
      mend()
    },
  }
}

/** Troubles that a queue tells of from now on. */
export function troublesOf(queue: Queue<unknown>): Error[] {
  const troubles: Error[] = []
  queue.on('trouble', ({ error }) => troubles.push(error as Error))
  return troubles
}

/** Makes `first` the writer, by starting it before the others. */
export async function startInOrder(world: World, starts: readonly (() => void)[]): Promise<void> {
  for (const start of starts) {
    start()
    await world.pass(1500)
  }
}
