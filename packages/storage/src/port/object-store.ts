/**
 * The port: four methods that every store with conditional writes can keep, and one that only some stores have (`watch`).
 *
 * It is the portable core of what S3 servers really do. What only some of them do (conditional
 * deletes, a list order beyond fixed-width ASCII, multipart tricks) is left out on purpose, so that nothing above can
 * come to rest on it. Answers that a caller must tell apart are values of closed unions; what no
 * caller can act on by itself is thrown as a `StoreError`.
 */
import type { UnknownOutcome } from './errors.ts'

/** Names one version of an object. Opaque: compare it, never parse it. Equal bytes may have equal ETags (S3: an MD5). */
export type ETag = string

/** What must hold for a write to take place. */
export type PutCondition =
  /** Only if there is no object with this key (`If-None-Match: *`). */
  | { readonly kind: 'create' }
  /** Only if the object's current version is this one (`If-Match`). */
  | { readonly kind: 'if-match'; readonly etag: ETag }
  /** In any case. */
  | { readonly kind: 'overwrite' }

/** What every answer may carry besides its outcome. */
export interface Answered {
  /** The store's own wall clock when it answered, in ms since 1970, where it tells (S3: the `Date` header, whole seconds). */
  readonly storeTimeMs?: number | undefined
}

export interface GetOptions {
  /** Answer `not-modified`, without the body, if this is still the current version. */
  readonly ifNoneMatch?: ETag | undefined
  /** Reject with `ObjectTooLarge` instead of reading a body of more bytes. Default: read any body. */
  readonly maxBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export type GetResult = Answered &
  (
    | { readonly outcome: 'found'; readonly body: Uint8Array; readonly etag: ETag }
    | { readonly outcome: 'not-modified' }
    | { readonly outcome: 'not-found' }
  )

export interface PutOptions {
  readonly condition: PutCondition
  readonly signal?: AbortSignal | undefined
}

export type PutResult = Answered &
  (
    | { readonly outcome: 'stored'; readonly etag: ETag }
    /**
     * The condition did not hold: nothing was written *by the attempt that got this answer*. A transport that repeats
     * requests by itself can turn a write that took place into this outcome: who must know reads the object and looks for a mark of its own in it.
     */
    | { readonly outcome: 'precondition-failed' }
    /**
     * Nobody knows. The write may have happened, may not have, or may still happen later. Timeouts, broken
     * connections and every 409, 429 and 5xx to a write end here. To resolve it, read the object.
     */
    | { readonly outcome: 'unknown'; readonly error: UnknownOutcome }
  )

export interface DeleteOptions {
  readonly signal?: AbortSignal | undefined
}

export interface ListOptions {
  /** Only keys that begin with this. Ends in `/`, or is empty for the whole store. */
  readonly prefix: string
  /** Only keys behind this one in byte order; it need not exist. */
  readonly startAfter?: string | undefined
  /** At most this many entries, 1 to 1,000. Default 1,000. */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ListEntry {
  readonly key: string
  /** Bytes of the body. */
  readonly size: number
}

export interface ListResult extends Answered {
  /** In ascending byte order of the keys. */
  readonly entries: readonly ListEntry[]
  /** Whether there are more keys behind the last entry. */
  readonly truncated: boolean
}

/** What to watch, and how to be notified. */
export interface WatchOptions {
  /** Keys that begin with this. Ends in `/`, or is empty for the whole store; without a `/` at its end it is one whole key. */
  readonly prefix: string
  /**
   * Called soon after an object below the prefix was written or deleted, by any process; a read that starts then sees the change. May be
   * called without a change, and once for several changes. A notification may be lost. Never called within a call to the store. Must not throw.
   */
  readonly onChange: () => void
  /** Ends the watch: after an abort `onChange` is not called again, and the store keeps nothing open for it. */
  readonly signal: AbortSignal
}

/**
 * Object storage with conditional writes. Reads and lists see every write and delete that was answered before they
 * began. Keys follow `assertKey`; no key is a path prefix of another (`a` and `a/b`).
 *
 * All methods throw a `StoreError` for what is wrong with the store as a whole: `AccessDenied`, `NoSuchBucket`,
 * `UnsupportedStore`, `InvalidRequest`; `get`, `list` and `delete` also `Throttled` and `StoreUnavailable`. They
 * reject with the signal's reason when it is aborted; a write that was under way then may still take place.
 */
export interface ObjectStore {
  /** The place in words, for error messages: `s3://bucket/prefix`, `file:///var/queue`. Never holds a secret. */
  readonly description: string
  /**
   * True where only a test can tell whether conditional writes are atomic, as with any server that speaks S3: whoever rests on them
   * probes first (`probeStore`). Default false: the adapter itself sees to it.
   */
  readonly needsProbe?: boolean | undefined
  get(key: string, options?: GetOptions): Promise<GetResult>
  /** Writes `body` as the whole object. The caller must not change `body` until the answer is there. */
  put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult>
  /**
   * Removes objects, up to 1,000 in one call; missing ones are no error. Unconditional: some servers ignore a condition here, so
   * nothing may rest on one. A delete that throws may have taken place, in part too, or may still do so.
   */
  delete(keys: readonly string[], options?: DeleteOptions): Promise<void>
  list(options: ListOptions): Promise<ListResult>
  /**
   * Optional: notifies of changes, so that processes need not poll often. Resolves to true once every later change is notified, as far as
   * nothing is lost: the caller reads once after that, as a change during the call may be missed. Resolves to false if this store cannot watch
   * here (no inotify instances left, a network file system), and if the signal is aborted. Rejects only for an unusable prefix, with
   * `InvalidRequest`. The caller keeps polling, rarely: a lost notification costs a poll, never a message.
   */
  watch?: ((options: WatchOptions) => Promise<boolean>) | undefined
}

/** `{ kind: 'create' }`, as a constant. */
export const create: PutCondition = { kind: 'create' }

/** `{ kind: 'overwrite' }`, as a constant. */
export const overwrite: PutCondition = { kind: 'overwrite' }

/** The condition "only if the current version is `etag`". */
export function ifMatch(etag: ETag): PutCondition {
  return { kind: 'if-match', etag }
}
