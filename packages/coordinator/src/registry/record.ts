/** What a worker's sign of life says, and what the writer tells all others of it. */
import type { ProcessIdentity } from '@s3queue/storage'
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

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function encodeRecord(record: WorkerRecord | RegistryRecord): Uint8Array {
  return encoder.encode(JSON.stringify(record))
}

/** Undefined if the bytes are none, or are of another format: then `format` tells which. */
export function decodeRecord<T extends { readonly format: number }>(
  body: Uint8Array,
): T | { readonly format: unknown } {
  try {
    const record = JSON.parse(decoder.decode(body)) as T
    return record?.format === FORMAT ? record : { format: (record as { format?: unknown } | null)?.format }
  } catch {
    return { format: 'unreadable' }
  }
}

/** What a worker was called before it got its suffix. */
export function nameOf(id: string): string | undefined {
  const dot = id.lastIndexOf('.')
  return dot < 0 ? undefined : id.slice(0, dot)
}
