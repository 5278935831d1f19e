/** `db.resources.<queue>`: the messages of a queue as if they were records of a resource. It reads the queue itself, so it is never behind. */
import type { MessageInfo, MessageStatus, Queue } from '@s3queue/core'
import type { Clock } from '@s3queue/storage'
import { type EntryOptions, type EntryStatus, type QueueEntry, toEntry } from './entry.ts'
import { QueueError } from './errors.ts'
import type { MessagePayload } from './message-payload.ts'

export interface QueueViewOptions extends EntryOptions {
  readonly name: string
  readonly clock: Clock
  readonly queue: () => Queue<MessagePayload>
}

export type EntryFilter = Partial<Readonly<Record<keyof QueueEntry, unknown>>>

export interface ViewPage {
  /** Default: all of them. */
  readonly limit?: number | undefined
  readonly offset?: number | undefined
}

/** What can be said of an entry with `update`. */
export interface EntryPatch {
  readonly status?: EntryStatus | undefined
  readonly visibleAt?: number | undefined
  readonly claimedBy?: null | undefined
  readonly [field: string]: unknown
}

const PAGE = 1000
const STATUSES: Readonly<Record<EntryStatus, readonly MessageStatus[]>> = {
  pending: ['waiting', 'delayed'],
  processing: ['active'],
  completed: ['completed'],
  failed: ['dead'],
  dead: ['dead'],
}
const ALL: readonly MessageStatus[] = ['waiting', 'delayed', 'active', 'completed', 'dead']

export class QueueView {
  readonly name: string
  readonly #options: QueueViewOptions

  constructor(options: QueueViewOptions) {
    this.#options = options
    this.name = options.name
  }

  /** All entries: those that wait by priority and age, then those in hand, then what has ended within the retention. */
  list({ limit, offset = 0 }: ViewPage = {}): Promise<QueueEntry[]> {
    return this.#collect(ALL, () => true, limit, offset)
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

  /** Entries whose fields equal those of `filter`. */
  query(filter: EntryFilter, { limit, offset = 0 }: ViewPage = {}): Promise<QueueEntry[]> {
    return this.#collect(statusesOf(filter), matcher(filter), limit, offset)
  }

  async count(filter: EntryFilter = {}): Promise<number> {
    return (await this.query(filter)).length
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

  async #collect(
    statuses: readonly MessageStatus[],
    matches: (entry: QueueEntry) => boolean,
    limit: number = Number.POSITIVE_INFINITY,
    offset: number,
  ): Promise<QueueEntry[]> {
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

function statusesOf({ status }: EntryFilter): readonly MessageStatus[] {
  return typeof status === 'string' && status in STATUSES ? STATUSES[status as EntryStatus] : ALL
}

function matcher(filter: EntryFilter): (entry: QueueEntry) => boolean {
  const wanted = Object.entries(filter)
  return (entry) => wanted.every(([field, value]) => entry[field as keyof QueueEntry] === value)
}
