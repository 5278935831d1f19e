/**
 * Payloads of commits, in memory as far as there is room: those just enqueued, and those read back when their turn came.
 *
 * Owns a bounded number of payload tables, the most recently used. A payload that is not here is read from its commit; several
 * messages that wait for one commit share the request.
 */

import { CorruptObject } from '@s3queue/primitives'
import type { PayloadTable } from '../state/batch-codec.ts'

/** Payload texts by their place in a commit. */
export interface Payloads {
  readonly length: number
  text(index: number): string
}

interface Entry {
  readonly payloads: Payloads
  readonly size: number
}

export interface PayloadCacheOptions {
  /** Reads the payloads of a commit; undefined if the commit is not there. */
  readonly read: (slot: number) => Promise<PayloadTable | undefined>
  /** Names a slot in error messages. */
  readonly describe: (slot: number) => { readonly key: string; readonly store: string }
  /** How much is kept, in bytes or characters. Default 64 MiB. */
  readonly capacity?: number | undefined
}

export class PayloadCache {
  readonly #options: PayloadCacheOptions
  readonly #capacity: number
  /** In order of use, least recent first. */
  readonly #entries = new Map<number, Entry>()
  readonly #reading = new Map<number, Promise<Payloads>>()
  #size = 0

  constructor(options: PayloadCacheOptions) {
    this.#options = options
    this.#capacity = options.capacity ?? 64 << 20
  }

  /** Keeps the payloads of a commit. */
  put(slot: number, payloads: Payloads, size: number): void {
    this.drop(slot)
    this.#entries.set(slot, { payloads, size })
    this.#size += size
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#capacity || oldest === slot) break
      this.drop(oldest)
    }
  }

  /** The payloads of a commit, if they are in memory. */
  peek(slot: number): Payloads | undefined {
    const entry = this.#entries.get(slot)
    if (entry === undefined) return undefined
    this.#entries.delete(slot)
    this.#entries.set(slot, entry)
    return entry.payloads
  }

  /** The payloads of a commit. Throws `CorruptObject` if the commit is missing or cannot be read. */
  load(slot: number): Promise<Payloads> {
    const known = this.peek(slot)
    if (known !== undefined) return Promise.resolve(known)
    let reading = this.#reading.get(slot)
    if (reading === undefined) {
      reading = this.#read(slot).finally(() => this.#reading.delete(slot))
      this.#reading.set(slot, reading)
    }
    return reading
  }

  /** Forgets the payloads of a commit. */
  drop(slot: number): void {
    const entry = this.#entries.get(slot)
    if (entry === undefined) return
    this.#entries.delete(slot)
    this.#size -= entry.size
  }

  async #read(slot: number): Promise<Payloads> {
    const table = await this.#options.read(slot)
    if (table === undefined) {
      const { key, store } = this.#options.describe(slot)
      throw new CorruptObject(key, store, 'it is missing, although payloads of waiting messages lie in it')
    }
    this.put(slot, table, table.bytes)
    return table
  }
}
