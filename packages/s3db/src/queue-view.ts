/** `db.resources.<queue>`: the messages of a queue as if they were records of a resource. It reads the queue itself, so it is never behind. */
import type { MessageInfo, MessageStatus, Queue } from '@s3queue/core'
import type { Clock } from '@s3queue/storage'
import { type EntryOptions, type EntryStatus, type QueueEntry, toEntry } from './entry.ts'
import {
  type EntryFilter,
  type EntryPartition,
  type EntryQuery,
  resolveEntryQuery,
  type ViewPage,
} from './entry-query.ts'
import { QueueError } from './errors.ts'
import type { MessagePayload } from './message-payload.ts'

export interface QueueViewOptions extends EntryOptions {
  readonly name: string
  readonly clock: Clock
  readonly queue: () => Queue<MessagePayload>
}

/** A page of entries, as a resource of s3db.js has it. */
export interface EntryPage {
  readonly items: readonly QueueEntry[]
  /** From 1 on; null if it was asked for by a cursor. */
  readonly page: number | null
  readonly pageSize: number
  readonly hasMore: boolean
  /** For the page behind this one. Entries that come or go in between move the others. */
  readonly nextCursor: string | null
  /** Not counted. */
  readonly totalItems: null
  readonly totalPages: null
}

export interface EntryPageOptions extends EntryPartition {
  /** From 1 on. Default 1. */
  readonly page?: number | undefined
  /** Default 100. */
  readonly size?: number | undefined
  /** `nextCursor` of another page, instead of a number. */
  readonly cursor?: string | null | undefined
}

/** What can be said of an entry with `update`. */
export interface EntryPatch {
  readonly status?: EntryStatus | undefined
  readonly visibleAt?: number | undefined
  readonly claimedBy?: null | undefined
  readonly [field: string]: unknown
}

const PAGE = 1000

export class QueueView {
  readonly name: string
  readonly #options: QueueViewOptions

  constructor(options: QueueViewOptions) {
    this.#options = options
    this.name = options.name
  }

  /** All entries: those that wait by priority and age, then those in hand, then what has ended within the retention. */
  async list(options: ViewPage = {}): Promise<QueueEntry[]> {
    return this.#collect(resolveEntryQuery('list', {}, options))
  }

  async listPartition(options: ViewPage): Promise<QueueEntry[]> {
    return this.#collect(resolveEntryQuery('listPartition', {}, options))
  }

  getAll(): Promise<QueueEntry[]> {
    return this.list()
  }

  async listIds(options: ViewPage = {}): Promise<string[]> {
    const entries = await this.#collect(resolveEntryQuery('listIds', {}, options))
    return entries.map(({ id }) => id)
  }

  async page({ page, size = 100, cursor, ...options }: EntryPageOptions = {}): Promise<EntryPage> {
    if ('limit' in options || 'offset' in options) throw invalidPage('limit or offset', { ...options })
    if (!isWhole(size, 1)) throw invalidPage('size', size)
    if (page !== undefined && (cursor != null || !isWhole(page, 1))) throw invalidPage('page', page)
    const offset = cursor == null ? ((page ?? 1) - 1) * size : Number(cursor)
    if (!isWhole(offset, 0)) throw invalidPage('cursor', cursor)
    const found = await this.#collect(resolveEntryQuery('page', {}, { ...options, offset, limit: size + 1 }))
    const hasMore = found.length > size
    return {
      ...{ items: found.slice(0, size), page: cursor == null ? (page ?? 1) : null, pageSize: size },
      ...{ hasMore, nextCursor: hasMore ? String(offset + size) : null, totalItems: null, totalPages: null },
    }
  }

  /** Rejects with a `QueueError` 404 if the queue knows no such message (any more). */
  async get(id: string): Promise<QueueEntry> {
    const entry = await this.getOrNull(id)
    if (entry !== null) return entry
    throw new QueueError(`Queue "${this.name}" has no entry ${JSON.stringify(id)}.`, {
      ...{ statusCode: 404, operation: 'get', metadata: { queueId: id } },
      suggestion:
        'It never was, was deleted, or ended longer ago than the retention; dead ones are in the dead letter resource.',
    })
  }

