/**
 * What the plugin can be told, in the words of its users, and the same with every default filled in. This is the one place where their names
 * and units become those of the queue.
 */
import {
  type BackoffFunction,
  type BackoffOptions,
  type RetentionOptions,
  resolveBackoff,
  resolveRetention,
} from '@s3queue/core'
import type { S3dbRecord } from '@s3queue/s3db'
import { assertOptionsObject, InvalidOption, nearestName, type ObjectStore } from '@s3queue/storage'
import { type Duration, durationOption } from './duration.ts'
import { type FailureOptions, resolveFailureStrategy } from './failure-strategy.ts'
import type { OnMessage } from './handler-context.ts'
import { type NameOptions, type ResolvedNames, resolveNames } from './name-options.ts'
import { alias, flag, OWNER, whole } from './option-checks.ts'

/** All times are in ms, or text such as `'5m'`, unless it says seconds. */
export interface S3QueueOptions<Task = Record<string, unknown>> extends NameOptions, FailureOptions {
  /** Handles one record. Without it nothing is handled before `startProcessing(handler)`. */
  readonly onMessage?: OnMessage<Task> | undefined
  /** Told of every attempt that failed. What it throws is logged. */
  readonly onError?: ((error: Error, record: Task & S3dbRecord) => unknown) | undefined
  /** Told of every message that was completed, after that is recorded. What it throws is logged. */
  readonly onComplete?: ((record: Task & S3dbRecord, result: unknown) => unknown) | undefined

  /** Handlers at once. Default 3. */
  readonly concurrency?: number | undefined
  /** The same as `concurrency`. */
  readonly workers?: number | undefined
  /** Shortest wait of a worker between two looks for messages that another process hands to it; it doubles up to `maxPollInterval`. 10 to 60,000. Default 100. */
  readonly pollInterval?: Duration | undefined
  /** Longest wait between two looks, for a worker at most a third of `visibilityTimeout`. From `pollInterval` to an hour. Default 10,000. */
  readonly maxPollInterval?: Duration | undefined
  /** Messages to claim ahead of the handlers, at most. Default 32. */
  readonly pollBatchSize?: number | undefined

  /** How long a handler may take before others may have the message. Default 30,000. */
  readonly visibilityTimeout?: Duration | undefined
  /** Extend the claim for as long as its handler runs. Default false. */
  readonly autoExtend?: boolean | undefined
  /** How soon to try again to fill the dead letter resource, when that did not work. Default 5000. */
  readonly recoveryInterval?: Duration | undefined
  /** Dead letters to move at once. Default 20. */
  readonly recoveryBatchSize?: number | undefined
  /** Taken and checked, and without effect: who has a message is decided in the log, not by a cache. Default 30,000. */
  readonly processedCacheTTL?: Duration | undefined

  /** Wait between attempts. Default `{ baseMs: 1000, maxMs: 30_000, jitter: 0 }`: 1 s, 2 s, 4 s, … */
  readonly backoff?: BackoffOptions | BackoffFunction | undefined

  /** Whether returning completes a message. False: a handler calls `context.ack()` or `context.nack()`. Default true. */
  readonly autoAcknowledge?: boolean | undefined
  /** Which of those that wait comes first. Default `fifo`. */
  readonly orderingMode?: 'fifo' | 'lifo' | undefined
  /** Start when the plugin is installed, if there is an `onMessage`. Default true. */
  readonly autoStart?: boolean | undefined
  /** Log every event. Default false. */
  readonly verbose?: boolean | undefined

  /** Taken and without effect: there is one way to claim, with or without a coordinator. Default true. */
  readonly enableCoordinator?: boolean | undefined
  /** Half of the silence after which another process takes over from the coordinator. Default 15,000. */
  readonly coordinatorElectionInterval?: Duration | undefined
  /** Taken and checked, and without effect: a coordinator stays until it closes or dies. Default 300,000. */
  readonly coordinatorEpochDuration?: Duration | undefined
  /** How often a busy worker gives a sign of life. Default 10,000. */
  readonly heartbeatInterval?: Duration | undefined
  /** In seconds: how long a worker may be silent before it gets no more messages. Default 30, and at least twice the interval. */
  readonly heartbeatTTL?: Duration | undefined
  /** Another name for `pollInterval`, which goes first. Default 100. */
  readonly dispatchInterval?: Duration | undefined
  /** Taken and checked, and without effect: a worker gets as many as it has room for. Default 10. */
  readonly ticketBatchSize?: number | undefined
  /** In seconds. Taken and checked, and without effect: a ticket is as good as its claim, see `visibilityTimeout`. Default 60. */
  readonly ticketTTL?: Duration | undefined
  /** Only `s3` for now. */
  readonly coordinationBackend?: 's3' | undefined
  /** Messages are always in the store. */
  readonly persistToS3?: true | undefined

  /** How long a commit may wait for company: fewer requests, more latency. Default 0. */
  readonly linger?: Duration | undefined
  /** How long finished messages are remembered. */
  readonly retention?: RetentionOptions | undefined
  /** Where the queue keeps its objects. Default: beside the database's own. */
  readonly store?: ObjectStore | undefined
  /** What s3db.js takes from every plugin. */
  readonly logger?: unknown
  readonly logLevel?: string | undefined
}

