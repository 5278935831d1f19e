/**
 * Stores that break the port on purpose: what probes and conformance suites must find. None of them is of use for anything else.
 */
import type { ObjectStore, PutCondition, PutResult } from '../../port/object-store.ts'
import { overwrite } from '../../port/object-store.ts'
import { conditionHolds, createReferenceStore, type ReferenceStore } from './reference-store.ts'

export interface IgnoringStoreOptions {
  /** The conditions that it takes no notice of. Default both. */
  readonly ignores?: readonly PutCondition['kind'][] | undefined
  /** Default `ignoring://`. */
  readonly description?: string | undefined
}

/** A store that writes whatever the condition says, as `rclone serve s3` and some gateways do. */
export function createIgnoringStore(options: IgnoringStoreOptions = {}): ReferenceStore {
  const { ignores = ['create', 'if-match'], description = 'ignoring://' } = options
  const store = createReferenceStore(description)
  return {
    ...store,
    put: (key, body, { condition, signal }) =>
      store.put(key, body, { condition: ignores.includes(condition.kind) ? overwrite : condition, signal }),
  }
}

export interface RacyStoreOptions {
  /** Whether the n-th put (from 0) to `key` lets others in between its check and its write. Default: every one. */
  readonly isRacy?: ((key: string, n: number) => boolean) | undefined
  /** The conditions that are checked apart from the write. Default both. */
  readonly racy?: readonly PutCondition['kind'][] | undefined
  /** Default `racy://`. */
  readonly description?: string | undefined
}

/** A store that checks the condition, lets others in, and then writes, as S3Mock and some gateways do: right for one caller, wrong for two at once. */
export function createRacyStore(options: RacyStoreOptions = {}): ReferenceStore {
  const { isRacy = () => true, racy = ['create', 'if-match'], description = 'racy://' } = options
  const store = createReferenceStore(description)
  const puts = new Map<string, number>()
  const racyPut: ObjectStore['put'] = async (key, body, { condition, signal }): Promise<PutResult> => {
    const holds = conditionHolds(condition, store.objects.get(key)?.etag)
    await Promise.resolve()
    return holds ? store.put(key, body, { condition: overwrite, signal }) : { outcome: 'precondition-failed' }
  }
  return {
    ...store,
    put(key, body, putOptions) {
      const n = puts.get(key) ?? 0
      puts.set(key, n + 1)
      return racy.includes(putOptions.condition.kind) && isRacy(key, n)
        ? racyPut(key, body, putOptions)
        : store.put(key, body, putOptions)
    },
  }
}
