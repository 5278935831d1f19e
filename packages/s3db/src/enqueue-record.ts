/**
 * A record and its message, both durable before anybody is told.
 *
 * The record comes first, the message second, and the message's id is the record's. So a process that dies in between leaves a record that
 * nobody was told of and that nothing runs; whoever enqueues that id again finds the record and adds the message. A message never
 * stands without its record, but for those whose record somebody deletes later.
 *
 * A record has one message at a time. Enqueueing it while it waits or is handled changes nothing; enqueueing it when its message has ended
 * runs it again.
 */
import { type BackoffOptions, InvalidPayload, PayloadTooLarge, type Queue } from '@s3queue/core'
import { type Clock, InvalidOption, otherKind } from '@s3queue/storage'
import { Company } from './company.ts'
import type { RecordData, S3dbRecord } from './database.ts'
import { QueueError } from './errors.ts'
import type { MessagePayload } from './message-payload.ts'
import { ownAttributes, type Records } from './records.ts'

export interface EnqueueRecordOptions {
  /** Hand it out this much later, in ms. */
  readonly delayMs?: number | undefined
  /** Hand it out at this moment: a `Date`, or ms since 1970. Without it a `visibleAt` of the record counts. */
  readonly at?: Date | number | undefined
  /** Higher comes first; -1,000 to 1,000. Default 0. */
  readonly priority?: number | undefined
  readonly maxAttempts?: number | undefined
  readonly backoff?: BackoffOptions | undefined
  readonly deduplicationKey?: string | undefined
  readonly deduplicationWindowMs?: number | undefined
  /** Before those that wait. */
  readonly lifo?: boolean | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

export interface EnqueuedRecord {
  readonly record: S3dbRecord
  readonly queueId: string
  /** Nothing was added: a message of this record, or with this deduplication key, was there. */
  readonly duplicate: boolean
}

export interface EnqueuerOptions {
  readonly records: Records
  readonly queue: () => Queue<MessagePayload>
  readonly clock: Clock
}

/** How often a record may appear and vanish while it is being enqueued. */
const ROUNDS = 5

export class Enqueuer {
  readonly #options: EnqueuerOptions
  readonly #company: Company
  /** Whether the last answer said if the id was known: it does in the process that writes the queue. */
  #isTold = false

  constructor(options: EnqueuerOptions) {
    this.#options = options
    this.#company = new Company(options.clock)
  }

  /** Rejects with the library's error if the schema refuses the record: then nothing was done. */
  async enqueue(data: RecordData, options: EnqueueRecordOptions = {}): Promise<EnqueuedRecord> {
    const { records } = this.#options
    const attributes = ownAttributes(assertData(data))
    const isNew = attributes.id === undefined || attributes.id === null
    const id = assertId(isNew ? await records.newId(attributes) : attributes.id)
    const whole = { ...attributes, id }
    for (let round = 0; round < ROUNDS; round++) {
      const inserted = await this.#company.write(
        () => records.insert(whole),
        ({ outcome }) => outcome === 'inserted',
      )
      if (inserted.outcome === 'inserted') return this.#first(inserted.record, isNew, options)
      const known = await this.#again(id, whole, options)
      if (known !== undefined) return known
    }
    throw new QueueError(`Record ${JSON.stringify(id)} appears and vanishes while it is being enqueued.`, {
      ...{ statusCode: 409, retriable: true, operation: 'enqueue', metadata: { id } },
      suggestion: 'Do not delete a record while it is being enqueued.',
    })
  }

  /** A message for a record that is there. Undefined if it is not. */
  async enqueueKnown(id: string, options: EnqueueRecordOptions = {}): Promise<EnqueuedRecord | undefined> {
    return this.#again(assertId(id), {}, options)
  }

