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

interface Line<E> {
  readonly entries: readonly E[]
  /** Bytes of each payload. */
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
  readonly #ends: readonly number[]

  constructor(blob: Uint8Array, sizes: readonly number[]) {
    this.#blob = blob
    let end = 0
    this.#ends = sizes.map((size) => {
      end += size
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

  /** The payload's JSON text. */
  text(index: number): string {
    const end = this.#ends[index]
    if (end === undefined) throw new RangeError(`There is no payload ${index}: the batch has ${this.#ends.length}.`)
    return decoder.decode(this.#blob.subarray(this.#ends[index - 1] ?? 0, end))
  }

  /** All payloads in order. */
  texts(): string[] {
    return this.#ends.map((_, index) => this.text(index))
  }
}

/** The bytes of a batch. `payloads` are JSON texts. */
export function encodeBatch<E extends QueueEvent | Command>(
  entries: readonly E[],
  payloads: readonly string[],
): Uint8Array {
  const sizes = payloads.map((text) => Buffer.byteLength(text))
  const line: Line<E> = { entries, sizes }
  return encoder.encode(`${JSON.stringify(line)}\n${payloads.join('')}`)
}

/** Reads a batch back. Throws if the bytes are not one: their integrity is checked by the layer below, so that is a defect. */
export function decodeBatch<E extends QueueEvent | Command>(bytes: Uint8Array): Batch<E> {
  const end = bytes.indexOf(NEWLINE)
  const line = JSON.parse(decoder.decode(bytes.subarray(0, Math.max(end, 0)))) as Line<E>
  return { entries: line.entries, payloads: new PayloadTable(bytes.subarray(end + 1), line.sizes) }
}
