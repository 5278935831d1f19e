/** What the tests of this package stand on: a store in memory that fails by script, and time that stands still until it is told to go on. */
import {
  createIds,
  type Fault,
  type FaultyStore,
  type Ids,
  type ObjectStore,
  overwrite,
  type Random,
  type ScriptedFaults,
  type StoreOperation,
  scriptedFaults,
  seededRandom,
  withFaults,
} from '@s3queue/storage'
import { createManualClock, type ManualClock } from '@s3queue/storage/testing'
import { createMemoryStore, type MemoryStore } from '@s3queue/storage-memory'

export interface Rig {
  readonly clock: ManualClock
  readonly random: Random
  readonly ids: Ids
  /** The store as it is. */
  readonly memory: MemoryStore
  /** The store behind the faults of the script. */
  readonly store: FaultyStore
  readonly script: ScriptedFaults
  /** What every primitive is made from. */
  readonly tools: Pick<Rig, 'store' | 'clock' | 'random' | 'ids'>
  /** Lets time pass until `promise` is settled. */
  run<T>(promise: Promise<T>): Promise<T>
}

/** A rig whose store fails by `script`, one entry for each request that `concerns` picks. */
export function createRig(
  script: readonly (Fault | undefined)[] = [],
  concerns?: (operation: StoreOperation) => boolean,
): Rig {
  const clock = createManualClock()
  const random = seededRandom(7)
  const memory = createMemoryStore()
  const faults = scriptedFaults(script, concerns)
  const ids = createIds(clock, random)
  const store = withFaults(memory, { clock, random, plan: faults })
  return {
    ...{ clock, random, ids, memory, store },
    script: faults,
    tools: { store, clock, random, ids },
    run: (promise) => clock.runUntil(promise),
  }
}

export const isPut = ({ kind }: StoreOperation): boolean => kind === 'put'

export function putsTo(key: string): (operation: StoreOperation) => boolean {
  return (operation) => operation.kind === 'put' && operation.key === key
}

/** `store`, but for the methods in `changes`. */
export function changed(store: ObjectStore, changes: Partial<ObjectStore>): ObjectStore {
  return {
    description: store.description,
    get: (key, options) => store.get(key, options),
    put: (key, body, options) => store.put(key, body, options),
    delete: (keys, options) => store.delete(keys, options),
    list: (options) => store.list(options),
    ...changes,
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function text(body: Uint8Array): string {
  return new TextDecoder().decode(body)
}

/** Puts an object there, whatever was there before. */
export async function place(store: ObjectStore, key: string, body: Uint8Array | string): Promise<void> {
  await store.put(key, typeof body === 'string' ? bytes(body) : body, { condition: overwrite })
}

export async function bodyOf(store: ObjectStore, key: string): Promise<Uint8Array> {
  const answer = await store.get(key)
  if (answer.outcome !== 'found') throw new Error(`There is no ${key}.`)
  return answer.body
}

/** A gate that somebody waits at until it is opened. */
export interface Gate {
  /** Resolves when somebody has come to the gate. */
  readonly reached: Promise<void>
  open(): void
  pass(): Promise<void>
}

export function createGate(): Gate {
  const arrival = Promise.withResolvers<void>()
  const opening = Promise.withResolvers<void>()
  return {
    reached: arrival.promise,
    open: () => opening.resolve(),
    async pass() {
      arrival.resolve()
      await opening.promise
    },
  }
}
