/** What the writer last told of all workers, for processes that are not the writer: one read, however many workers there are. */
import type { ObjectStore } from '@s3queue/storage'
import { FormatMismatch } from '../errors.ts'
import { registryKey } from '../keys.ts'
import { FORMAT } from '../mailbox/record.ts'
import { decodeRecord, type RegistryRecord, type WorkerRecord } from './record.ts'

/** What the writers of several shards told, as one: a worker is in it once, with all that it can hold and has done. */
export function mergeRegistries(told: readonly (RegistryRecord | undefined)[]): RegistryRecord | undefined {
  const first = told.find((registry) => registry !== undefined)
  if (first === undefined || told.length === 1) return first
  const writers = told.map((registry) => registry?.writer)
  const workers = new Map<string, WorkerRecord>()
  for (const worker of told.flatMap((registry) => registry?.workers ?? [])) {
    const known = workers.get(worker.id)
    workers.set(worker.id, known === undefined ? worker : both(known, worker))
  }
  if (first.writer !== undefined) workers.delete(first.writer)
  return { ...first, writers, workers: [...workers.values()] }
}

function both(one: WorkerRecord, other: WorkerRecord): WorkerRecord {
  return {
    ...one,
    capacity: Math.max(one.capacity, other.capacity),
    silentForMs: Math.max(one.silentForMs, other.silentForMs),
    since: Math.min(one.since, other.since),
    handled: one.handled + other.handled,
    lastError: one.lastError ?? other.lastError,
  }
}

/** Undefined if no writer has told anything yet. Throws `FormatMismatch`, and `StoreError`s. */
export async function readRegistry(store: ObjectStore, prefix: string): Promise<RegistryRecord | undefined> {
  const key = registryKey(prefix)
  const answer = await store.get(key)
  if (answer.outcome !== 'found') return undefined
  const record = decodeRecord<RegistryRecord>(answer.body)
  if ('workers' in record) return record
  throw new FormatMismatch(key, Number(record.format), FORMAT)
}
