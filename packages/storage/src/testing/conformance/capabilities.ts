import { assertKnownKeys, numberOption } from '../../options/check-options.ts'
import { InvalidOption } from '../../options/invalid-option.ts'
import type { StoreErrorCode } from '../../port/errors.ts'
import type { PutCondition } from '../../port/object-store.ts'
import type { StoreFactory } from './fixture.ts'

/**
 * What an adapter can and cannot do, as data. Nothing is skipped for a capability that is missing: the suite then checks that the adapter
 * fails in the way that callers can act on.
 */
export interface StoreCapabilities {
  /** Conditions that the store keeps. A `put` with one that is missing must reject with `UnsupportedStore` and write nothing. Default: both. */
  readonly conditions?: readonly ConditionKind[] | undefined
  /** Whether answers carry `storeTimeMs`. If not, they must not make one up. Default false. */
  readonly storeTime?: boolean | undefined
  /** Whether lists are in byte order for all keys (`d-b` before `d/b`), or only among keys of one folder and length. Default true. */
  readonly byteOrder?: boolean | undefined
  /** Whether a key that is a path prefix of another is refused with `InvalidRequest`. If not, it must be stored and read back. Default false. */
  readonly refusesPathPrefixes?: boolean | undefined
  /** Longest key in bytes, 512 to 1,024: it must be usable, however long the store's own prefix is. Default 1,024. */
  readonly maxKeyBytes?: number | undefined
  /** Largest body in bytes that is checked: it must be stored, and with `refusesLargerBodies` one byte more must be refused. Default 1 MiB + 1. */
  readonly maxBodyBytes?: number | undefined
  /** Whether a body above `maxBodyBytes` is refused with `InvalidRequest`. Default false. */
  readonly refusesLargerBodies?: boolean | undefined
  /** Whether the store notifies of changes (`watch`). If not, it must have no `watch`. Default false. */
  readonly watch?: boolean | undefined
  /** How long a notification may take before it counts as lost, in ms. Default 5,000. */
  readonly notifiedWithinMs?: number | undefined
  /** How many writers race for one key. Default 8. */
  readonly writers?: number | undefined
  /** How many rounds each race has. Default 20. */
  readonly rounds?: number | undefined
  /** Makes stores that are broken in a known way; the suite checks what all four methods make of it. Default: none. */
  readonly broken?: Partial<Record<BrokenKind, StoreFactory>> | undefined
}

/** The conditions that a store may be without; every store can overwrite. */
export type ConditionKind = Exclude<PutCondition['kind'], 'overwrite'>

/** The bucket is not there; the credentials do not allow anything; nobody answers. */
export type BrokenKind = Extract<StoreErrorCode, 'NO_SUCH_BUCKET' | 'ACCESS_DENIED' | 'STORE_UNAVAILABLE'>

export type ResolvedStoreCapabilities = {
  readonly [K in keyof StoreCapabilities]-?: Exclude<StoreCapabilities[K], undefined>
}

const OWNER = 'describeObjectStore'
const CONDITIONS: readonly ConditionKind[] = ['create', 'if-match']
const BROKEN_KINDS: readonly BrokenKind[] = ['NO_SUCH_BUCKET', 'ACCESS_DENIED', 'STORE_UNAVAILABLE']

export function resolveCapabilities(capabilities: StoreCapabilities = {}): ResolvedStoreCapabilities {
  const resolved: ResolvedStoreCapabilities = {
    conditions: capabilities.conditions ?? CONDITIONS,
    storeTime: capabilities.storeTime ?? false,
    byteOrder: capabilities.byteOrder ?? true,
    refusesPathPrefixes: capabilities.refusesPathPrefixes ?? false,
    maxKeyBytes: numberOption(OWNER, 'maxKeyBytes', capabilities.maxKeyBytes, 1_024, {
      min: 512,
      max: 1_024,
      integer: true,
    }),
    maxBodyBytes: numberOption(OWNER, 'maxBodyBytes', capabilities.maxBodyBytes, 1_048_577, { min: 1, integer: true }),
    refusesLargerBodies: capabilities.refusesLargerBodies ?? false,
    watch: capabilities.watch ?? false,
    notifiedWithinMs: numberOption(OWNER, 'notifiedWithinMs', capabilities.notifiedWithinMs, 5_000, { min: 1 }),
    writers: numberOption(OWNER, 'writers', capabilities.writers, 8, { min: 2, integer: true }),
    rounds: numberOption(OWNER, 'rounds', capabilities.rounds, 20, { min: 1, integer: true }),
    broken: capabilities.broken ?? {},
  }
  assertKnownKeys(OWNER, capabilities, Object.keys(resolved))
  assertKnownKeys(`${OWNER} (broken)`, resolved.broken, BROKEN_KINDS)
  for (const kind of resolved.conditions) {
    if (!CONDITIONS.includes(kind))
      throw new InvalidOption(OWNER, 'conditions', `does not know ${JSON.stringify(kind)}.`)
  }
  return resolved
}
