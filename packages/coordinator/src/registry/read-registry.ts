/** What the writer last told of all workers, for processes that are not the writer: one read, however many workers there are. */
import type { ETag, ObjectStore } from '@s3queue/storage'
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

/** Reads what the writer of one log told. Owns what was read last, so that a look at nothing new has no body, however many workers there are. */
export class RegistryReader {
  readonly #store: ObjectStore
  readonly #key: string
  #seen: { readonly etag: ETag; readonly record: RegistryRecord } | undefined

  constructor(store: ObjectStore, prefix: string) {
    this.#store = store
    this.#key = registryKey(prefix)
  }

  /** Undefined if no writer has told anything yet. Throws `FormatMismatch`, and `StoreError`s. */
  async read(): Promise<RegistryRecord | undefined> {
    const seen = this.#seen
    const answer = await this.#store.get(this.#key, { ifNoneMatch: seen?.etag })
    if (answer.outcome === 'not-modified') return seen?.record
    if (answer.outcome === 'not-found') return undefined
    const record = decodeRecord<RegistryRecord>(answer.body)
    if (!('workers' in record)) throw new FormatMismatch(this.#key, Number(record.format), FORMAT)
    this.#seen = { etag: answer.etag, record }
    return record
  }
}
