/** The coordinator's objects, as they lie in the store of a world. */
import { mailboxKey, registryKey, workerKey } from '../../../src/keys.ts'
import type { MailboxRecord } from '../../../src/mailbox/record.ts'
import type { RegistryRecord } from '../../../src/registry/record.ts'

const PREFIX = 's3queue/jobs/0/'

export type Place =
  | { readonly kind: 'mailbox' | 'sign'; readonly worker: string }
  | { readonly kind: 'registry' }
  | { readonly kind: 'of the core' }

export function placeOf(key: string): Place {
  if (key === registryKey(PREFIX)) return { kind: 'registry' }
  const mailboxes = mailboxKey(PREFIX, '')
  if (key.startsWith(mailboxes)) return { kind: 'mailbox', worker: key.slice(mailboxes.length) }
  const signs = workerKey(PREFIX, '')
  return key.startsWith(signs) ? { kind: 'sign', worker: key.slice(signs.length) } : { kind: 'of the core' }
}

export function decodeMailbox(body: Uint8Array): MailboxRecord {
  return (JSON.parse(new TextDecoder().decode(body)) as { readonly value: MailboxRecord }).value
}

export function decodeRegistry(body: Uint8Array): RegistryRecord {
  return JSON.parse(new TextDecoder().decode(body)) as RegistryRecord
}
