/** What the writer last told of all workers, for processes that are not the writer: one read, however many workers there are. */
import type { Clock, ETag, ObjectStore } from '@s3queue/storage'
import { FormatMismatch } from '../errors.ts'
import { registryKey, workersPrefix } from '../keys.ts'
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

/** Clocks of processes may differ by this much in ms; S3 refuses requests from clocks that are further off. */
const MAX_CLOCK_DIFFERENCE_MS = 900_000
/** Heartbeats are read this many at a time. */
const READS_AT_ONCE = 32

/** Reads what the writer of one log published. Owns what was read last, so that a read without news has no body, however many workers there are. */
export class RegistryReader {
  readonly #store: ObjectStore
  readonly #prefix: string
  readonly #key: string
  readonly #clock: Pick<Clock, 'now'>
  #seen: { readonly etag: ETag; readonly record: RegistryRecord } | undefined

  constructor(store: ObjectStore, prefix: string, clock: Pick<Clock, 'now'>) {
    this.#store = store
    this.#prefix = prefix
    this.#key = registryKey(prefix)
    this.#clock = clock
  }

  /**
   * Resolves to what the writer published or, before the first publication, to the heartbeats of the workers: a writer that knows of no worker but its
   * own publishes nothing. Undefined if there is neither. Throws `FormatMismatch`, and `StoreError`s.
   */
  async read(): Promise<RegistryRecord | undefined> {
    const seen = this.#seen
    const answer = await this.#store.get(this.#key, { ifNoneMatch: seen?.etag })
    if (answer.outcome === 'not-modified') return seen?.record
    if (answer.outcome === 'not-found') return this.#readHeartbeats()
    const record = decodeRecord<RegistryRecord>(answer.body)
    if (!('workers' in record)) throw new FormatMismatch(this.#key, Number(record.format), FORMAT)
    this.#seen = { etag: answer.etag, record }
    return record
  }
  async #readHeartbeats(): Promise<RegistryRecord | undefined> {
    const prefix = workersPrefix(this.#prefix)
    const keys: string[] = []
    for (let startAfter: string | undefined, more = true; more; ) {
      const { entries, truncated } = await this.#store.list({ prefix, startAfter })
      keys.push(...entries.map(({ key }) => key))
      startAfter = keys.at(-1)
      more = truncated && entries.length > 0
    }
    const workers: WorkerRecord[] = []
    for (let from = 0; from < keys.length; from += READS_AT_ONCE) {
      const read = await Promise.all(keys.slice(from, from + READS_AT_ONCE).map((key) => this.#readHeartbeat(key)))
      workers.push(...read.filter((worker) => worker !== undefined))
    }
    return workers.length === 0 ? undefined : { format: FORMAT, epoch: 0, writer: undefined, workers }
  }

  /** Undefined for a worker that left, that has been silent for longer than it announced, or that speaks another format. */
  async #readHeartbeat(key: string): Promise<WorkerRecord | undefined> {
    const answer = await this.#store.get(key)
    if (answer.outcome !== 'found') return undefined
    const record = decodeRecord<WorkerRecord>(answer.body)
    if (!('id' in record)) return undefined
    const now = this.#clock.now()
    const isAlive = now - (record.saidAt ?? now) <= record.silentForMs + MAX_CLOCK_DIFFERENCE_MS
    return isAlive ? record : undefined
  }
}