  async getOrNull(id: string): Promise<QueueEntry | null> {
    const info = await this.#queue.get(id)
    return info === undefined ? null : toEntry(info, this.#options)
  }

  async exists(id: string): Promise<boolean> {
    return (await this.#queue.get(id)) !== undefined
  }

  /** Those that are there, in the order of `ids`. */
  async getMany(ids: readonly string[]): Promise<QueueEntry[]> {
    const found = await Promise.all(ids.map((id) => this.getOrNull(id)))
    return found.filter((entry) => entry !== null)
  }

  /** Entries whose fields equal those of `filter`. */
  async query(filter: EntryFilter = {}, options: ViewPage = {}): Promise<QueueEntry[]> {
    return this.#collect(resolveEntryQuery('query', filter, options))
  }

  async count({
    partition,
    partitionValues,
    skipCache,
    ...filter
  }: EntryFilter & EntryPartition = {}): Promise<number> {
    const query = resolveEntryQuery('count', filter, { partition, partitionValues, skipCache })
    return (await this.#collect(query)).length
  }

  /**
   * `{ status: 'pending' }`: a message in hand is taken from its worker and runs again, a dead one is redriven. What can be done no other
   * way is refused with a `QueueError` 400.
   */
  async update(id: string, patch: EntryPatch): Promise<QueueEntry> {
    const { status, visibleAt = 0, claimedBy = null, ...more } = patch
    const entry = await this.get(id)
    const [unknown] = Object.entries(more).filter(([field, value]) => entry[field as keyof QueueEntry] !== value)
    const isReset =
      status === 'pending' && claimedBy === null && unknown === undefined && visibleAt <= this.#options.clock.now()
    if (!isReset) throw this.#cannot(id, patch)
    await this.#reset(entry, patch)
    return this.get(id)
  }

  /** The same as `update`. */
  patch(id: string, patch: EntryPatch): Promise<QueueEntry> {
    return this.update(id, patch)
  }

  // --- what a resource can do and a queue cannot: refused with a `QueueError` 400 that says what to use -----------------

  async insert(): Promise<never> {
    throw this.#unsupported('insert', ENQUEUE)
  }

  async insertMany(): Promise<never> {
    throw this.#unsupported('insertMany', ENQUEUE)
  }

  async upsert(): Promise<never> {
    throw this.#unsupported('upsert', ENQUEUE)
  }

  async replace(): Promise<never> {
    throw this.#unsupported('replace', UPDATE)
  }

  /** The queue's writer decides about an entry, so there is nothing that a condition could be checked against in the same step. */
  async updateConditional(): Promise<never> {
    throw this.#unsupported('updateConditional', UPDATE)
  }

  on(): never {
    throw this.#unsupported('on', EVENTS)
  }

  once(): never {
    throw this.#unsupported('once', EVENTS)
  }

  addHook(): never {
    throw this.#unsupported('addHook', EVENTS)
  }

  #unsupported(operation: string, suggestion: string): QueueError {
    return new QueueError(`The queue resource "${this.name}" does not support ${operation}().`, {
      ...{ statusCode: 400, operation, suggestion },
    })
  }

  async #reset(entry: QueueEntry, patch: EntryPatch): Promise<void> {
    const { id, status } = entry
    if (status === 'processing') await this.#queue.release(id)
    else if (status === 'dead' || status === 'failed') await this.#queue.redrive(id)
    else if (status === 'completed') await this.#queue.enqueue({}, { id, deduplicationWindowMs: 0 })
    else if (entry.visibleAt > 0) throw this.#cannot(id, patch)
  }

  #cannot(id: string, patch: EntryPatch): QueueError {
    return new QueueError(`Entry ${JSON.stringify(id)} cannot be changed to ${JSON.stringify(patch)}.`, {
      ...{ statusCode: 400, operation: 'update', metadata: { queueId: id, patch } },
      suggestion:
        "An entry in hand, dead or completed can be set back with { status: 'pending', visibleAt: 0, claimedBy: null }. A delayed one keeps its time: delete it and enqueue its record again.",
    })
  }

  /** A message that waits is gone, one in hand has its handler told, and one that has ended is forgotten. The record stays. */
  async delete(id: string): Promise<{ deleted: boolean }> {
    const deleted = (await this.#queue.cancel(id)) || (await this.#queue.forget(id)) > 0
    return { deleted }
  }

  async deleteMany(ids: readonly string[]): Promise<{ deleted: number }> {
    const all = await Promise.all(ids.map((id) => this.delete(id)))
    return { deleted: all.filter(({ deleted }) => deleted).length }
  }

  async #collect({ statuses, matches, limit, offset }: EntryQuery): Promise<QueueEntry[]> {
    const found: QueueEntry[] = []
    for (const status of statuses) {
      for await (const info of this.#messages(status)) {
        if (found.length >= offset + limit) break
        const entry = toEntry(info, this.#options)
        if (matches(entry)) found.push(entry)
      }
    }
    return found.slice(offset)
  }

  async *#messages(status: MessageStatus): AsyncIterable<MessageInfo> {
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const page = await this.#queue.list({ status, limit: PAGE, after })
      yield* page.messages
      after = page.next
    }
  }

  get #queue(): Queue<MessagePayload> {
    return this.#options.queue()
  }
}

const ENQUEUE = 'Use enqueue() of the resource whose records are handled.'
const UPDATE =
  "Use update(id, { status: 'pending', visibleAt: 0, claimedBy: null }) to set an entry back, or delete(id)."
const EVENTS =
  "Listen to the plugin: queue.on('plg:s3-queue:message-enqueued', …), message-completed, message-dead and others."

function isWhole(value: unknown, min: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min
}

function invalidPage(option: string, value: unknown): QueueError {
  return new QueueError(`page() of a queue resource: ${option} cannot be ${JSON.stringify(value)}.`, {
    ...{ statusCode: 400, operation: 'page' },
    suggestion: 'Give a page and a size from 1 on, or the nextCursor of another page and a size.',
  })
}
