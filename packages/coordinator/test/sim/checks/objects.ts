/** What lies in the coordinator's objects. */
import { decodeFrame } from '@s3queue/primitives'
import type { MailboxRecord } from '../../../src/mailbox/record.ts'
import type { RegistryRecord } from '../../../src/registry/record.ts'

export function decodeMailbox(body: Uint8Array): MailboxRecord {
  return (JSON.parse(bodyOf(body)) as { readonly value: MailboxRecord }).value
}

export function decodeRegistry(body: Uint8Array): RegistryRecord {
  return JSON.parse(bodyOf(body)) as RegistryRecord
}

function bodyOf(bytes: Uint8Array): string {
  const frame = decodeFrame(bytes)
  if (typeof frame === 'string') throw new Error(`An object is written with broken bytes: ${frame}.`)
  return new TextDecoder().decode(frame.body)
}
