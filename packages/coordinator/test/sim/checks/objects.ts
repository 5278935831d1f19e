/** What lies in the coordinator's objects. */
import type { MailboxRecord } from '../../../src/mailbox/record.ts'
import type { RegistryRecord } from '../../../src/registry/record.ts'
import type { ShardCount } from '../../../src/shards/record.ts'

export function decodeMailbox(body: Uint8Array): MailboxRecord {
  return decodeValue(body) as MailboxRecord
}

export function decodeRegistry(body: Uint8Array): RegistryRecord {
  return JSON.parse(new TextDecoder().decode(body)) as RegistryRecord
}

export function decodeShardCount(body: Uint8Array): ShardCount {
  return decodeValue(body) as ShardCount
}

function decodeValue(body: Uint8Array): unknown {
  return (JSON.parse(new TextDecoder().decode(body)) as { readonly value: unknown }).value
}
