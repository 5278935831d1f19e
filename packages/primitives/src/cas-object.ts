/**
 * One mutable JSON value in a store, changed only by compare-and-swap.
 *
 * It prevents two failures. Equal bytes have equal ETags, so a value that returns to what it was would let a stale
 * writer through: every write carries a fresh nonce. And a write that got no answer may have happened: the
 * object remembers the nonces of its latest writes, so reading tells whether one of them was ours, even when others came after it.
 *
 * Why that suffices: our write can only land directly on top of the version it was based on. So wherever the base's
 * nonce stands in the history, the nonce behind it says who won that step. Only when the base has dropped out of the
 * history (more than `HISTORY` later writes) nobody can tell, and `CasUnresolved` says so.
 */
import {
  assertKey,
  create,
  type ETag,
  type Ids,
  ifMatch,
  type ObjectStore,
  type PutResult,
  UnsupportedStore,
} from '@s3queue/storage'
import { checkOptions } from './check-options.ts'
import { isText } from './checks.ts'
import { CasUnresolved, CorruptObject } from './errors.ts'
import { encodeFrame, type Header } from './log/frame.ts'
import { type Patience, waitBeforeRetry } from './patience.ts'
import { type ReadObject, readObject } from './read-object.ts'

const HISTORY = 32
const MAX_CONTRADICTIONS = 8
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Where a `CasObject` lies, and what it needs. */
export interface CasObjectOptions<T = unknown> extends Patience {
  readonly store: ObjectStore
  /** Where the object lies. */
  readonly key: string
  readonly ids: Ids
  /** Reads a value that any process may have written; undefined: the object is corrupt. Default: any JSON is a `T`. */
  readonly decode?: ((value: unknown) => T | undefined) | undefined
  /** Larger objects are corrupt, and are not read into memory. Default: any size. */
  readonly maxBytes?: number | undefined
}

/** One version of the value, to base the next write on. */
export interface CasVersion<T> {
  readonly value: T
  readonly etag: ETag
  /** The write that made this version. */
  readonly nonce: string
  /** Nonces of this and earlier writes, newest first. */
  readonly history: readonly string[]
  /** Whether `history` goes back to the object's creation. */
  readonly complete: boolean
}

/** How a conditional write ended. What is not known is found out before; if that cannot be, `CasUnresolved` is thrown. */
export type CasWrite<T> =
  /** Our write took place. `current` is it, or what others have written on top of it meanwhile. */
  | { readonly outcome: 'written'; readonly current: CasVersion<T> }
  /** Another write came first; ours did not take place and never will. `current` is undefined when the object is gone. */
  | { readonly outcome: 'lost'; readonly current: CasVersion<T> | undefined }

interface CasHeader extends Header {
  readonly kind: 'value'
  readonly history: readonly string[]
  readonly complete: boolean
}

/** A mutable JSON value of type `T` under one key. It holds no state of its own: every method asks the store. */
export class CasObject<T> {
  readonly #options: CasObjectOptions<T>

  /** Makes no request. Throws `InvalidOption`, and `InvalidRequest` for a key that is none. */
  constructor(options: CasObjectOptions<T>) {
    checkOptions('CasObject', options, ['key', 'decode', 'maxBytes'])
    assertKey(options.key)
    this.#options = options
  }

  get key(): string {
    return this.#options.key
  }

