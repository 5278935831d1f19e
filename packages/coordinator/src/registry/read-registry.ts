/** What the writer last told of all workers, for processes that are not the writer: one read, however many workers there are. */
import type { ObjectStore } from '@s3queue/storage'
import { FormatMismatch } from '../errors.ts'
import { registryKey } from '../keys.ts'
import { FORMAT } from '../mailbox/record.ts'
import { decodeRecord, type RegistryRecord } from './record.ts'

/** Undefined if no writer has told anything yet. Throws `FormatMismatch`, and `StoreError`s. */
export async function readRegistry(store: ObjectStore, prefix: string): Promise<RegistryRecord | undefined> {
  const key = registryKey(prefix)
  const answer = await store.get(key)
  if (answer.outcome !== 'found') return undefined
  const record = decodeRecord<RegistryRecord>(answer.body)
  if ('workers' in record) return record
  throw new FormatMismatch(key, Number(record.format), FORMAT)
}
