/** What a resource can do besides, once it has a queue; and how it gets and loses that. */
import { type BackoffOptions, type QueueCost, resolveBackoff } from '@s3queue/core'
import type { EnqueueRecordOptions, EntryFilter, RecordQueueStats, S3dbRecord, S3dbResource } from '@s3queue/s3db'
import { assertKnownKeys, InvalidOption, numberOption } from '@s3queue/storage'
import { type Duration, durationOption } from './duration.ts'
import type { OnMessage } from './handler-context.ts'

export interface EnqueueOptions {
  /** Hand it out so much later, up to a year. */
  readonly delay?: Duration | undefined
  /** Hand it out at this moment: a `Date`, or ms since 1970. A `visibleAt` of the record in the future says the same. */
  readonly at?: Date | number | undefined
  /** Higher comes first; -1,000 to 1,000. Default 0. */
  readonly priority?: number | undefined
  /** Default: the plugin's. */
  readonly maxAttempts?: number | undefined
  /** Default: the plugin's. */
  readonly backoff?: BackoffOptions | undefined
  /** For the handler's `context.metadata`. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
  /** Another message with this key adds nothing for the window after this one was enqueued. */
  readonly deduplicationKey?: string | undefined
  /** Default 5 minutes. */
  readonly deduplicationWindow?: Duration | undefined
}

export interface StartOptions {
  readonly concurrency?: number | undefined
}

export interface TruncateOptions {
  readonly includeDeadLetter?: boolean | undefined
}

export interface Truncated {
  readonly queueDeleted: number
  readonly deadLetterDeleted: number
}

export interface DeleteQueueOptions extends TruncateOptions {
  readonly stopProcessing?: boolean | undefined
  /** Without effect: a claim ends with its message. */
  readonly clearTickets?: boolean | undefined
}

export interface DeletedQueue extends Truncated {
  /** Claims that ended because their messages were deleted. */
  readonly removedTickets: number
  /** Whether the queue was in `db.resources`. */
  readonly queueResourceDeleted: boolean
  /** Whether the dead letter resource was in `db.resources` and was to be deleted. */
  readonly deadLetterResourceDeleted: boolean
}

export interface RenewOptions {
  /** Only if the claim has this token. */
  readonly lockToken?: string | undefined
}

/** The methods that a resource gets from its queue. */
export interface QueueMethods<Task = Record<string, unknown>> {
  /**
   * Inserts the record, as the resource's schema allows, and its message; both are durable when it resolves, to the record. A record that is
   * there already is changed to `data` and runs again, unless it waits or runs just now.
   */
  enqueue(data: Partial<Task> & Readonly<Record<string, unknown>>, options?: EnqueueOptions): Promise<Task & S3dbRecord>
  queueStats(): Promise<RecordQueueStats>
  countQueue(status?: string): Promise<number>
  countQueueBy(filter: EntryFilter): Promise<number>
  queueStatsBy(filter: EntryFilter): Promise<RecordQueueStats>
  startProcessing(handler?: OnMessage<Task> | null, options?: StartOptions): Promise<void>
  stopProcessing(): Promise<void>
  /** Makes a claim of this process last so much longer, in ms. False if it is not held here (any more). */
  extendQueueVisibility(queueId: string, extraMs: number, options?: RenewOptions): Promise<boolean>
  renewQueueLock(queueId: string, lockToken: string, extraMs?: number): Promise<boolean>
  clearQueueCache(): Promise<void>
  truncateQueue(options?: TruncateOptions): Promise<Truncated>
  deleteQueue(options?: DeleteQueueOptions): Promise<DeletedQueue>
  estimateQueueUsage(): QueueCost
}

const ENQUEUE_KEYS = [
  'delay',
  'at',
  'priority',
  'maxAttempts',
  'backoff',
  'metadata',
  'deduplicationKey',
  'deduplicationWindow',
]

const OWNER = 'enqueue'
const LONGEST_WINDOW_MS = 31 * 86_400_000

/** Refused here, before there is a record, and in the words of the plugin. Throws `InvalidOption`. */
export function resolveEnqueueOptions(options: EnqueueOptions, lifo: boolean): EnqueueRecordOptions {
  assertKnownKeys(OWNER, options, ENQUEUE_KEYS)
  const { delay, deduplicationWindow, at, priority, maxAttempts, backoff, metadata, deduplicationKey } = options
  numberOption(OWNER, 'priority', priority, 0, { min: -1000, max: 1000, integer: true })
  numberOption(OWNER, 'maxAttempts', maxAttempts, 1, { min: 1, max: 1000, integer: true })
  resolveBackoff(`${OWNER}.backoff`, backoff)
  assertMoment(at, delay)
  assertDeduplication(deduplicationKey, deduplicationWindow)
  if (metadata !== undefined && (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)))
    throw new InvalidOption(OWNER, 'metadata', `must be an object, not ${JSON.stringify(metadata)}.`)
  return {
    ...{ at, priority, maxAttempts, backoff, metadata, deduplicationKey },
    delayMs: delay === undefined ? undefined : durationOption(OWNER, 'delay', delay, 0),
    deduplicationWindowMs: windowOf(deduplicationWindow),
    lifo: lifo || undefined,
  }
}

function assertMoment(at: unknown, delay: unknown): void {
  if (at === undefined) return
  const ms = at instanceof Date ? at.getTime() : at
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms < 0)
    throw new InvalidOption(OWNER, 'at', `must be a Date or ms since 1970, not ${String(at)}.`)
  if (delay !== undefined) throw new InvalidOption(OWNER, 'at', 'cannot be given together with "delay".')
}

function assertDeduplication(key: unknown, window: unknown): void {
  if (key === undefined) {
    if (window === undefined) return
    throw new InvalidOption(OWNER, 'deduplicationWindow', 'means nothing without a deduplicationKey.')
  }
  if (typeof key === 'string' && key.length > 0 && key.length <= 200) return
  throw new InvalidOption(
    OWNER,
    'deduplicationKey',
    `must be a string of 1 to 200 characters, not ${JSON.stringify(key)}.`,
  )
}

function windowOf(window: Duration | undefined): number | undefined {
  if (window === undefined) return undefined
  return durationOption(OWNER, 'deduplicationWindow', window, 0, { max: LONGEST_WINDOW_MS })
}

/** Puts the methods on the resource. What is returned takes them off, and puts back what was there. */
export function attachMethods<Task>(resource: S3dbResource, methods: QueueMethods<Task>): () => void {
  const own = new Map<string, unknown>()
  for (const [name, method] of Object.entries(methods)) {
    if (Object.hasOwn(resource, name)) own.set(name, Reflect.get(resource, name))
    Reflect.set(resource, name, method)
  }
  return () => {
    for (const [name, method] of Object.entries(methods)) {
      if (Reflect.get(resource, name) !== method) continue
      Reflect.deleteProperty(resource, name)
      if (own.has(name)) Reflect.set(resource, name, own.get(name))
    }
  }
}
