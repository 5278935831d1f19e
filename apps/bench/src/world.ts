/** Time to measure in: the machine's own, or one that passes as fast as the work in it allows. */
import { type Clock, type ObjectStore, sleep, systemClock, withLatency } from '@s3queue/storage'
import { createMemoryStore } from '@s3queue/storage-memory'
import { withoutNotifications } from './stores/without-notifications.ts'

export interface World {
  readonly store: ObjectStore
  readonly clock: Clock
  /** Lets time pass. */
  readonly advance: (ms: number) => Promise<void>
  /** Lets time pass until `work` is done. */
  readonly run: <T>(work: Promise<T>) => Promise<T>
}

export function realWorld(store: ObjectStore): World {
  return { store, clock: systemClock, advance: (ms) => sleep(systemClock, ms), run: (work) => work }
}

/** What a request takes in the model of S3, in ms. */
const REQUEST_MS = 60

/** A model of S3 in virtual time: an hour takes as long as the work that is done in it. */
export async function virtualWorld(): Promise<World> {
  // Loaded when it is needed, because it brings the test runner with it.
  const { createManualClock } = await import('@s3queue/storage/testing')
  const clock = createManualClock()
  const ms = REQUEST_MS
  const latency = { getMs: ms, putMs: ms, listMs: ms, deleteMs: ms }
  return {
    store: withLatency(withoutNotifications(createMemoryStore({ clock })), { clock, ...latency }),
    clock,
    advance: (ms) => clock.advance(ms),
    run: (work) => clock.runUntil(work),
  }
}
