/**
 * The bytes of what travels with payloads: a line of JSON with the entries, one with the sizes of the payloads, then the payloads one
 * after the other.
 *
 * The payloads stay as they are: whoever folds a commit reads the first line and leaves the rest alone, and one payload is
 * cut out without touching the others. Used for commits (entries are events) and for inbox objects (entries are commands).
 */
import type { Command } from './commands.ts'
import type { QueueEvent } from './events.ts'

const NEWLINE = 10
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** JSON text, or bytes as they were given. */
export type Payload = string | Uint8Array

/** A batch as read; payloads are cut out on demand. */
export interface Batch<E> {
  readonly entries: readonly E[]
  readonly payloads: PayloadTable
}

interface Layout {
  /** Bytes of each payload; below zero, less one, for those that are bytes. */
  readonly sizes: readonly number[]
  /** Where each one ends. */
  readonly ends: readonly number[]
}

/** Payloads by their place in a batch. */
export class PayloadTable {
  readonly #sizesLine: Uint8Array
  readonly #blob: Uint8Array
  #layout: Layout | undefined

  constructor(sizesLine: Uint8Array, blob: Uint8Array) {
    this.#sizesLine = sizesLine
    this.#blob = blob
  }

  get length(): number {
    return this.#read().ends.length
  }

  /** Bytes of all payloads. */
  get bytes(): number {
    return this.#blob.length
  }

  at(index: number): Payload {
    const { sizes, ends } = this.#read()
    const end = ends[index]
    if (end === undefined) throw new RangeError(`There is no payload ${index}: the batch has ${ends.length}.`)
    const bytes = this.#blob.subarray(ends[index - 1] ?? 0, end)
    return (sizes[index] ?? 0) < 0 ? new Uint8Array(bytes) : decoder.decode(bytes)
  }

  /** All payloads in order. */
  all(): Payload[] {
    return this.#read().ends.map((_, index) => this.at(index))
  }

  /** Nobody who merely folds a commit needs it. */
  #read(): Layout {
    if (this.#layout !== undefined) return this.#layout
    const sizes: unknown = JSON.parse(decoder.decode(this.#sizesLine))
    if (!areSizes(sizes)) throw new RangeError('The sizes of the payloads are not whole numbers.')
    let end = 0
    const ends = sizes.map((size) => {
      end += size < 0 ? -1 - size : size
      return end
    })
    if (end !== this.#blob.length)
      throw new RangeError(`The payloads are to have ${end} bytes together, but there are ${this.#blob.length}.`)
    this.#layout = { sizes, ends }
    return this.#layout
  }
}

function areSizes(sizes: unknown): sizes is number[] {
  return Array.isArray(sizes) && sizes.every(Number.isSafeInteger)
}

/** The bytes of a batch. */
export function encodeBatch<E extends QueueEvent | Command>(
  entries: readonly E[],
  payloads: readonly Payload[],
): Uint8Array {
  const isText = payloads.every((payload) => typeof payload === 'string')
  const sizes = payloads.map((payload) =>
    typeof payload === 'string' ? Buffer.byteLength(payload) : -1 - payload.length,
  )
  const lines = `${JSON.stringify(entries)}\n${JSON.stringify(sizes)}\n`
  if (isText) return encoder.encode(lines + payloads.join(''))
  return Buffer.concat([
    Buffer.from(lines),
    ...payloads.map((payload) => (typeof payload === 'string' ? Buffer.from(payload) : payload)),
  ])
}

/** Reads a batch back. Throws if the bytes are not one; what is wrong with the sizes of its payloads is seen when they are read. */
export function decodeBatch<E extends QueueEvent | Command>(bytes: Uint8Array): Batch<E> {
  const end = bytes.indexOf(NEWLINE)
  const sizesEnd = bytes.indexOf(NEWLINE, end + 1)
  if (end < 0 || sizesEnd < 0)
    throw new RangeError('The lines with the entries and the sizes of the payloads are missing.')
  const entries = JSON.parse(decoder.decode(bytes.subarray(0, end))) as E[]
  return { entries, payloads: new PayloadTable(bytes.subarray(end + 1, sizesEnd), bytes.subarray(sizesEnd + 1)) }
}
