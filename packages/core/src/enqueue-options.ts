/** What can be said of a message when it is enqueued, and what it comes to in a command. */
import { assertKnownKeys, InvalidOption, numberOption } from '@s3queue/storage'
import { type BackoffOptions, resolveBackoff } from './backoff.ts'
import { assertDuration, MAX_DURATION_MS } from './duration.ts'
import type { ResolvedQueueOptions } from './options.ts'
import { shardOf } from './shard/shard-of.ts'
import type { EnqueueCommand } from './state/commands.ts'
import type { Extras } from './state/events.ts'

/** What can be said of a message when it is enqueued. */
export interface EnqueueOptions {
  /** Hand it out this much later, in ms, up to a year. */
  readonly delayMs?: number | undefined
  /** Hand it out at this moment: a `Date`, or ms since 1970, at most a year ahead or past. Not together with `delayMs`. */
  readonly at?: Date | number | undefined
  /** Higher comes first; whole numbers from -1,000 to 1,000. Default 0. */
  readonly priority?: number | undefined
  /**
   * An id of your own, up to 200 characters. Enqueueing it again does nothing and resolves to the same id, while the
   * message is known and for `deduplicationWindowMs` after its end: so a call whose reply was lost can be repeated.
   */
  readonly id?: string | undefined
  /** Another message with this key does nothing for `deduplicationWindowMs` after this one was enqueued. Up to 200 characters. */
  readonly deduplicationKey?: string | undefined
  /**
   * What happens if a dead letter has this `id` or `deduplicationKey`: `keep` enqueues nothing, and the answer says so (`duplicate: true, status: 'dead'`);
   * `replace` forgets the dead letter with its failures and enqueues this message. Default `keep`.
   */
  readonly onDead?: 'keep' | 'replace' | undefined
  /**
   * Where another process writes: wait until it has decided whether this message, which has an `id` or a `deduplicationKey`, is a duplicate, for up to 10 s. That
   * takes about as long as a control command, and reads the queue's log. Otherwise the call resolves once the message is durable, and its answer leaves out
   * `duplicate`. Default: true with a `deduplicationKey`, as the id of the message that has it is not known before; else false.
   */
  readonly confirm?: boolean | undefined
  /** In ms. Default: the queue's. */
  readonly deduplicationWindowMs?: number | undefined
  /** Before all that wait with its priority, once its time has come: last in, first out. Default false. */
  readonly lifo?: boolean | undefined
  /** Default: the queue's. */
  readonly maxAttempts?: number | undefined
  /** Default: the queue's. */
  readonly backoff?: BackoffOptions | undefined
}

/** A message's part of an `EnqueueCommand`. */
export interface MessageSettings
  extends Pick<EnqueueCommand, 'maxAttempts' | 'priority' | 'visibleAt' | 'extras' | 'onDead'> {
  /** Where another process writes, the call waits to know whether the message is a duplicate. */
  readonly confirm?: true | undefined
}

/** What the queue says of messages that say nothing themselves. */
type MessageDefaults = Pick<ResolvedQueueOptions, 'maxAttempts' | 'deduplicationWindowMs'>

/** What time it is, ms since 1970, and whether that is the store's time already. */
interface TimeOfDay {
  readonly isClockKnown: boolean
  wallNow(): number
}

const KEYS = [
  ...['delayMs', 'at', 'priority', 'id', 'deduplicationKey', 'deduplicationWindowMs', 'lifo', 'maxAttempts', 'backoff'],
  ...['onDead', 'confirm'],
]

/** Whether the time of day matters to this message. */
export function needsTime(options: EnqueueOptions | undefined): boolean {
  return options?.delayMs !== undefined || options?.at !== undefined
}

/** Fills in what the queue says of its messages. Throws `InvalidOption` for unknown names and impossible values; nothing is clamped. */
export function resolveEnqueueOptions(
  options: EnqueueOptions,
  queue: MessageDefaults,
  time: TimeOfDay,
): MessageSettings {
  const who = 'enqueue'
  assertKnownKeys(who, options, KEYS)
  const { maxAttempts, priority, backoff, lifo = false } = options
  if (typeof lifo !== 'boolean') throw new InvalidOption(who, 'lifo', `must be true or false, not ${String(lifo)}.`)
  const extras: Extras = {
    ...namesOf(options, queue),
    ...(lifo ? { lifo } : {}),
    ...(backoff === undefined ? {} : { backoff: resolveBackoff(`${who}.backoff`, backoff) }),
  }
  return {
    maxAttempts: numberOption(who, 'maxAttempts', maxAttempts, queue.maxAttempts, {
      min: 1,
      max: 1000,
      integer: true,
    }),
    priority: numberOption(who, 'priority', priority, 0, { min: -1000, max: 1000, integer: true }),
    visibleAt: visibleAtOf(options, time),
    ...(Object.keys(extras).length === 0 ? {} : { extras }),
    ...duplicatesOf(options),
  }
}

