/**
 * Names of s3db.js as parts of keys. s3db.js takes any character in the prefix of a database and in the name of a resource; keys of a queue use only
 * those that every store keeps as they are.
 */
import { isKeySegment } from '@s3queue/storage'

/** Marks an encoded name, so that no other name has the same key. */
const MARK = '@='

/** `text` itself if it can be part of a key, and otherwise `@=` and the text, with `=` and two hexadecimal digits for each byte that cannot. Different for different texts. */
export function encodeKeySegment(text: string): string {
  if (isKeySegment(text) && !text.startsWith(MARK)) return text
  const bytes = new TextEncoder().encode(text)
  return MARK + Array.from(bytes, encodeByte).join('')
}

function encodeByte(byte: number): string {
  const character = String.fromCharCode(byte)
  return /[A-Za-z0-9._-]/.test(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

/** Each segment by itself. */
export function encodePrefix(prefix: string): string {
  return prefix === '' ? '' : prefix.split('/').map(encodeKeySegment).join('/')
}
