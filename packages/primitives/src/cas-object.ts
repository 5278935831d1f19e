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
import { CasUnresolved, CorruptObject } from './errors.ts'
import { type Patience, persistently, waitBeforeRetry } from './patience.ts'

const HISTORY = 32
const FORMAT = 1
const MAX_CONTRADICTIONS = 8
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Where a `CasObject` lies, and what it needs. */
export interface CasObjectOptions extends Patience {
  readonly store: ObjectStore
  /** Where the object lies. */
  readonly key: string
  readonly ids: Ids
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

interface Envelope {
  readonly format: number
  readonly history: readonly string[]
  readonly complete: boolean
  readonly value: unknown
}

/** A mutable JSON value of type `T` under one key. It holds no state of its own: every method asks the store. */
export class CasObject<T> {
  readonly #options: CasObjectOptions

  /** Makes no request. Throws `InvalidOption`, and `InvalidRequest` for a key that is none. */
  constructor(options: CasObjectOptions) {
    checkOptions('CasObject', options, ['key'])
    assertKey(options.key)
    this.#options = options
  }

  get key(): string {
    return this.#options.key
  }

  /** The current version, or undefined if there is no object. Waits through outages until `signal` ends it. */
  async read(signal?: AbortSignal): Promise<CasVersion<T> | undefined> {
    const { store, key } = this.#options
    const answer = await persistently(this.#options, () => store.get(key, { signal }), signal)
    return answer.outcome === 'found' ? this.#decode(answer.body, answer.etag) : undefined
  }

  /** The current version, or `unchanged` if it is still `known`. Costs a request without a body then. */
  async readIfChanged(known: CasVersion<T>, signal?: AbortSignal): Promise<CasVersion<T> | 'unchanged' | undefined> {
    const { store, key } = this.#options
    const answer = await persistently(this.#options, () => store.get(key, { ifNoneMatch: known.etag, signal }), signal)
    if (answer.outcome === 'not-modified') return 'unchanged'
    return answer.outcome === 'found' ? this.#decode(answer.body, answer.etag) : undefined
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
    const body = encoder.encode(JSON.stringify({ format: FORMAT, history, complete, value } satisfies Envelope))
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

  #decode(body: Uint8Array, etag: ETag): CasVersion<T> {
    const { key, store } = this.#options
    let envelope: Envelope
    try {
      envelope = JSON.parse(decoder.decode(body)) as Envelope
    } catch (cause) {
      throw new CorruptObject(key, store.description, 'it is not valid JSON', cause)
    }
    const history: unknown = envelope?.history
    const nonce: unknown = Array.isArray(history) ? history[0] : undefined
    if (envelope?.format !== FORMAT || typeof nonce !== 'string' || typeof envelope.complete !== 'boolean') {
      throw new CorruptObject(key, store.description, `it is not an object of format ${FORMAT}`)
    }
    return { value: envelope.value as T, etag, nonce, history: envelope.history, complete: envelope.complete }
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
