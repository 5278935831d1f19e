/**
 * Errors by outcome: one class for each thing a caller or an operator does differently. Lost conditions and missing objects are
 * no errors: they are values of `GetResult` and `PutResult`.
 */

/** Tells the errors apart without `instanceof`, also across two copies of this package. */
export type StoreErrorCode =
  | 'THROTTLED'
  | 'ACCESS_DENIED'
  | 'NO_SUCH_BUCKET'
  | 'UNSUPPORTED_STORE'
  | 'STORE_UNAVAILABLE'
  | 'UNKNOWN_OUTCOME'
  | 'INVALID_REQUEST'
  | 'OBJECT_TOO_LARGE'

export interface StoreErrorOptions {
  readonly cause?: unknown
  /** The object in question, if there is one. */
  readonly key?: string | undefined
}

/** Base of all errors of a store. The message says what happened, where, and what to do. */
export abstract class StoreError extends Error {
  abstract readonly code: StoreErrorCode
  /** Whether the same call may succeed later without anybody changing anything. */
  abstract readonly retriable: boolean
  readonly key: string | undefined

  constructor(message: string, options: StoreErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.key = options.key
  }
}

/** The store asks for fewer requests (S3: 503 SlowDown, 429). */
export class Throttled extends StoreError {
  readonly code = 'THROTTLED'
  readonly retriable = true
  /** How long the store asks to wait, in ms, where it says so. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: StoreErrorOptions & { readonly retryAfterMs?: number | undefined } = {}) {
    super(message, options)
    this.retryAfterMs = options.retryAfterMs
  }
}

/** Wrong credentials, or credentials without the permission. */
export class AccessDenied extends StoreError {
  readonly code = 'ACCESS_DENIED'
  readonly retriable = false
}

/** The bucket or directory that the store was made for is not there. */
export class NoSuchBucket extends StoreError {
  readonly code = 'NO_SUCH_BUCKET'
  readonly retriable = false
}

/** The store does not keep what the port promises, such as atomic conditional writes. */
export class UnsupportedStore extends StoreError {
  readonly code = 'UNSUPPORTED_STORE'
  readonly retriable = false
}

/** No usable answer: connection refused, 5xx, timeout, a body that broke off. For writes see `UnknownOutcome`. */
export class StoreUnavailable extends StoreError {
  readonly code = 'STORE_UNAVAILABLE'
  readonly retriable = true
}

/** The request itself is wrong (a key the port does not allow, a body over the store's limit): a defect of the caller. */
export class InvalidRequest extends StoreError {
  readonly code = 'INVALID_REQUEST'
  readonly retriable = false
}

/** The object has more bytes than `GetOptions.maxBytes` allows. Its body was not read into memory. */
export class ObjectTooLarge extends StoreError {
  readonly code = 'OBJECT_TOO_LARGE'
  readonly retriable = false
  /** Bytes of the object's body. */
  readonly size: number

  constructor(key: string, size: number, maxBytes: number, store: string) {
    super(
      `The object ${JSON.stringify(key)} in ${store} has ${size} bytes, and the caller reads at most ${maxBytes}. Check which process wrote it.`,
      { key },
    )
    this.size = size
  }
}

/**
 * A write that may or may not have happened, or may still happen. It is never thrown by `put`: it comes inside the
 * outcome `unknown`, which the type of `put` makes every caller look at. Its `cause` is what went wrong.
 */
export class UnknownOutcome extends StoreError {
  readonly code = 'UNKNOWN_OUTCOME'
  readonly retriable = true
  /** How long the store asks to wait before the next request, in ms, where it says so. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: StoreErrorOptions & { readonly retryAfterMs?: number | undefined } = {}) {
    super(message, options)
    this.retryAfterMs = options.retryAfterMs
  }
}