/** What is to happen to a message whose id or key is known. */
function duplicatesOf({
  id,
  deduplicationKey,
  onDead,
  confirm,
}: EnqueueOptions): Pick<MessageSettings, 'onDead' | 'confirm'> {
  if (onDead !== undefined && onDead !== 'keep' && onDead !== 'replace')
    throw new InvalidOption('enqueue', 'onDead', `must be "keep" or "replace", not ${JSON.stringify(onDead)}.`)
  if (confirm !== undefined && typeof confirm !== 'boolean')
    throw new InvalidOption('enqueue', 'confirm', `must be true or false, not ${String(confirm)}.`)
  if (id === undefined && deduplicationKey === undefined) {
    if (onDead === undefined && confirm === undefined) return {}
    const option = onDead === undefined ? 'confirm' : 'onDead'
    throw new InvalidOption('enqueue', option, 'means nothing without an id or a deduplicationKey.')
  }
  return {
    ...(onDead === 'replace' ? { onDead } : {}),
    ...((confirm ?? deduplicationKey !== undefined) ? { confirm: true } : {}),
  }
}

function namesOf({ id, deduplicationKey, deduplicationWindowMs }: EnqueueOptions, queue: MessageDefaults): Extras {
  if (id === undefined && deduplicationKey === undefined) {
    if (deduplicationWindowMs === undefined) return {}
    throw new InvalidOption('enqueue', 'deduplicationWindowMs', 'means nothing without an id or a deduplicationKey.')
  }
  if (id !== undefined) assertName('id', id)
  if (deduplicationKey !== undefined) assertName('deduplicationKey', deduplicationKey)
  const fallback = queue.deduplicationWindowMs
  const windowMs = numberOption('enqueue', 'deduplicationWindowMs', deduplicationWindowMs, fallback, {
    max: 31 * 24 * 3_600_000,
    integer: true,
  })
  return {
    ...(id === undefined ? {} : { id }),
    ...(deduplicationKey === undefined ? {} : { deduplicationKey }),
    windowMs,
  }
}

function visibleAtOf({ delayMs, at }: EnqueueOptions, time: TimeOfDay): number {
  if (delayMs !== undefined && at !== undefined)
    throw new InvalidOption('enqueue', 'at', 'cannot be given together with "delayMs".')
  if (delayMs !== undefined) {
    assertDuration('enqueue', 'delayMs', delayMs)
    return delayMs === 0 ? 0 : Math.floor(time.wallNow()) + delayMs
  }
  if (at === undefined) return 0
  const ms = at instanceof Date ? at.getTime() : at
  if (!Number.isFinite(ms) || ms < 0)
    throw new InvalidOption('enqueue', 'at', `must be a Date or ms since 1970, not ${String(at)}.`)
  if (!time.isClockKnown) return Math.floor(ms)
  if (ms > time.wallNow() + MAX_DURATION_MS)
    throw new InvalidOption('enqueue', 'at', `must be at most a year ahead, not ${String(at)}.`)
  if (ms < time.wallNow() - MAX_DURATION_MS) {
    const moment = new Date(ms).toISOString()
    throw new InvalidOption(
      'enqueue',
      'at',
      `must be at most a year in the past, not ${String(at)}, which is ${moment}. It counts milliseconds since 1970, not seconds; to run a message immediately, leave it out.`,
    )
  }
  return Math.floor(ms)
}

function assertName(option: string, value: unknown): void {
  if (typeof value !== 'string' || value.length === 0 || value.length > 200) {
    throw new InvalidOption(
      'enqueue',
      option,
      `must be a string of 1 to 200 characters, not ${typeof value === 'string' ? `one of ${value.length}` : typeof value}.`,
    )
  }
  if (option === 'id' && shardOf(value) !== undefined)
    throw new InvalidOption('enqueue', option, `${JSON.stringify(value)} looks like an id that the queue gives itself.`)
}