  /** The record is new; that its id is new to the queue too is likely. */
  async #first(record: S3dbRecord, isNew: boolean, options: EnqueueRecordOptions): Promise<EnqueuedRecord> {
    const { id } = record
    // The queue may know the id from a record that was deleted. Where that is not told with the answer, it has to be seen before the message is sent:
    // soon after, it may be dead itself.
    const looks = !isNew && !this.#isTold
    if (looks && (await this.#redrive(id))) return { record, queueId: id, duplicate: false }
    const enqueued = await this.#sendFirst(record, options)
    if (enqueued.duplicate === true && enqueued.id !== id) return this.#sameKey(id, enqueued.id)
    this.#isTold = enqueued.duplicate !== undefined
    const mayBeKnown = enqueued.duplicate ?? (!isNew && !looks)
    if (mayBeKnown) await this.#redrive(id)
    return { record, queueId: id, duplicate: false }
  }

  /** Whether there is a dead letter of that id; then it waits again. */
  async #redrive(id: string): Promise<boolean> {
    return (await this.#queue.get(id))?.status === 'dead' && (await this.#queue.redrive(id)) > 0
  }

  /** The record was there. Undefined if it is gone meanwhile. */
  async #again(id: string, data: RecordData, options: EnqueueRecordOptions): Promise<EnqueuedRecord | undefined> {
    const read = await this.#options.records.read(id)
    if (read.outcome === 'missing') return undefined
    if (read.outcome !== 'found') throw read.error
    const status = (await this.#queue.get(id))?.status
    const isUnderWay = status === 'waiting' || status === 'delayed' || status === 'active'
    if (isUnderWay) return { record: read.record, queueId: id, duplicate: true }
    const record = await this.#options.records.change(read.record, data)
    if (status === 'dead' && (await this.#queue.redrive(id)) > 0) return { record, queueId: id, duplicate: false }
    const enqueued = await this.#send(record, options)
    return { record, queueId: enqueued.id, duplicate: enqueued.duplicate === true }
  }

  /** Another record's message has the deduplication key: this record is not needed. */
  async #sameKey(id: string, known: string): Promise<EnqueuedRecord> {
    const { records } = this.#options
    await records.remove(id)
    const read = await records.read(known)
    return { record: read.outcome === 'found' ? read.record : { id: known }, queueId: known, duplicate: true }
  }

  #send(record: S3dbRecord, options: EnqueueRecordOptions): ReturnType<Queue<MessagePayload>['enqueue']> {
    const { metadata, at, ...rest } = options
    const { deduplicationKey, deduplicationWindowMs = deduplicationKey === undefined ? 0 : undefined } = options
    const due = at ?? (rest.delayMs === undefined ? this.#ownTime(record) : undefined)
    const payload: MessagePayload = metadata === undefined ? {} : { metadata }
    return this.#queue.enqueue(payload, { ...rest, deduplicationWindowMs, at: due, id: record.id })
  }

  /** A message that the queue refuses leaves no record: that one was made for it. */
  async #sendFirst(record: S3dbRecord, options: EnqueueRecordOptions): ReturnType<Queue<MessagePayload>['enqueue']> {
    try {
      return await this.#send(record, options)
    } catch (error) {
      if (isRefusal(error)) await this.#removeUnsent(record.id)
      throw error
    }
  }

  /** Unless somebody has enqueued it meanwhile. What went wrong first is what the caller has to know. */
  async #removeUnsent(id: string): Promise<void> {
    try {
      if ((await this.#queue.get(id)) === undefined) await this.#options.records.remove(id)
    } catch {
      // It stays, as it does when a process dies here.
    }
  }

  /** A record may say itself when it is due. */
  #ownTime({ visibleAt }: S3dbRecord): number | undefined {
    return typeof visibleAt === 'number' && visibleAt > this.#options.clock.now() ? visibleAt : undefined
  }

  get #queue(): Queue<MessagePayload> {
    return this.#options.queue()
  }
}

/** Whether nothing can have been sent: the message itself was found wanting. */
function isRefusal(error: unknown): boolean {
  return error instanceof InvalidOption || error instanceof InvalidPayload || error instanceof PayloadTooLarge
}

function assertData(data: unknown): RecordData {
  const kind = otherKind(data)
  if (kind === undefined) return data as RecordData
  throw new QueueError(`What is enqueued must be an object, the record, not ${kind}.`, {
    ...{ statusCode: 400, operation: 'enqueue' },
    suggestion: "Give it the record's attributes: enqueue({ type: 'send-email' }).",
  })
}

function assertId(id: unknown): string {
  if (typeof id === 'string' && id.length > 0 && id.length <= 200) return id
  throw new QueueError(
    `A record's id must be a string of 1 to 200 characters to be enqueued, not ${JSON.stringify(id)}.`,
    {
      ...{ statusCode: 400, operation: 'enqueue', metadata: { id } },
      suggestion: 'Give the record a shorter id, or none: then the resource makes one.',
    },
  )
}
