/** What an adapter checks before it sends a request, so that every store refuses the same calls in the same way. */
import { InvalidRequest } from '../port/errors.ts'
import { assertKey, assertPrefix } from '../port/key.ts'
import type { ListOptions } from '../port/object-store.ts'

/** Most entries in one answer of `list` (S3: ListObjectsV2, `max-keys`). */
export const MAX_LIST_ENTRIES = 1_000

/** Most keys in one call of `delete` (S3: DeleteObjects). */
export const MAX_DELETE_KEYS = 1_000

/** Throws `InvalidRequest` unless every key is usable and there are at most 1,000 of them. */
export function assertDeleteKeys(keys: readonly string[]): void {
  if (keys.length > MAX_DELETE_KEYS) {
    throw new InvalidRequest(
      `One delete takes at most ${MAX_DELETE_KEYS} keys, not ${keys.length}. Split them over several calls.`,
    )
  }
  for (const key of keys) assertKey(key)
}

/** Throws `InvalidRequest` unless `prefix` is one usable key, or a prefix as for a list. */
export function assertWatchPrefix(prefix: string): void {
  if (prefix === '' || prefix.endsWith('/')) assertPrefix(prefix)
  else assertKey(prefix)
}

/** A list request with its default filled in. */
export interface ResolvedListOptions {
  readonly prefix: string
  readonly startAfter: string | undefined
  readonly limit: number
  readonly signal: AbortSignal | undefined
}

/** Throws `InvalidRequest` unless the prefix is usable, `startAfter` is printable ASCII, and the limit is a whole number from 1 to 1,000. */
export function resolveListOptions(options: ListOptions): ResolvedListOptions {
  const { prefix, startAfter, limit = MAX_LIST_ENTRIES, signal } = options
  assertPrefix(prefix)
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIST_ENTRIES) {
    throw new InvalidRequest(`The limit of a list must be a whole number from 1 to ${MAX_LIST_ENTRIES}, not ${limit}.`)
  }
  if (startAfter !== undefined && !/^[ -~]*$/.test(startAfter)) {
    throw new InvalidRequest(`startAfter must be printable ASCII, not ${JSON.stringify(startAfter)}.`)
  }
  return { prefix, startAfter, limit, signal }
}