  /** The current version, or undefined if there is no object. Waits through outages until `signal` ends it. Throws `CorruptObject`. */
  async read(signal?: AbortSignal): Promise<CasVersion<T> | undefined> {
    const { key, maxBytes } = this.#options
    const found = await readObject<CasHeader>(this.#options, key, { maxBytes, signal })
    return found === undefined || found === 'unchanged' ? undefined : this.#decode(found)
  }

  /** The current version, or `unchanged` if it is still `known`. Costs a request without a body then. Throws `CorruptObject`. */
  async readIfChanged(known: CasVersion<T>, signal?: AbortSignal): Promise<CasVersion<T> | 'unchanged' | undefined> {
    const { key, maxBytes } = this.#options
    const found = await readObject<CasHeader>(this.#options, key, { ifNoneMatch: known.etag, maxBytes, signal })
    return found === undefined || found === 'unchanged' ? found : this.#decode(found)
  }

  /**
   * Writes `value` if the current version is still `base` (undefined: if there is no object). Unknown outcomes are resolved by
   * reading, for as long as it takes or until `signal` is aborted. Throws `CasUnresolved` when it cannot be told any more.
   */
  async write(base: CasVersion<T> | undefined, value: T, signal?: AbortSignal): Promise<CasWrite<T>> {
    const { store, key, ids } = this.#options
    const nonce = ids.nonce()
    const history = [nonce, ...(base?.history ?? [])].slice(0, HISTORY)
    const complete = base === undefined || (base.complete && base.history.length < HISTORY)
    const header: CasHeader = { key, kind: 'value', history, complete }
    const body = encodeFrame(header, encoder.encode(JSON.stringify({ value }))).bytes
    const condition = base === undefined ? create : ifMatch(base.etag)
    let uncertain = false
    let contradictions = 0
    for (let attempt = 1; ; attempt++) {
      const put: PutResult = await store.put(key, body, { condition, signal })
      if (put.outcome === 'stored') {
        return { outcome: 'written', current: { value, etag: put.etag, nonce, history, complete } }
      }
      if (put.outcome === 'unknown') {
        uncertain = true
        // Look at once where the store does not ask to wait: the more writes of others come first, the less can be told.
        if (attempt > 1 || put.error.retryAfterMs !== undefined) {
          await waitBeforeRetry(this.#options, attempt, put.error, signal)
        }
      }
      const current = await this.read(signal)
      const verdict = judge(current, base, nonce)
      if (verdict === 'mine' && current) return { outcome: 'written', current }
      if (verdict === 'lost') return { outcome: 'lost', current }
      if (verdict === 'gone' && !uncertain) return { outcome: 'lost', current }
      if (verdict === 'cannot-tell' || verdict === 'gone') throw new CasUnresolved(key, current?.etag)
      if (put.outcome === 'precondition-failed') {
        if (++contradictions > MAX_CONTRADICTIONS) throw contradictory(store.description, key)
        await waitBeforeRetry(this.#options, attempt, undefined, signal)
      }
    }
  }

  /**
   * Reads, lets `change` make the next value, writes, and starts over when another write came first. `change` may be
   * called several times; it returns undefined to leave the object as it is. Resolves to the version that then holds.
   * Throws `CasUnresolved` as `write` does.
   */
  async update(
    change: (value: T | undefined) => T | undefined,
    signal?: AbortSignal,
  ): Promise<CasVersion<T> | undefined> {
    let current = await this.read(signal)
    for (let attempt = 1; ; attempt++) {
      const next = change(current?.value)
      if (next === undefined) return current
      const write = await this.write(current, next, signal)
      if (write.outcome === 'written') return write.current
      current = write.current
      await waitBeforeRetry({ ...this.#options, baseMs: 5, maxMs: 500 }, attempt, undefined, signal)
    }
  }

  #decode({ header, body, etag }: ReadObject<CasHeader>): CasVersion<T> {
    const { decode } = this.#options
    const { kind, history, complete } = header
    const nonces: readonly unknown[] = Array.isArray(history) ? history : []
    const [nonce] = nonces
    if (kind !== 'value' || typeof nonce !== 'string' || typeof complete !== 'boolean' || !nonces.every(isText)) {
      throw this.#corrupt('its header is not that of a value')
    }
    let value: unknown
    try {
      value = (JSON.parse(decoder.decode(body)) as { readonly value?: unknown } | null)?.value
    } catch (cause) {
      throw this.#corrupt('its value is not valid JSON', cause)
    }
    const checked = decode === undefined ? (value as T) : decode(value)
    if (decode !== undefined && checked === undefined)
      throw this.#corrupt('its value is not one that this version knows')
    return { value: checked as T, etag, nonce, history, complete }
  }

  #corrupt(what: string, cause?: unknown): CorruptObject {
    const { key, store } = this.#options
    return new CorruptObject(key, store.description, what, cause)
  }
}

/** Whether the write `nonce` on top of `base` took place, going by what the object says now. */
function judge<T>(
  current: CasVersion<T> | undefined,
  base: CasVersion<T> | undefined,
  nonce: string,
): 'mine' | 'lost' | 'not-yet' | 'gone' | 'cannot-tell' {
  if (current === undefined) return base === undefined ? 'not-yet' : 'gone'
  if (current.history.includes(nonce)) return 'mine'
  if (base === undefined) return current.complete ? 'lost' : 'cannot-tell'
  const at = current.history.indexOf(base.nonce)
  if (at === 0) return 'not-yet'
  return at > 0 ? 'lost' : 'cannot-tell'
}

function contradictory(store: string, key: string): UnsupportedStore {
  return new UnsupportedStore(
    `${store} refuses a conditional write to ${key} although the condition holds: it read back the very version that the write was based on, ` +
      `${MAX_CONTRADICTIONS} times. If-Match does not work on this store; use one that keeps conditional writes.`,
    { key },
  )
}
