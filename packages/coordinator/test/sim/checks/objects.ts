/** What lies in the coordinator's objects. */
import type { MailboxRecord } from '../../../src/mailbox/record.ts'
import type { RegistryRecord } from '../../../src/registry/record.ts'

export function decodeMailbox(body: Uint8Array): MailboxRecord {
  return (JSON.parse(new TextDecoder().decode(body)) as { readonly value: MailboxRecord }).value
}

export function decodeRegistry(body: Uint8Array): RegistryRecord {
  return JSON.parse(new TextDecoder().decode(body)) as RegistryRecord
}
