/** What a `CasObject` wrote. */
import { decodeFrame } from '@s3queue/primitives'
import { Violation } from './violation.ts'

export function valueIn(bytes: Uint8Array): unknown {
  const frame = decodeFrame(bytes)
  if (typeof frame === 'string') throw new Violation(`a value is written with broken bytes: ${frame}`)
  return (JSON.parse(new TextDecoder().decode(frame.body)) as { readonly value: unknown }).value
}
