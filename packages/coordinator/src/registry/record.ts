/** What a worker's sign of life says, and what the writer tells all others of it. */
import {
  CorruptObject,
  encodeFrame,
  type Fields,
  isCount,
  isFields,
  isListOf,
  isOptional,
  isText,
  isWithin,
} from '@s3queue/primitives'
import type { ProcessIdentity } from '@s3queue/storage'
import { FormatMismatch } from '../errors.ts'
import { FORMAT } from '../mailbox/record.ts'

/** One worker, as it says itself. */
export interface WorkerRecord {
  readonly format: number
  readonly id: string
  readonly queue: string
  /** Handlers it runs at once, at most. */
  readonly concurrency: number
  /** The mailbox it reads; undefined if it has none yet: then it can be told nothing. */
  readonly mailbox?: string | undefined
  /** Claims it would hold at once, in all. */
  readonly capacity: number
  /** For how long, in ms, it may say nothing from here on and is still alive. */
  readonly silentForMs: number
  /** When it began, ms since 1970 by its own clock. */
  readonly since: number
  /** When it said so, ms since 1970 by its own clock; undefined from processes that did not tell yet. */
  readonly saidAt?: number | undefined
  /** Messages whose handlers have ended. */
  readonly handled: number
  /** The last trouble it had, in words. */
  readonly lastError?: string | undefined
  /** The process it runs in; undefined where the machine does not identify its processes. */
  readonly process?: ProcessIdentity | undefined
  /** Grows with each sign, so that no two are equal. */
  readonly beat: number
}

/** All workers, as the writer knows them. */
export interface RegistryRecord {
  readonly format: number
  /** Of the writer that published it; 0 if no writer did. */
  readonly epoch: number
  /** The worker in the writer's process, if it has one; it is not among the others. Of the first shard, if there are several. */
  readonly writer: string | undefined
  /** That of each shard, if there are several. */
  readonly writers?: readonly (string | undefined)[] | undefined
  readonly workers: readonly WorkerRecord[]
  /** Grows with what one writer writes, so that no two are equal; undefined in what was not written. */
  readonly revision?: number | undefined
}

/** A heartbeat is smaller; larger objects are not read. */
export const MAX_HEARTBEAT_BYTES: number = 64 << 10
/** Enough for the heartbeats of 20,000 workers; larger objects are not read. */
export const MAX_REGISTRY_BYTES: number = 16 << 20
/** No worker may be silent for longer: idle ones with the longest `heartbeatIntervalMs` and `heartbeatTtlMs` are for four hours. */
const LONGEST_SILENCE_MS = 6 * 3_600_000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The bytes of the object `key`. */
export function encodeRecord(key: string, record: WorkerRecord | RegistryRecord): Uint8Array {
  return encodeFrame({ key, kind: 'record' }, encoder.encode(JSON.stringify(record))).bytes
}

/** The heartbeat of worker `id` in the body of a checked object. Throws `FormatMismatch`, and `CorruptObject` for what is not a heartbeat. */
export function decodeHeartbeat(key: string, id: string, body: Uint8Array, store: string): WorkerRecord {
  const value = parse(key, body)
  if (isFields(value) && value.id === id && isHeartbeat(value)) return value
  throw new CorruptObject(key, store, `it is not the heartbeat of worker ${id}`)
}

/** The registry in the body of a checked object. Throws `FormatMismatch`, and `CorruptObject` for what is not a registry. */
export function decodeRegistry(key: string, body: Uint8Array, store: string): RegistryRecord {
  const value = parse(key, body)
  if (isFields(value) && isRegistry(value)) return value
  throw new CorruptObject(key, store, 'it is not a registry of workers')
}

function parse(key: string, body: Uint8Array): unknown {
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(body))
  } catch {
    return undefined
  }
  if (isFields(value) && typeof value.format === 'number' && value.format !== FORMAT)
    throw new FormatMismatch(key, value.format, FORMAT)
  return value
}

function isRegistry(fields: Fields): fields is Fields & RegistryRecord {
  const { format, epoch, writer, workers, revision } = fields
  return (
    format === FORMAT &&
    isCount(epoch) &&
    isOptional(writer, isText) &&
    isOptional(revision, isCount) &&
    isListOf(workers, isHeartbeat)
  )
}

function isHeartbeat(fields: Fields): fields is Fields & WorkerRecord {
  const { format, id, queue, mailbox, silentForMs, lastError, saidAt } = fields
  return (
    format === FORMAT &&
    isText(id) &&
    isText(queue) &&
    isOptional(mailbox, isText) &&
    isOptional(lastError, isText) &&
    isOptional(saidAt, (at) => isWithin(at)) &&
    isWithin(silentForMs, LONGEST_SILENCE_MS) &&
    [fields.concurrency, fields.capacity, fields.since, fields.handled, fields.beat].every((value) => isWithin(value))
  )
}

/** What a worker was called before it got its suffix. */
export function nameOf(id: string): string | undefined {
  const dot = id.lastIndexOf('.')
  return dot < 0 ? undefined : id.slice(0, dot)
}
