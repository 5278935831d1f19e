/**
 * Where payloads come from: memory as far as there is room, else the commit they lie in, or an object of their own if they are large.
 *
 * Owns a bounded number of commits' payloads, the most recently used. Several messages that wait for one commit share the request.
 */
import { CorruptObject, readObject } from '@s3queue/primitives'
import { decodeBatch, type Payload } from '../state/batch-codec.ts'
import type { QueueEvent } from '../state/events.ts'
import { type Batch, payloadIndex } from '../state/model.ts'
import type { EngineContext } from './context.ts'
import { payloadIn } from './payload-objects.ts'

/** Payloads of one commit by their place. */
export interface Payloads {
  at(index: number): Payload
}

interface Entry {
  readonly payloads: Payloads
  readonly size: number
}

interface Message {
  readonly batch: Batch
  readonly seq: number
}

/** How much is kept, in bytes or characters. */
const CAPACITY = 64 << 20

export class PayloadSource {
  readonly #context: EngineContext
  readonly #signal: AbortSignal
  /** In order of use, least recent first. */
  readonly #entries = new Map<number, Entry>()
  readonly #reading = new Map<number, Promise<Payloads>>()
  #size = 0
  /** The commit used last. */
  #latest = 0

  constructor(context: EngineContext, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
  }

  /** Keeps the payloads of a commit. */
  put(slot: number, payloads: Payloads, size: number): void {
    this.#drop(slot)
    this.#entries.set(slot, { payloads, size })
    this.#latest = slot
    this.#size += size
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= CAPACITY || oldest === slot) break
      this.#drop(oldest)
    }
  }

  /** A message's payload, if it is in memory. */
  peek(message: Message): Payload | undefined {
    if (message.batch.extras?.payloadKey !== undefined) return undefined
    return this.#recent(message.batch.slot)?.at(payloadIndex(message))
  }

  /** A message's payload. Throws `CorruptObject` if it is missing or cannot be read. */
  async load(message: Message): Promise<Payload> {
    const { slot, extras } = message.batch
    if (extras?.payloadKey !== undefined) return this.#readObject(extras.payloadKey)
    const payloads = this.#recent(slot) ?? (await this.#readOnce(slot))
    return payloads.at(payloadIndex(message))
  }

  #recent(slot: number): Payloads | undefined {
    const entry = this.#entries.get(slot)
    if (entry === undefined || slot === this.#latest) return entry?.payloads
    this.#entries.delete(slot)
    this.#entries.set(slot, entry)
    this.#latest = slot
    return entry.payloads
  }

  #drop(slot: number): void {
    const entry = this.#entries.get(slot)
    if (entry === undefined) return
    this.#entries.delete(slot)
    this.#size -= entry.size
  }

  #readOnce(slot: number): Promise<Payloads> {
    let reading = this.#reading.get(slot)
    if (reading === undefined) {
      reading = this.#readCommit(slot).finally(() => this.#reading.delete(slot))
      this.#reading.set(slot, reading)
    }
    return reading
  }

  async #readCommit(slot: number): Promise<Payloads> {
    const { log, options } = this.#context
    const body = await log.readCommit(slot, this.#signal)
    if (body === undefined) {
      const key = `${options.prefix}log/${String(slot).padStart(12, '0')}`
      throw new CorruptObject(
        key,
        options.store.description,
        'it is missing, although payloads of waiting messages lie in it',
      )
    }
    const { payloads } = decodeBatch<QueueEvent>(body)
    this.put(slot, payloads, payloads.bytes)
    return payloads
  }

  async #readObject(key: string): Promise<Payload> {
    const { options, trouble } = this.#context
    const found = await readObject({ ...options, onTrouble: trouble }, key, { signal: this.#signal })
    const payload =
      found === undefined || found === 'unchanged' ? 'it is missing, although a message needs it' : payloadIn(found)
    if (typeof payload === 'string') throw new CorruptObject(key, options.store.description, payload)
    return payload.payload
  }
}
