/**
 * How every object is laid out in bytes: a line with a hash and a JSON header, then the body as it is.
 *
 * The hash covers the header, and the header holds the hash of the body. So one check covers the whole object, and the hash of a slot (which
 * the next commit carries as `prev`) costs no second pass over the body. The header also names the key, so a copy of one object under the key of
 * another is detected. The hash is SHA-256, cut to 128 bits. It detects damage, not an attacker: an attacker with access to the bucket can hash too.
 */
import { hash } from 'node:crypto'

const FORMAT = 1
const NEWLINE = 10
const HASH_LENGTH = 32
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** What the writer of an object says in its header. */
export interface Header {
  /** Where the object was written. */
  readonly key: string
}

/** What is in every header besides the fields of its kind. */
interface Envelope extends Header {
  readonly format: number
  /** Bytes of the body. */
  readonly length: number
  /** Hash of the body. */
  readonly sum: string
}

/** A header of JSON and the bytes behind it, checked. */
export interface Frame<H> {
  readonly header: H
  /** Hash of the header, and through it of everything. */
  readonly hash: string
  readonly body: Uint8Array
}

function digest(data: Uint8Array): string {
  return hash('sha256', data, 'hex').slice(0, HASH_LENGTH)
}

/** The bytes of a header and a body, and their hash. */
export function encodeFrame<H extends Header>(
  header: H,
  body: Uint8Array,
): { readonly bytes: Uint8Array; readonly hash: string } {
  const json = encoder.encode(JSON.stringify({ format: FORMAT, ...header, length: body.length, sum: digest(body) }))
  const sum = digest(json)
  const bytes = new Uint8Array(HASH_LENGTH + json.length + 2 + body.length)
  encoder.encodeInto(`${sum} `, bytes)
  bytes.set(json, HASH_LENGTH + 1)
  bytes[HASH_LENGTH + 1 + json.length] = NEWLINE
  bytes.set(body, HASH_LENGTH + json.length + 2)
  return { bytes, hash: sum }
}

/** Reads a frame back, or says in words what is wrong with its bytes. `key`: where it was read. */
export function decodeFrame<H extends object>(bytes: Uint8Array, key?: string): Frame<H & Header> | string {
  const end = bytes.indexOf(NEWLINE)
  if (end < 0) return `its ${bytes.length} bytes hold no header line`
  const json = bytes.subarray(HASH_LENGTH + 1, end)
  const sum = digest(json)
  let header: H & Envelope
  try {
    if (decoder.decode(bytes.subarray(0, HASH_LENGTH)) !== sum) return 'its header does not match its hash'
    const parsed: unknown = JSON.parse(decoder.decode(json))
    if (typeof parsed !== 'object' || parsed === null) return 'its header cannot be read'
    header = parsed as H & Envelope
  } catch {
    return 'its header cannot be read'
  }
  if (header.format !== FORMAT) return `its format is ${String(header.format)}, this version reads format ${FORMAT}`
  const body = bytes.subarray(end + 1)
  if (body.length > header.length) return `its body is longer than it was: ${body.length} bytes, not ${header.length}`
  if (body.length < header.length)
    return `it is truncated: ${body.length} of the ${header.length} bytes of its body are there`
  if (digest(body) !== header.sum) return 'its body does not match its hash'
  if (key !== undefined && header.key !== key) return `it is a copy of the object ${String(header.key)}`
  return { header, hash: sum, body }
}
