/** Checks of what users hand in: what is unknown, missing or out of bounds is refused at once, not at the first outage. */
import { assertKnownKeys, type Ids, InvalidOption, numberOption, type ObjectStore } from '@s3queue/storage'
import type { Patience } from './patience.ts'

const SHARED = ['store', 'ids', 'clock', 'random', 'baseMs', 'maxMs', 'onTrouble']

interface Shared extends Patience {
  readonly store: ObjectStore
  readonly ids: Ids
}

/** Throws `InvalidOption` for an option that is neither one that all primitives share nor one of `own`, and for shared ones that are none. */
export function checkOptions(who: string, options: Shared, own: readonly string[]): void {
  assertKnownKeys(who, options, [...SHARED, ...own])
  const { store, ids, clock, random, baseMs, maxMs } = options
  if (typeof store?.get !== 'function' || typeof store.put !== 'function')
    throw new InvalidOption(who, 'store', 'must be an object store, such as createFsStore({ directory: "./data" }).')
  if (typeof clock?.monotonic !== 'function') throw new InvalidOption(who, 'clock', 'must be a clock: systemClock.')
  if (typeof random?.next !== 'function') throw new InvalidOption(who, 'random', 'must be randomness: systemRandom.')
  if (typeof ids?.nonce !== 'function') throw new InvalidOption(who, 'ids', 'must be a source of ids: systemIds.')
  numberOption(who, 'baseMs', baseMs, 0)
  numberOption(who, 'maxMs', maxMs, 0)
}
