/** Queues to measure, each with a name of its own, and what is counted of them. */
import { type CoordinatedQueueOptions, createCoordinatedQueue } from '@s3queue/coordinator'
import { createQueue, type Queue, type QueueOptions } from '@s3queue/core'
import { type MeteredStore, type ObjectStore, systemClock, systemIds, withMetering } from '@s3queue/storage'
import type { Recipient } from './payloads.ts'

/** All queues of a run share it, so that a store is probed once. */
export const NAMESPACE = 'bench'

export interface MeteredQueue {
  readonly name: string
  readonly queue: Queue<Recipient>
  /** Counts this queue's requests alone. */
  readonly meter: MeteredStore
}

/** A queue that no other repetition has seen, unless `options.name` says which. */
export function openQueue(store: ObjectStore, options: Partial<QueueOptions> = {}): MeteredQueue {
  const meter = withMetering(store, { clock: options.runtime?.clock ?? systemClock })
  const { name = `q-${systemIds.ulid()}` } = options
  return { name, meter, queue: createQueue<Recipient>({ namespace: NAMESPACE, ...options, name, store: meter }) }
}

/** The same, shared with other processes. */
export function openCoordinatedQueue(store: ObjectStore, options: Partial<CoordinatedQueueOptions> = {}): MeteredQueue {
  const meter = withMetering(store, { clock: options.runtime?.clock ?? systemClock })
  const { name = `q-${systemIds.ulid()}` } = options
  return {
    name,
    meter,
    queue: createCoordinatedQueue<Recipient>({ namespace: NAMESPACE, ...options, name, store: meter }),
  }
}

/** How long `work` takes, in ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = systemClock.monotonic()
  await work()
  return systemClock.monotonic() - startedAt
}

/** Makes this process the writer, so that what follows is not about start-up. */
export async function becomeWriter({ queue }: MeteredQueue): Promise<void> {
  // A read does not create a queue.
  await queue.pause()
  await queue.resume()
}