export interface ResolvedS3QueueOptions extends ResolvedNames {
  readonly concurrency: number
  readonly pollMs: number
  readonly maxPollMs: number
  readonly maxPrefetch: number
  readonly visibilityTimeoutMs: number
  readonly autoExtend: boolean
  readonly recoveryMs: number
  readonly recoveryBatchSize: number
  readonly maxAttempts: number
  readonly backoff: BackoffOptions | BackoffFunction | undefined
  readonly deadStatus: 'dead' | 'failed'
  readonly autoAcknowledge: boolean
  readonly orderingMode: 'fifo' | 'lifo'
  readonly autoStart: boolean
  readonly verbose: boolean
  readonly takeoverAfterMs: number
  readonly heartbeatMs: number
  readonly heartbeatTtlMs: number | undefined
  readonly lingerMs: number
  readonly retention: RetentionOptions | undefined
  readonly store: ObjectStore | undefined
  /** What is most likely not meant so. */
  readonly warnings: readonly string[]
}

/** Options that come with a later release: refused by name. */
const LATER: Readonly<Record<string, string>> = {
  redisUrl: 'Coordination through Redis is not there yet: leave it out, the bucket is enough.',
  sqsQueueUrl: 'Coordination through SQS is not there yet: leave it out, the bucket is enough.',
  schedule: 'Schedules are not there yet: enqueue from your own timer.',
  schedules: 'Schedules are not there yet: enqueue from your own timer.',
  cron: 'Schedules are not there yet: enqueue from your own timer.',
  batchSize: 'Handlers of whole batches are not there yet. "pollBatchSize" is how many messages are claimed ahead.',
  onBatch: 'Handlers of whole batches are not there yet.',
}

/** All of them. */
const KEYS: readonly (keyof S3QueueOptions)[] = [
  ...(['resource', 'onMessage', 'onError', 'onComplete', 'concurrency', 'workers', 'pollInterval'] as const),
  ...(['maxPollInterval', 'pollBatchSize', 'visibilityTimeout', 'autoExtend', 'recoveryInterval'] as const),
  ...(['recoveryBatchSize', 'processedCacheTTL', 'maxAttempts', 'maxRetries', 'backoff', 'failureStrategy'] as const),
  ...([
    'deadLetterResource',
    'queueResource',
    'resourceNames',
    'autoAcknowledge',
    'orderingMode',
    'autoStart',
  ] as const),
  ...(['verbose', 'namespace', 'instanceId', 'enableCoordinator', 'coordinatorElectionInterval'] as const),
  ...([
    'coordinatorEpochDuration',
    'heartbeatInterval',
    'heartbeatTTL',
    'dispatchInterval',
    'ticketBatchSize',
  ] as const),
  ...([
    'ticketTTL',
    'coordinationBackend',
    'persistToS3',
    'linger',
    'retention',
    'store',
    'logger',
    'logLevel',
  ] as const),
]

/** Fills in the defaults. Throws `InvalidOption` for unknown names and impossible values; nothing is clamped. */
export function resolveS3QueueOptions<Task>(options: S3QueueOptions<Task>): ResolvedS3QueueOptions {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOption(OWNER, 'options', "must be an object with at least { resource: 'the name of a resource' }.")
  }
  assertOptionsObject(OWNER, options)
  assertKnown(options)
  for (const name of ['onMessage', 'onError', 'onComplete'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw new InvalidOption(OWNER, name, `must be a function, not ${typeof options[name]}.`)
  }
  const { hasDeadLetters, deadLetterQueue, ...failure } = resolveFailureStrategy(options)
  const { deadLetterResource, ...names } = resolveNames(options, deadLetterQueue)
  const warnings: string[] = []
  const visibilityTimeoutMs = durationOption(OWNER, 'visibilityTimeout', options.visibilityTimeout, 30_000, {
    min: 100,
    max: 12 * 3_600_000,
  })
  if (typeof options.visibilityTimeout === 'number' && visibilityTimeoutMs < 1000) {
    warnings.push(
      `visibilityTimeout: ${visibilityTimeoutMs} means ${visibilityTimeoutMs} ms. If you meant seconds, write '${visibilityTimeoutMs}s' or ${visibilityTimeoutMs}_000.`,
    )
  }
  checkComponents(options)
  checkWithoutEffect(options)
  return {
    ...names,
    deadLetterResource: hasDeadLetters ? deadLetterResource : undefined,
    ...resolveWork(options),
    ...resolveCoordination(options),
    ...failure,
    visibilityTimeoutMs,
    recoveryMs: durationOption(OWNER, 'recoveryInterval', options.recoveryInterval, 5000, { min: 100 }),
    recoveryBatchSize: whole('recoveryBatchSize', options.recoveryBatchSize, 20, 1, 1000),
    backoff: options.backoff,
    lingerMs: durationOption(OWNER, 'linger', options.linger, 0, { max: 59_999 }),
    retention: options.retention,
    store: options.store,
    warnings,
  }
}

