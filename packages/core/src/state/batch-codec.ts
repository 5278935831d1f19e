/**
 * The bytes of what travels with payloads: a line of JSON, then the payloads one after the other.
 *
 * The payloads stay as they are: whoever folds a commit reads the line and leaves them alone, and one payload is
 * cut out without touching the others. Used for commits (entries are events) and for inbox objects (entries are commands).
 */
import type { Command } from './commands.ts'
import type { QueueEvent } from './events.ts'

const NEWLINE = 10
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** JSON text, or bytes as they were given. */
export type Payload = string | Uint8Array

interface Line<E> {
  readonly entries: readonly E[]
  /** Bytes of each payload; below zero, less one, for those that are bytes. */
  readonly sizes: readonly number[]
}

/** A batch as read; payloads are cut out on demand. */
export interface Batch<E> {
  readonly entries: readonly E[]
  readonly payloads: PayloadTable
}

/** Payloads by their place in a batch. */
export class PayloadTable {
  readonly #blob: Uint8Array
  readonly #sizes: readonly number[]
  readonly #ends: readonly number[]

  constructor(blob: Uint8Array, sizes: readonly number[]) {
    this.#blob = blob
    this.#sizes = sizes
    let end = 0
    this.#ends = sizes.map((size) => {
      end += size < 0 ? -1 - size : size
      return end
    })
  }

  get length(): number {
    return this.#ends.length
  }

  /** Bytes of all payloads. */
  get bytes(): number {
    return this.#blob.length
  }

  at(index: number): Payload {
    const end = this.#ends[index]
    if (end === undefined) throw new RangeError(`There is no payload ${index}: the batch has ${this.#ends.length}.`)
    const bytes = this.#blob.subarray(this.#ends[index - 1] ?? 0, end)
    return (this.#sizes[index] ?? 0) < 0 ? bytes.slice() : decoder.decode(bytes)
  }

  /** All payloads in order. */
  all(): Payload[] {
    return this.#ends.map((_, index) => this.at(index))
  }
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
  const line = `${JSON.stringify({ entries, sizes } satisfies Line<E>)}\n`
  if (isText) return encoder.encode(line + payloads.join(''))
  return Buffer.concat([
    Buffer.from(line),
    ...payloads.map((payload) => (typeof payload === 'string' ? Buffer.from(payload) : payload)),
  ])
}

/** Reads a batch back. Throws if the bytes are not one: their integrity is checked by the layer below, so that is a defect. */
export function decodeBatch<E extends QueueEvent | Command>(bytes: Uint8Array): Batch<E> {
  const end = bytes.indexOf(NEWLINE)
  const line = JSON.parse(decoder.decode(bytes.subarray(0, Math.max(end, 0)))) as Line<E>
  return { entries: line.entries, payloads: new PayloadTable(bytes.subarray(end + 1), line.sizes) }
}
