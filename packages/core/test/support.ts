/** What the tests of this package share: queues in virtual time, each as if in a process of its own. */
import type { ObjectStore } from '@s3queue/storage'
import { createIds, StoreUnavailable, seededRandom, UnknownOutcome } from '@s3queue/storage'
import { createManualClock, type ManualClock } from '@s3queue/storage/testing'
import { createMemoryStore, type MemoryStore } from '@s3queue/storage-memory'
import { createQueue, type Queue, type QueueEventName, type QueueEvents, type QueueOptions } from '../src/index.ts'

export interface World {
  readonly clock: ManualClock
  readonly store: MemoryStore
  /** A queue object as a process of its own would have it. */
  open<T = unknown>(options?: Partial<QueueOptions>): Queue<T>
  /** Runs virtual time until `promise` is settled. */
  run<T>(promise: Promise<T>): Promise<T>
}

export function createWorld(): World {
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  let processes = 0
  return {
    clock,
    store,
    open(options = {}) {
      const random = seededRandom(++processes)
      return createQueue({ name: 'jobs', store, runtime: { clock, random, ids: createIds(clock, random) }, ...options })
    },
    run: (promise) => clock.runUntil(promise, { limitMs: 24 * 3_600_000 }),
  }
}

/** Everything a queue tells from now on, in order. */
export function record<N extends QueueEventName>(
  queue: Queue<never> | Queue<unknown>,
  ...names: N[]
): { name: N; event: QueueEvents[N] }[] {
  const seen: { name: N; event: QueueEvents[N] }[] = []
  for (const name of names) queue.on(name, (event) => seen.push({ name, event }))
  return seen
}

/** A store in which the test decides what happens to requests whose key contains `part`. */
export function intercept(
  store: ObjectStore,
  part: string,
  on: Partial<Pick<ObjectStore, 'get' | 'put' | 'list'>>,
): ObjectStore {
  return {
    description: store.description,
    get: (key, options) => (key.includes(part) && on.get ? on.get(key, options) : store.get(key, options)),
    put: (key, body, options) =>
      key.includes(part) && on.put ? on.put(key, body, options) : store.put(key, body, options),
    delete: (keys, options) => store.delete(keys, options),
    list: (options) => (options.prefix.includes(part) && on.list ? on.list(options) : store.list(options)),
  }
}

/** A store as a process has it that dies when the test says so: from then on nothing is asked, and nothing answered. */
export function mortalStore(store: ObjectStore): { readonly store: ObjectStore; die(): void } {
  let isDead = false
  const whileAlive = <T>(request: () => Promise<T>): Promise<T> => (isDead ? new Promise(() => {}) : request())
  return {
    store: {
      description: store.description,
      get: (key, options) => whileAlive(() => store.get(key, options)),
      put: (key, body, options) => whileAlive(() => store.put(key, body, options)),
      delete: (keys, options) => whileAlive(() => store.delete(keys, options)),
      list: (options) => whileAlive(() => store.list(options)),
    },
    die() {
      isDead = true
    },
  }
}

/** A store that the test can take down: requests fail, or get no answer and do not even heed their signals. */
export function fragile(store: ObjectStore): { readonly store: ObjectStore; fail(): void; hang(): void } {
  const mortal = mortalStore(store)
  let isDown = false
  const down = (key: string): Promise<never> => Promise.reject(new StoreUnavailable('The store is down.', { key }))
  return {
    store: {
      description: store.description,
      get: (key, options) => (isDown ? down(key) : mortal.store.get(key, options)),
      async put(key, body, options) {
        if (!isDown) return mortal.store.put(key, body, options)
        return { outcome: 'unknown', error: new UnknownOutcome('The store is down.', { key }) }
      },
      delete: (keys, options) => (isDown ? down(String(keys[0])) : mortal.store.delete(keys, options)),
      list: (options) => (isDown ? down(options.prefix) : mortal.store.list(options)),
    },
    fail() {
      isDown = true
    },
    hang: () => mortal.die(),
  }
}
