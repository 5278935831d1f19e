/**
 * The bytes that objects hold, each known by a small number.
 *
 * The number serves as the ETag too, so equal bytes have equal ETags, as on S3: code that forgets a nonce is found out.
 */
import { decodeFrame } from '../../../src/log/frame.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('latin1')

export class Contents {
  readonly #ids = new Map<string, number>()
  readonly #bytes: Uint8Array[] = [new Uint8Array(0)]

  /** The number of these bytes, from 1 on. */
  idOf(bytes: Uint8Array): number {
    const text = decoder.decode(bytes)
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const id = this.#bytes.push(Uint8Array.from(bytes)) - 1
    this.#ids.set(text, id)
    return id
  }

  bytesOf(id: number): Uint8Array {
    const bytes = this.#bytes[id]
    if (bytes === undefined) throw new RangeError(`There is no content ${id}.`)
    return bytes
  }

  textOf(id: number): string {
    return new TextDecoder().decode(this.bytesOf(id))
  }

  /** What a `CasObject` wrote. */
  valueOf(id: number): unknown {
    const frame = decodeFrame(this.bytesOf(id))
    if (typeof frame === 'string') throw new Error(`The content ${id} is no object: ${frame}.`)
    return (JSON.parse(new TextDecoder().decode(frame.body)) as { readonly value: unknown }).value
  }
}

export function etagOf(content: number): string {
  return `"${content}"`
}

export function contentOfEtag(etag: string): number {
  return Number(etag.slice(1, -1))
}

export function bytesOfText(text: string): Uint8Array {
  return encoder.encode(text)
}
