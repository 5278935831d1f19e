/** What the writer last told of all workers, for processes that are not the writer: one read, however many workers there are. */
import { CorruptObject, decodeFrame } from '@s3queue/primitives'
import { type Clock, type ETag, isKeySegment, type ListEntry, type ObjectStore } from '@s3queue/storage'
import { FormatMismatch } from '../errors.ts'
import { registryKey, workersPrefix } from '../keys.ts'
import { FORMAT } from '../mailbox/record.ts'
import {
  decodeHeartbeat,
  decodeRegistry,
  MAX_HEARTBEAT_BYTES,
  MAX_REGISTRY_BYTES,
  type RegistryRecord,
  type WorkerRecord,
} from './record.ts'

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
   * own publishes nothing. Undefined if there is neither. Throws `FormatMismatch`, `CorruptObject`, and `StoreError`s.
   */
  async read(): Promise<RegistryRecord | undefined> {
    const seen = this.#seen
    const answer = await this.#store.get(this.#key, { ifNoneMatch: seen?.etag, maxBytes: MAX_REGISTRY_BYTES })
    if (answer.outcome === 'not-modified') return seen?.record
    if (answer.outcome === 'not-found') return this.#readHeartbeats()
    const { description } = this.#store
    const frame = decodeFrame(answer.body, this.#key)
    if (typeof frame === 'string') throw new CorruptObject(this.#key, description, frame)
    const record = decodeRegistry(this.#key, frame.body, description)
    this.#seen = { etag: answer.etag, record }
    return record
  }
  async #readHeartbeats(): Promise<RegistryRecord | undefined> {
    const prefix = workersPrefix(this.#prefix)
    const keys: string[] = []
    for (let startAfter: string | undefined, more = true; more; ) {
      const { entries, truncated } = await this.#store.list({ prefix, startAfter })
      const isHeartbeat = ({ key, size }: ListEntry): boolean =>
        isKeySegment(key.slice(prefix.length)) && size <= MAX_HEARTBEAT_BYTES
      keys.push(...entries.filter(isHeartbeat).map(({ key }) => key))
      startAfter = entries.at(-1)?.key
      more = truncated && entries.length > 0
    }
    const workers: WorkerRecord[] = []
    for (let from = 0; from < keys.length; from += READS_AT_ONCE) {
      const read = await Promise.all(keys.slice(from, from + READS_AT_ONCE).map((key) => this.#readHeartbeat(key)))
      workers.push(...read.filter((worker) => worker !== undefined))
    }
    return workers.length === 0 ? undefined : { format: FORMAT, epoch: 0, writer: undefined, workers }
  }

  /** Undefined for a worker that left, that has been silent for longer than it announced, that speaks another format, or whose heartbeat is damaged. */
  async #readHeartbeat(key: string): Promise<WorkerRecord | undefined> {
    const answer = await this.#store.get(key, { maxBytes: MAX_HEARTBEAT_BYTES })
    if (answer.outcome !== 'found') return undefined
    const frame = decodeFrame(answer.body, key)
    if (typeof frame === 'string') return undefined
    const record = this.#decode(key, frame.body)
    if (record === undefined) return undefined
    const now = this.#clock.now()
    const isAlive = now - (record.saidAt ?? now) <= record.silentForMs + MAX_CLOCK_DIFFERENCE_MS
    return isAlive ? record : undefined
  }

  /** The writer reports what it cannot read, and the worker replaces it with its next heartbeat. */
  #decode(key: string, body: Uint8Array): WorkerRecord | undefined {
    const id = key.slice(workersPrefix(this.#prefix).length)
    try {
      return decodeHeartbeat(key, id, body, this.#store.description)
    } catch (error) {
      if (error instanceof CorruptObject || error instanceof FormatMismatch) return undefined
      throw error
    }
  }
}
