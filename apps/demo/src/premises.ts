/**
 * What a run has to itself: a part of the store, so that what an earlier run left there does not mix with it, and a scratch directory.
 * Both are gone at the end, whatever happens, unless they are to be kept.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ObjectStore, systemIds } from '@s3queue/storage'
import { openStore, reachStore, removeRun, type StorePlace } from './open-store.ts'

export interface Premises {
  readonly scratch: string
  /** Where the store is, and the prefix of the part that is the run's: another process can open it by these. */
  readonly place: StorePlace
  readonly prefix: string
  /** That part of the store. */
  readonly store: ObjectStore
}

export interface Wishes {
  /** Default: a directory in the scratch directory. */
  readonly place: StorePlace | undefined
  /** Leave the queue where it is. */
  readonly keep: boolean
  /** Something worth keeping is in the scratch directory as well. */
  readonly usesScratch: boolean
}

/** Throws when the store does not play along. */
export async function withPremises<T>(
  wishes: Wishes,
  interrupt: AbortSignal,
  use: (premises: Premises) => Promise<T>,
): Promise<T> {
  const { keep, usesScratch } = wishes
  const cleanUps: (() => unknown)[] = []
  try {
    const scratch = await mkdtemp(join(tmpdir(), 's3queue-demo-'))
    const keepScratch = keep && (wishes.place === undefined || usesScratch)
    if (!keepScratch) cleanUps.unshift(() => rm(scratch, { recursive: true, force: true }))
    const place = wishes.place ?? { kind: 'fs', directory: join(scratch, 'store') }
    const prefix = `demo-${systemIds.ulid()}/`
    const { store, close } = openStore(place, prefix)
    cleanUps.unshift(close)
    await reachStore(place, store, interrupt)
    if (!keep) cleanUps.unshift(() => removeRun(place, prefix, store).catch(warn))
    return await use({ scratch, place, prefix, store })
  } finally {
    for (const cleanUp of cleanUps) await cleanUp()
  }
}

function warn(error: unknown): void {
  console.error(`The queue could not be removed. ${String(error)}`)
}
