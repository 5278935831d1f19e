/** What is done to a queue as a whole: counting, emptying, putting dead letters back. */
import type { Adopted, EntryFilter, EntryStatus, RecordQueueStats, S3dbRecord } from '@s3queue/s3db'
import { adoptQueue, QueueError, QueueView } from '@s3queue/s3db'
import { assertOptionsObject } from '@s3queue/storage'
import type { QueueRuntime } from './queue-runtime.ts'
import type { Truncated, TruncateOptions } from './resource-methods.ts'

const STATUSES: readonly EntryStatus[] = ['pending', 'processing', 'completed', 'failed', 'dead']

export class Housekeeping {
  readonly #runtime: QueueRuntime

  constructor(runtime: QueueRuntime) {
    this.#runtime = runtime
  }

  async count(status: string): Promise<number> {
    const stats = await this.#runtime.stats()
    if (status === 'all') return stats.total
    const known = STATUSES.find((one) => one === status)
    if (known !== undefined) return stats[known]
    throw new QueueError(`There is no status '${status}'.`, {
      ...{ statusCode: 400, operation: 'countQueue', metadata: { status } },
      suggestion: `Use one of ${STATUSES.join(', ')}, or all.`,
    })
  }

  countBy(filter: EntryFilter): Promise<number> {
    return this.#runtime.view.count(filter)
  }

  async statsBy(filter: EntryFilter): Promise<RecordQueueStats> {
    const counts = { pending: 0, processing: 0, completed: 0, failed: 0, dead: 0 }
    const entries = await this.#runtime.view.query(filter)
    for (const { status } of entries) counts[status]++
    return { total: entries.length, ...counts }
  }

  async truncate(options: TruncateOptions = {}): Promise<Truncated> {
    assertOptionsObject('truncateQueue', options)
    const { includeDeadLetter = false } = options
    const { removedTickets: _, ...truncated } = await this.removeAll(includeDeadLetter)
    return truncated
  }

  /** Also says how many messages were in the hands of workers. */
  async removeAll(includeDeadLetter: boolean): Promise<Truncated & { readonly removedTickets: number }> {
    const { view, session, deadLetters } = this.#runtime
    const purged = await session.queue.purge()
    const entries = await view.list()
    const { deleted } = await view.deleteMany(entries.map(({ id }) => id))
    const deadLetterDeleted = includeDeadLetter ? ((await deadLetters?.removeAll()) ?? 0) : 0
    const removedTickets = entries.filter(({ status }) => status === 'processing').length
    return { queueDeleted: purged + deleted, deadLetterDeleted, removedTickets }
  }

  async adopt(name: string | undefined): Promise<Adopted> {
    const { database, settings, enqueuer } = this.#runtime
    const queueResource = name ?? `plg_s3queue_${settings.resource}_queue`
    const old = database.resources[queueResource]
    if (old === undefined || old instanceof QueueView) {
      throw new QueueError(`Resource '${queueResource}' not found`, {
        ...{ statusCode: 404, operation: 'adoptQueue', metadata: { queueResource } },
        suggestion: 'Give the name of the queue resource of the plugin that comes with s3db.js.',
      })
    }
    return adoptQueue(old, enqueuer)
  }

  /**
   * Rows first, then dead letters that have no row yet, for example because the resource refuses it. A crash in between leaves a row whose message waits
   * again: redriving it once more changes nothing.
   */
  async redrive(which?: string | readonly string[]): Promise<number> {
    const { deadLetters, session } = this.#runtime
    await deadLetters?.move()
    if (deadLetters === undefined) return session.queue.redrive(which)
    const wanted = which === undefined ? undefined : new Set(typeof which === 'string' ? [which] : which)
    // Listed before the rows: a message that is redriven from its row and dies again meanwhile is not redriven twice.
    const withoutRow = new Set(await this.#deadInQueue(wanted))
    let redriven = 0
    for await (const row of deadLetters.rows()) {
      if (wanted !== undefined && !wanted.has(row.id) && !wanted.has(String(row.originalId))) continue
      await this.#again(row)
      await deadLetters.resource.delete(row.id)
      withoutRow.delete(String(row.originalId))
      redriven++
    }
    return redriven + (await session.queue.redrive([...withoutRow]))
  }

  async #deadInQueue(wanted: ReadonlySet<string> | undefined): Promise<string[]> {
    const { queue } = this.#runtime.session
    if (wanted !== undefined) {
      const known = await Promise.all([...wanted].map((id) => queue.get(id)))
      return known.flatMap((message) => (message?.status === 'dead' ? [message.id] : []))
    }
    const ids: string[] = []
    for (let after: string | undefined, more = true; more; more = after !== undefined) {
      const { messages, next } = await queue.list({ status: 'dead', limit: 1000, after })
      ids.push(...messages.map(({ id }) => id))
      after = next
    }
    return ids
  }

  /** The record as it is now, if it is there: it may have been mended since. The row's copy of it is for one that is gone. */
  async #again({ id, originalId, data }: S3dbRecord): Promise<void> {
    const { enqueuer } = this.#runtime
    const recordId = String(originalId)
    if ((await enqueuer.enqueueKnown(recordId)) !== undefined) return
    if (typeof data !== 'object' || data === null || Object.keys(data).length === 0) {
      throw new QueueError(`The record '${recordId}' of dead letter '${id}' is gone, and the row has no copy of it.`, {
        ...{ statusCode: 404, operation: 'redrive', metadata: { id, originalId: recordId } },
        suggestion: 'Insert the record again, or delete the row.',
      })
    }
    await enqueuer.enqueue({ ...data, id: recordId })
  }
}
