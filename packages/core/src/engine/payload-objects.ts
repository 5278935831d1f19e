/**
 * Large payloads, each in an object of its own (a claim check): written before the message is enqueued, deleted once the message is at its end.
 *
 * Owns nothing but the knowledge that a deletion is under way. What a crash leaves undeleted is named by the state, so the next writer deletes it.
 */
import { decodeFrame, encodeFrame, type Frame, type Header, persistently, waitBeforeRetry } from '@s3queue/primitives'
import { create, sleep } from '@s3queue/storage'
import type { Payload } from '../state/batch-codec.ts'
import type { QueueState } from '../state/model.ts'
import type { EngineContext } from './context.ts'

interface PayloadHeader extends Header {
  readonly kind: 'json' | 'bytes'
}

const DELETE_BATCH = 1000
/** Deletions wait for company: one request takes a thousand. */
const COLLECT_AFTER_MS = 1000
/** Requests at the end of a term, at most: the rest is for the next one. */
const LAST_BATCHES = 10

/** Writes a payload under a fresh key, and returns the key. */
export async function writePayloadObject(
  { options, trouble }: Pick<EngineContext, 'options' | 'trouble'>,
  payload: Payload,
  signal: AbortSignal,
): Promise<string> {
  const { store, prefix, ids } = options
  const key = `${prefix}payloads/${ids.ulid()}`
  const header: PayloadHeader = { key, kind: typeof payload === 'string' ? 'json' : 'bytes' }
  const { bytes } = encodeFrame(header, typeof payload === 'string' ? new TextEncoder().encode(payload) : payload)
  for (let attempt = 1; ; attempt++) {
    const put = await store.put(key, bytes, { condition: create, signal })
    if (put.outcome !== 'unknown') return key
    await waitBeforeRetry({ ...options, onTrouble: trouble }, attempt, put.error, signal)
  }
}

/** Reads the payload object `key`, or says in words what is wrong with its bytes. */
export function decodePayloadObject(bytes: Uint8Array, key?: string): { readonly payload: Payload } | string {
  const frame = decodeFrame<PayloadHeader>(bytes, key)
  return typeof frame === 'string' ? frame : payloadIn(frame)
}

/** The payload in a checked frame, or what is wrong with it in words. */
export function payloadIn({
  header,
  body,
}: Pick<Frame<Partial<PayloadHeader>>, 'header' | 'body'>): { readonly payload: Payload } | string {
  if (header.kind === 'json') return { payload: new TextDecoder().decode(body) }
  return header.kind === 'bytes' ? { payload: new Uint8Array(body) } : 'it is not a payload'
}

export interface PayloadCollectorOptions {
  readonly context: EngineContext
  readonly state: QueueState
  /** These are gone. */
  readonly onDeleted: (keys: readonly string[]) => void
  readonly signal: AbortSignal
}

/** Deletes the payload objects that no message needs any more. */
export class PayloadCollector {
  readonly #options: PayloadCollectorOptions
  readonly #ending = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: PayloadCollectorOptions) {
    this.#options = options
  }

  /** Called when a commit is closed: returns what to call once it is in the log, if there is anything to delete. */
  sealed(): (() => void) | undefined {
    const { garbage } = this.#options.state.payloadKeys
    if (garbage.size === 0 || this.#running !== undefined) return undefined
    const keys = [...garbage].slice(0, DELETE_BATCH)
    return () => {
      this.#running = this.#delete(keys).finally(() => {
        this.#running = undefined
      })
    }
  }

  /** At the end of a term, with all that is in the state in the log: a process that works for moments only would else never delete anything. */
  async finish(): Promise<void> {
    const { garbage } = this.#options.state.payloadKeys
    this.#ending.abort()
    const keys = [...garbage].slice(0, LAST_BATCHES * DELETE_BATCH)
    await this.#running
    for (let at = 0; at < keys.length; at += DELETE_BATCH) {
      const left = keys.slice(at, at + DELETE_BATCH).filter((key) => garbage.has(key))
      if (left.length > 0) await this.#delete(left)
    }
  }

  async #delete(keys: readonly string[]): Promise<void> {
    const { context, onDeleted, signal } = this.#options
    const { options, trouble } = context
    try {
      await this.#waitForCompany()
      await persistently({ ...options, onTrouble: trouble }, () => options.store.delete(keys, { signal }), signal)
      onDeleted(keys)
    } catch (error) {
      if (!signal.aborted) trouble(error)
    }
  }

  async #waitForCompany(): Promise<void> {
    const { context, signal } = this.#options
    const either = AbortSignal.any([signal, this.#ending.signal])
    await sleep(context.options.clock, COLLECT_AFTER_MS, either).catch(() => signal.throwIfAborted())
  }
}
