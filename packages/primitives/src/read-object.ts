/** Reads one framed object and checks it: the only way in which the parts of a queue read what lies in the store. */
import { type ETag, type GetResult, type ObjectStore, ObjectTooLarge } from '@s3queue/storage'
import { CorruptObject } from './errors.ts'
import { decodeFrame, type Frame, type Header } from './log/frame.ts'
import { type Patience, persistently, waitBeforeRetry } from './patience.ts'

/** A body may have broken off on its way, so bytes that do not check out are read this often before the object counts as corrupt. */
const READS_BEFORE_CORRUPT = 3

/** Where to read from, and how to wait for it. */
export interface ReadSource extends Patience {
  readonly store: ObjectStore
}

/** How to read one object. */
export interface ReadObjectOptions {
  /** Resolves to `unchanged` if this is still the current version. */
  readonly ifNoneMatch?: ETag | undefined
  /** Larger objects are corrupt, and their bytes are not kept. Default: any size. */
  readonly maxBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** A checked object. */
export interface ReadObject<H> extends Frame<H & Header> {
  readonly etag: ETag
}

/**
 * Resolves to the object under `key`, to `unchanged`, or to undefined if there is none. Waits through outages until `signal` ends it. Throws
 * `CorruptObject`, which names the key, for bytes that were not written there.
 */
export async function readObject<H extends object>(
  source: ReadSource,
  key: string,
  options: ReadObjectOptions = {},
): Promise<ReadObject<H> | 'unchanged' | undefined> {
  const { store } = source
  const { maxBytes = Number.POSITIVE_INFINITY, signal } = options
  for (let reads = 1; ; reads++) {
    let answer: GetResult
    try {
      answer = await persistently(source, () => store.get(key, options), signal)
    } catch (error) {
      if (!(error instanceof ObjectTooLarge)) throw error
      throw new CorruptObject(key, store.description, tooLarge(error.size, maxBytes), error)
    }
    if (answer.outcome === 'not-modified') return 'unchanged'
    if (answer.outcome === 'not-found') return undefined
    const { body, etag } = answer
    // A store from another package may ignore the option.
    if (body.length > maxBytes) throw new CorruptObject(key, store.description, tooLarge(body.length, maxBytes))
    const frame = decodeFrame<H>(body, key)
    if (typeof frame !== 'string') return { ...frame, etag }
    if (reads >= READS_BEFORE_CORRUPT) throw new CorruptObject(key, store.description, frame)
    await waitBeforeRetry(source, reads, undefined, signal)
  }
}

function tooLarge(size: number, maxBytes: number): string {
  return `it has ${size} bytes, and an object of its kind has at most ${maxBytes}`
}
