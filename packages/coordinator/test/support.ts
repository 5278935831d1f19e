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
