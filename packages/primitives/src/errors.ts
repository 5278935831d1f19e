import type { ETag } from '@s3queue/storage'

/** By which errors are told apart, whatever their class: see `PrimitiveError`. */
export type PrimitiveErrorCode = 'FENCED' | 'CORRUPT_OBJECT' | 'LEASE_LOST' | 'CAS_UNRESOLVED' | 'WRITER_CLOSED'

/** Base of the errors of this package. */
export abstract class PrimitiveError extends Error {
  abstract readonly code: PrimitiveErrorCode

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
  }
}

/**
 * Another writer has taken over the log. Nothing more can be appended by this one, and what it was appending is not in
 * the log as far as anybody can tell (it may be, if the slot was collected meanwhile): send it again under the same ids.
 */
export class Fenced extends PrimitiveError {
  readonly code = 'FENCED'
  /** The epoch of the writer that was fenced. */
  readonly epoch: number

  constructor(epoch: number, where: string) {
    super(`Another writer took over the log at ${where}: the writer of epoch ${epoch} appends no more.`)
    this.epoch = epoch
  }
}

/** An object's bytes are not what was written: truncated, changed, or of an unknown format. Nothing is repaired silently. */
export class CorruptObject extends PrimitiveError {
  readonly code = 'CORRUPT_OBJECT'
  readonly key: string

  constructor(key: string, store: string, what: string, cause?: unknown) {
    super(
      `The object ${key} in ${store} is corrupt: ${what}. Restore it from a backup or a bucket version; nothing was changed.`,
      cause,
    )
    this.key = key
  }
}

/** A lease is no longer held, or its trust window has ended before it could be renewed. */
export class LeaseLost extends PrimitiveError {
  readonly code = 'LEASE_LOST'
}

/**
 * A conditional write whose outcome can no longer be found out: so many later writes came that the object no longer remembers this one.
 */
export class CasUnresolved extends PrimitiveError {
  readonly code = 'CAS_UNRESOLVED'
  readonly key: string
  readonly etag: ETag | undefined

  constructor(key: string, etag: ETag | undefined) {
    super(
      `Whether the write to ${key} took place cannot be told: it was unanswered, and too many later writes came since. Read the object and decide.`,
    )
    this.key = key
    this.etag = etag
  }
}

/** The log's writer was stopped, or failed earlier with `cause`; open the log again. */
export class WriterClosed extends PrimitiveError {
  readonly code = 'WRITER_CLOSED'
}
