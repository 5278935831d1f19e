/** The store that a plugin would open for itself, with something in between. */
import type { S3dbClient } from '@s3queue/s3db'
import {
  type Fault,
  type ObjectStore,
  type StoreOperation,
  systemClock,
  systemRandom,
  withFaults,
} from '@s3queue/storage'
import { onTestFinished } from 'vitest'
import { openStore } from '../../src/open-store.ts'
import type { World } from './world.ts'

/** A request: what it was, of which object, and when, in ms. */
export interface Request {
  readonly kind: StoreOperation['kind']
  readonly key: string
  readonly at: number
}

export interface QueueStore {
  readonly store: ObjectStore
  readonly requests: readonly Request[]
  /** Every request fails from now on, as if the process had lost its network; or none any more. */
  cut(isCut: boolean): void
  /** The next request for which this holds meets the fault. */
  failNext(fault: Fault, concerns: (operation: StoreOperation) => boolean): void
}

export function queueStoreOf({ db }: World): QueueStore {
  const client: S3dbClient = db.client
  const { store, destroy } = openStore(client)
  const requests: Request[] = []
  const planned: { fault: Fault; concerns: (operation: StoreOperation) => boolean }[] = []
  let isCut = false
  const next = (operation: StoreOperation): Fault | undefined => {
    const { kind } = operation
    const key = kind === 'delete' ? (operation.keys[0] ?? '') : kind === 'list' ? operation.prefix : operation.key
    requests.push({ kind, key, at: systemClock.monotonic() })
    if (isCut) return { kind: 'server-error' }
    const index = planned.findIndex(({ concerns }) => concerns(operation))
    return index < 0 ? undefined : planned.splice(index, 1)[0]?.fault
  }
  onTestFinished(() => {
    isCut = false
    destroy()
  })
  return {
    store: withFaults(store, { clock: systemClock, random: systemRandom, plan: { next } }),
    requests,
    cut(value) {
      isCut = value
    },
    failNext: (fault, concerns) => void planned.push({ fault, concerns }),
  }
}
