import type { ETag } from '@s3queue/storage'

/** By which errors are told apart, whatever their class: see `PrimitiveError`. */
export type PrimitiveErrorCode =
  | 'FENCED'
  | 'CORRUPT_OBJECT'
  | 'LEASE_LOST'
  | 'CAS_UNRESOLVED'
  | 'WRITER_CLOSED'
  | 'LOG_REPLACED'

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

/**
 * The log is not the one that this process has used: the store was emptied, another log was begun, or an earlier state was restored. The process
 * neither reads nor writes what is there. It continues by itself if its log comes back; to use what is there, start the process again.
 */
export class LogReplaced extends PrimitiveError {
  readonly code = 'LOG_REPLACED'
  /** Another attempt of the same process finds the same. */
  readonly retriable = false
  /** Identity of the log that this process has used. */
  readonly known: string
  /** Identity of the log that is there; undefined if there is none. */
  readonly found: string | undefined
  /** The newest slot of its log that this process knows. */
  readonly slot: number

  constructor({
    where,
    known,
    slot,
    found,
  }: { where: string; known: string; slot: number; found: string | undefined }) {
    const what =
      found === undefined
        ? 'the store holds no log there any longer'
        : found === known
          ? `the store holds an earlier state of it, without slot ${slot} as this process knows it`
          : `the store holds another log (${found})`
    super(
      `This process has used the log ${known} at ${where} up to slot ${slot}, and ${what}. It refuses to use that, as messages would be lost or mixed up. ` +
        'Bring the log back, and the process continues; or follow "Restoring a backup" in docs/operations.md and start the process again.',
    )
    this.known = known
    this.slot = slot
    this.found = found
  }
}
