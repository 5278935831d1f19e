/**
 * The dead letter resource: a resource of the database that gets one row for each message that dies.
 *
 * A death is in the queue's log first. Then its row is inserted, under an id that follows from the message and the moment of its death, and then
 * the queue forgets the message. So a crash in between repeats the insert, which finds its own row, and nothing is filled twice. Only
 * the process that writes the queue does this; the next one to write finishes what it left.
 */
import type { MessageInfo, Queue } from '@s3queue/core'
import type { Clock } from '@s3queue/storage'
import type { S3dbDatabase, S3dbRecord, S3dbResource } from './database.ts'
import { lastError } from './entry.ts'
import { QueueError } from './errors.ts'
import { classifyLibraryError } from './library-error.ts'
import type { MessagePayload } from './message-payload.ts'
import { allIds, readAll } from './read-all.ts'
import { ownAttributes, type Records } from './records.ts'

const ATTRIBUTES = {
  id: 'string|required',
  originalId: 'string|required',
  queueId: 'string|required',
  error: 'string|optional',
  reason: 'string|optional',
  attempts: 'number|required',
  data: 'json|optional',
  diedAt: 'number|optional',
} as const

/** The resource of that name: made if there is none. */
export async function openDeadLetterResource(database: S3dbDatabase, name: string): Promise<S3dbResource> {
  const known = database.resources[name]
  if (known !== undefined) return known
  return database.createResource({ name, attributes: ATTRIBUTES, behavior: 'body-overflow', timestamps: false })
}

export interface DeadLettersOptions {
  readonly resource: S3dbResource
  readonly records: Records
  readonly queue: () => Queue<MessagePayload>
  readonly clock: Clock
  /** How soon to try again what did not work, in ms, and how many to move at once. */
  readonly retryMs: number
  readonly batchSize: number
  readonly tell: (error: unknown) => void
}

export class DeadLetters {
  readonly resource: S3dbResource
  readonly #options: DeadLettersOptions
  #work: Promise<void> = Promise.resolve()
  #cancelRetry: (() => void) | undefined
  #stopped = false

  constructor(options: DeadLettersOptions) {
    this.#options = options
    this.resource = options.resource
  }

  /** This process writes the queue, or a message has died in it: what is dead is moved. Never rejects. */
  move(): Promise<void> {
    this.#work = this.#work.then(async () => {
      if (this.#stopped) return
      try {
        await this.#moveAll()
      } catch (error) {
        this.#options.tell(error)
        this.#retryLater()
      }
    })
    return this.#work
  }

  /** Resolves when nothing is being moved. */
  async idle(): Promise<void> {
    await this.#work
  }

  /** Tries nothing any more; resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelRetry?.()
    await this.#work
  }

  #retryLater(): void {
    const { clock, retryMs } = this.#options
    this.#cancelRetry?.()
    this.#cancelRetry = clock.setTimer(retryMs, () => void this.move())
  }

  /** A row that the resource refuses must not keep those behind it out. Rejects with the first refusal, and at once where the store does not answer. */
  async #moveAll(): Promise<void> {
    const refusals: unknown[] = []
    for (let after: string | undefined, more = true; more && !this.#stopped; more = after !== undefined) {
      const queue = this.#options.queue()
      const { messages, next } = await queue.list({ status: 'dead', limit: this.#options.batchSize, after })
      const moved = await Promise.all(messages.map((message) => this.#moveOne(message, refusals)))
      const ids = moved.filter((id) => id !== undefined)
      if (ids.length > 0) await queue.forget(ids)
      after = next
    }
    if (refusals.length > 0) throw refusals[0]
  }

  async #moveOne(message: MessageInfo, refusals: unknown[]): Promise<string | undefined> {
    try {
      await this.#insert(message)
      return message.id
    } catch (error) {
      if (classifyLibraryError(error) === 'unavailable') throw error
      refusals.push(this.#refused(message, error))
      return undefined
    }
  }

  #refused({ id }: MessageInfo, cause: unknown): QueueError {
    const why = cause instanceof Error ? cause.message : String(cause)
    const { name } = this.resource
    return new QueueError(`Dead letter ${JSON.stringify(id)} does not go into the resource "${name}": ${why}`, {
      ...{ statusCode: 422, retriable: true, operation: 'move', metadata: { queueId: id, resource: name }, cause },
      suggestion: `It stays in the queue as dead, and is tried again. Let "${name}" take id, originalId, queueId, attempts, error, reason, diedAt and data.`,
    })
  }

  async #insert(message: MessageInfo): Promise<void> {
    const { id, attempts, diedAt = 0, reason } = message
    const read = await this.#options.records.read(id)
    if (read.outcome === 'unavailable') throw read.error
    // A resource of the user's, or one that the plugin of s3db.js made, may insist on having some.
    const data = read.outcome === 'found' ? ownAttributes(read.record) : {}
    try {
      await this.resource.insert({
        ...{ id: `${id}.${diedAt.toString(36)}`, originalId: id, queueId: id, attempts, diedAt, data },
        reason: reason?.toWellFormed(),
        error: lastError(message) ?? 'unknown',
      })
    } catch (error) {
      if (classifyLibraryError(error) !== 'exists') throw error
    }
  }

  /** Every row there is, oldest first by their ids' order in the store. Rejects with the library's error for one that cannot be read. */
  async *rows(): AsyncIterable<S3dbRecord> {
    for await (const { read } of readAll(this.resource)) {
      if (read.outcome === 'found') yield read.record
      else if (read.outcome !== 'missing') throw read.error
    }
  }

  count(): Promise<number> {
    return this.resource.count({ skipCache: true })
  }

  async removeAll(): Promise<number> {
    const ids = await allIds(this.resource)
    if (ids.length > 0) await this.resource.deleteMany(ids)
    return ids.length
  }
}