function resolveWork<Task>(options: S3QueueOptions<Task>) {
  const { orderingMode = 'fifo' } = options
  if (orderingMode !== 'fifo' && orderingMode !== 'lifo')
    throw new InvalidOption(OWNER, 'orderingMode', `must be 'fifo' or 'lifo', not ${JSON.stringify(orderingMode)}.`)
  // What is claimed ahead has its place already; the last one in comes first only if nothing is.
  const ahead = orderingMode === 'lifo' ? 0 : 32
  return {
    concurrency: whole(
      'concurrency',
      alias('concurrency', options.concurrency, 'workers', options.workers),
      3,
      1,
      10_000,
    ),
    maxPrefetch: whole('pollBatchSize', options.pollBatchSize, ahead, 0, 100_000),
    orderingMode,
    autoExtend: flag('autoExtend', options.autoExtend, false),
    autoAcknowledge: flag('autoAcknowledge', options.autoAcknowledge, true),
    autoStart: flag('autoStart', options.autoStart, true),
    verbose: flag('verbose', options.verbose, false),
  } as const
}

function resolveCoordination<Task>(options: S3QueueOptions<Task>) {
  const { pollInterval, dispatchInterval, heartbeatInterval, heartbeatTTL } = options
  const looks = { min: 10, max: 60_000 }
  const dispatchMs = durationOption(OWNER, 'dispatchInterval', dispatchInterval, 100, looks)
  const pollMs = durationOption(OWNER, 'pollInterval', pollInterval, dispatchMs, looks)
  const heartbeatMs = durationOption(OWNER, 'heartbeatInterval', heartbeatInterval, 10_000, { min: 100, max: 600_000 })
  const ttl = { min: 2 * heartbeatMs, max: 3_600_000, unitMs: 1000 }
  const electionMs = durationOption(OWNER, 'coordinatorElectionInterval', options.coordinatorElectionInterval, 15_000, {
    min: 150,
    max: 1_800_000,
  })
  const maxPollMs = durationOption(OWNER, 'maxPollInterval', options.maxPollInterval, Math.max(10_000, pollMs), {
    min: pollMs,
    max: 3_600_000,
  })
  return {
    ...{ pollMs, maxPollMs, heartbeatMs, takeoverAfterMs: 2 * electionMs },
    heartbeatTtlMs:
      heartbeatTTL === undefined ? undefined : durationOption(OWNER, 'heartbeatTTL', heartbeatTTL, 30_000, ttl),
  }
}

/** What is handed on as it is: refused here, in the words of the plugin, and not where it is first used. */
function checkComponents<Task>({ backoff, retention, store, logger }: S3QueueOptions<Task>): void {
  if (typeof backoff !== 'function') resolveBackoff(`${OWNER}.backoff`, backoff)
  resolveRetention(`${OWNER}.retention`, retention)
  if (store !== undefined && !hasMethods(store, ['get', 'put', 'delete', 'list']))
    throw new InvalidOption(
      OWNER,
      'store',
      'must be an ObjectStore, such as those of createS3Store() or createFsStore().',
    )
  if (logger !== undefined && !hasMethods(logger, ['info', 'warn', 'error']))
    throw new InvalidOption(OWNER, 'logger', 'must have the methods info, warn and error, as console and pino do.')
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  return names.every((name) => typeof Reflect.get(value, name) === 'function')
}

/** Options of another design: what they say is checked, and nothing follows from it. */
function checkWithoutEffect<Task>(options: S3QueueOptions<Task>): void {
  durationOption(OWNER, 'processedCacheTTL', options.processedCacheTTL, 30_000)
  durationOption(OWNER, 'coordinatorEpochDuration', options.coordinatorEpochDuration, 300_000, { min: 1 })
  durationOption(OWNER, 'ticketTTL', options.ticketTTL, 60_000, { min: 1, unitMs: 1000 })
  whole('ticketBatchSize', options.ticketBatchSize, 10, 1, 100_000)
  flag('enableCoordinator', options.enableCoordinator, true)
  const { coordinationBackend = 's3', persistToS3 = true } = options
  if (coordinationBackend !== 's3') {
    throw new InvalidOption(
      OWNER,
      'coordinationBackend',
      `can only be 's3' for now, not ${JSON.stringify(coordinationBackend)}. Redis and SQS come later.`,
    )
  }
  if (persistToS3 !== true)
    throw new InvalidOption(OWNER, 'persistToS3', 'can only be true: messages are always in S3.')
}

function assertKnown(options: object): void {
  for (const key of Object.keys(options)) {
    if ((KEYS as readonly string[]).includes(key)) continue
    if (LATER[key] !== undefined) throw new InvalidOption(OWNER, key, `cannot be used. ${LATER[key]}`)
    const nearest = nearestName(key, KEYS)
    const advice = nearest === undefined ? '' : ` Did you mean ${JSON.stringify(nearest)}?`
    throw new InvalidOption(OWNER, key, `is not known.${advice} Known: ${KEYS.join(', ')}.`)
  }
}
