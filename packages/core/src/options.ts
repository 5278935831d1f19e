/** What a queue can be told: options as users write them, and the same with every default filled in. */

import {
  type AsyncContexts,
  assertKnownKeys,
  type Clock,
  type Ids,
  InvalidOption,
  isKeySegment,
  type Logger,
  numberOption,
  type ObjectStore,
  type Processes,
  type Random,
  systemClock,
  systemContexts,
  systemIds,
  systemLogger,
  systemProcesses,
  systemRandom,
} from '@s3queue/storage'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type BackoffFunction, type BackoffOptions, resolveBackoff } from './backoff.ts'
import { type RetentionOptions, resolveRetention } from './retention.ts'
import type { Backoff, Retention } from './state/events.ts'
import type { Transport } from './transport/port.ts'

/** What a queue can be told. Only `name` and `store` must be given. */
export interface QueueOptions {
  /** The queue's name, part of its keys: `A-Z a-z 0-9 . _ = @ + , -`, not beginning with a dot. */
  readonly name: string
  /** Where the queue lives. */
  readonly store: ObjectStore
  /** First part of all keys. Default `s3queue`. */
  readonly namespace?: string | undefined
  /** How long a claim lasts without a sign of life of its worker, in ms, 100 to 12 hours. Default 30,000. */
  readonly visibilityTimeoutMs?: number | undefined
  /** Attempts in all before a message goes to the dead letters, 1 to 1,000. Default 3. */
  readonly maxAttempts?: number | undefined
  /** Wait between attempts: `min(maxMs, baseMs * 2 ** (attempt - 1))`, or a function. */
  readonly backoff?: BackoffOptions | BackoffFunction | undefined
  /** Checks payloads when they are enqueued, and makes them what the handler gets: any Standard Schema (zod, valibot, arktype, …). */
  readonly schema?: StandardSchemaV1 | undefined
  readonly retention?: RetentionOptions | undefined
  /** How long an id is known after its message's end, and a deduplication key after its message's enqueue, in ms, unless the message says otherwise. Default 300,000. */
  readonly deduplicationWindowMs?: number | undefined
  /** Payloads larger than this, in bytes, get an object of their own. Default 256 KiB. */
  readonly offloadAboveBytes?: number | undefined
  /**
   * How long a commit may wait for more to go with it, in ms, 0 to 60,000 and less than `acknowledgeTimeoutMs`. Default 0: least latency. More
   * means fewer requests. It waits only when more is likely to come, going by what came lately. A process that does not write lets messages wait
   * in the same way before it sends them.
   */
  readonly lingerMs?: number | undefined
  /** Largest payload, in bytes of its JSON. Default 1 MiB, at most 16 MiB. */
  readonly maxPayloadBytes?: number | undefined
  /**
   * Largest record of a failed attempt: the error's name, message, code, causes and as much of its stack as fits, in bytes, 256 to 65,536. The last three
   * failures of a message are kept in full. Default 4,096.
   */
  readonly maxFailureBytes?: number | undefined
  /**
   * The longest silence of a writer before another process takes over, in ms, from 300 on. Default 30,000. It is an upper bound: a silence of about 3 s is enough while there
   * is work or a process needs the writer, and none where its process is known to have ended.
   */
  readonly takeoverAfterMs?: number | undefined
  /**
   * Longest wait of the writer between two reads of the inbox, in ms, 10 to an hour. Default 60,000. Other processes wake the writer within about a second;
   * this bounds how long a command waits if they could not. The same in all processes of a queue.
   */
  readonly maxPollMs?: number | undefined
  /**
   * How long a call waits for the store before it rejects with `NotAcknowledged`, in ms, 100 to an hour. Default 60,000. What needs the answer of
   * a writer in another process (`pause`, `cancel`, `redrive` …) waits `maxPollMs` longer.
   */
  readonly acknowledgeTimeoutMs?: number | undefined
  /**
   * What reading says of a queue that does not exist, as no process has ever enqueued to it, processed or paused it: `reject` with `QueueNotFound`, or `empty`, as
   * of an empty queue, for tools that may start before the first producer. Neither creates it. Default `reject`.
   */
  readonly ifMissing?: 'reject' | 'empty' | undefined
  /** How messages reach workers of other processes: see `@s3queue/coordinator`. Default: none, the writer's process handles them all. */
  readonly transport?: Transport | undefined
  /** Which of the logs of a queue with several this is, 0 to 9,999: see `@s3queue/coordinator`. Default 0. */
  readonly shard?: number | undefined
  /** Where troubles are reported that no call can be told of. Default: Node's process warnings. */
  readonly logger?: Logger | undefined
  /** Time, randomness, ids, async contexts, processes, and what is too slow or too large to be seen in a test; for tests and simulation. Default: the machine's. */
  readonly runtime?: Partial<Runtime> | undefined
}

/** The effects that the core does not have of itself, and thresholds that no user needs to know. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  readonly contexts: AsyncContexts
  /** Which processes of this machine run. */
  readonly processes: Processes
  /** Commits between two snapshots, at most. Default 512. */
  readonly snapshotAfterCommits: number
}

export interface ResolvedQueueOptions extends Runtime {
  readonly name: string
  readonly store: ObjectStore
  readonly transport: Transport | undefined
  readonly shard: number
  /** Where all queues of the namespace lie, ending in a slash. */
  readonly namespacePrefix: string
  /** Where the queue's objects lie, ending in a slash. */
  readonly prefix: string
  readonly visibilityTimeoutMs: number
  readonly maxAttempts: number
  readonly backoff: Backoff
  readonly backoffFunction: BackoffFunction | undefined
  readonly schema: StandardSchemaV1 | undefined
  /** Of a new queue. */
  readonly retention: Retention
  /** What was given of it. */
  readonly givenRetention: Partial<Retention>
  readonly deduplicationWindowMs: number
  readonly offloadAboveBytes: number
  readonly lingerMs: number
  readonly maxPayloadBytes: number
  readonly maxFailureBytes: number
  readonly takeoverAfterMs: number
  readonly maxPollMs: number
  readonly acknowledgeTimeoutMs: number
  readonly ifMissing: 'reject' | 'empty'
  readonly logger: Logger
}

const HOUR_MS = 3_600_000
/** Names of all options of a queue. */
export const QUEUE_KEYS: readonly string[] = [
  'name',
  'store',
  'namespace',
  'visibilityTimeoutMs',
  'maxAttempts',
  'backoff',
  'schema',
  'retention',
  'deduplicationWindowMs',
  'offloadAboveBytes',
  'lingerMs',
  'maxPayloadBytes',
  'maxFailureBytes',
  'takeoverAfterMs',
  'maxPollMs',
  'acknowledgeTimeoutMs',
  'ifMissing',
  'transport',
  'shard',
  'logger',
  'runtime',
]

/** Fills in the defaults. Throws `InvalidOption` for unknown names and impossible values, in the name of `who`; nothing is clamped. */
export function resolveQueueOptions(options: QueueOptions, who = 'createQueue'): ResolvedQueueOptions {
  if (typeof options !== 'object' || options === null)
    throw new InvalidOption(who, 'options', 'must be an object with at least name and store.')
  assertKnownKeys(who, options, QUEUE_KEYS)
  const { store, transport, runtime = {}, logger = systemLogger, ifMissing = 'reject' } = options
  const name = keySegment(who, 'name', options.name)
  const namespace = keySegment(who, 'namespace', options.namespace ?? 's3queue')
  if (!hasMethods(store, ['get', 'put', 'delete', 'list'])) {
    throw new InvalidOption(
      who,
      'store',
      'must be an object store with get, put, delete and list, such as createFsStore({ directory: "./data" }).',
    )
  }
  assertRuntime(`${who}.runtime`, runtime)
  if (transport !== undefined && (typeof transport?.lead !== 'function' || typeof transport.join !== 'function')) {
    throw new InvalidOption(who, 'transport', 'must be a transport, such as those of @s3queue/coordinator.')
  }
  if (typeof logger?.warn !== 'function' || typeof logger.error !== 'function')
    throw new InvalidOption(who, 'logger', 'must have the methods warn and error, as console and pino do.')
  if (ifMissing !== 'reject' && ifMissing !== 'empty')
    throw new InvalidOption(who, 'ifMissing', `must be "reject" or "empty", not ${JSON.stringify(ifMissing)}.`)
  const whole = { integer: true }
  const shard = numberOption(who, 'shard', options.shard, 0, { max: 9999, ...whole })
  const takeoverAfterMs = numberOption(who, 'takeoverAfterMs', options.takeoverAfterMs, 30_000, {
    min: 300,
    max: HOUR_MS,
    ...whole,
  })
  return {
    name,
    ...{ store, transport, shard, ifMissing },
    namespacePrefix: `${namespace}/`,
    prefix: `${namespace}/${name}/${shard}/`,
    visibilityTimeoutMs: numberOption(who, 'visibilityTimeoutMs', options.visibilityTimeoutMs, 30_000, {
      min: 100,
      max: 12 * HOUR_MS,
      ...whole,
    }),
    maxAttempts: numberOption(who, 'maxAttempts', options.maxAttempts, 3, { min: 1, max: 1000, ...whole }),
    ...resolveMessageDefaults(who, options),
    ...resolvePatience(who, options),
    maxPayloadBytes: numberOption(who, 'maxPayloadBytes', options.maxPayloadBytes, 1 << 20, {
      min: 1,
      max: 16 << 20,
      ...whole,
    }),
    maxFailureBytes: numberOption(who, 'maxFailureBytes', options.maxFailureBytes, 4096, {
      min: 256,
      max: 64 << 10,
      ...whole,
    }),
    takeoverAfterMs,
    maxPollMs: numberOption(who, 'maxPollMs', options.maxPollMs, 60_000, { min: 10, max: HOUR_MS, ...whole }),
    logger,
    clock: runtime.clock ?? systemClock,
    random: runtime.random ?? systemRandom,
    ids: runtime.ids ?? systemIds,
    contexts: runtime.contexts ?? systemContexts,
    processes: runtime.processes ?? systemProcesses,
    snapshotAfterCommits: numberOption(`${who}.runtime`, 'snapshotAfterCommits', runtime.snapshotAfterCommits, 512, {
      min: 1,
      ...whole,
    }),
  }
}

function assertRuntime(who: string, runtime: Partial<Runtime>): void {
  assertKnownKeys(who, runtime, ['clock', 'random', 'ids', 'contexts', 'processes', 'snapshotAfterCommits'])
  const ports = {
    ...{ clock: ['now', 'monotonic', 'setTimer'], random: ['next'], ids: ['ulid', 'nonce'] },
    ...{ contexts: ['capture', 'isWithin'], processes: ['self', 'state'] },
  } as const
  for (const [option, methods] of Object.entries(ports)) {
    const port = runtime[option as keyof typeof ports]
    if (port !== undefined && !hasMethods(port, methods))
      throw new InvalidOption(who, option, `must have the methods ${methods.join(', ')}.`)
  }
}

function hasMethods(port: unknown, methods: readonly string[]): boolean {
  if (typeof port !== 'object' || port === null) return false
  return methods.every((method) => typeof Reflect.get(port, method) === 'function')
}

/** How long a call may be on its way: a wait for company must not use that up. */
function resolvePatience(
  who: string,
  options: QueueOptions,
): Pick<ResolvedQueueOptions, 'lingerMs' | 'acknowledgeTimeoutMs'> {
  const lingerMs = numberOption(who, 'lingerMs', options.lingerMs, 0, { max: 60_000, integer: true })
  const acknowledgeTimeoutMs = numberOption(who, 'acknowledgeTimeoutMs', options.acknowledgeTimeoutMs, 60_000, {
    min: 100,
    max: HOUR_MS,
    integer: true,
  })
  if (lingerMs < acknowledgeTimeoutMs) return { lingerMs, acknowledgeTimeoutMs }
  const why = 'calls would be given up while they wait for company'
  throw new InvalidOption(
    who,
    'lingerMs',
    `must be less than acknowledgeTimeoutMs (${acknowledgeTimeoutMs}), not ${lingerMs}: ${why}.`,
  )
}

function resolveMessageDefaults(
  who: string,
  options: QueueOptions,
): Pick<
  ResolvedQueueOptions,
  | 'backoff'
  | 'backoffFunction'
  | 'schema'
  | 'retention'
  | 'givenRetention'
  | 'deduplicationWindowMs'
  | 'offloadAboveBytes'
> {
  const { backoff, schema, retention = {} } = options
  if (schema !== undefined && typeof schema?.['~standard']?.validate !== 'function') {
    throw new InvalidOption(who, 'schema', 'must be a Standard Schema, such as one of zod, valibot or arktype.')
  }
  return {
    backoff: resolveBackoff(`${who}.backoff`, typeof backoff === 'function' ? {} : backoff),
    backoffFunction: typeof backoff === 'function' ? backoff : undefined,
    schema,
    retention: resolveRetention(`${who}.retention`, retention),
    givenRetention: Object.fromEntries(Object.entries(retention).filter(([, value]) => value !== undefined)),
    deduplicationWindowMs: numberOption(who, 'deduplicationWindowMs', options.deduplicationWindowMs, 300_000, {
      max: 31 * 24 * HOUR_MS,
      integer: true,
    }),
    offloadAboveBytes: numberOption(who, 'offloadAboveBytes', options.offloadAboveBytes, 256 << 10, {
      max: 16 << 20,
      integer: true,
    }),
  }
}

/** `value` as a part of keys. Throws `InvalidOption`. */
export function keySegment(who: string, option: string, value: unknown, maxLength = 100): string {
  if (typeof value === 'string' && isKeySegment(value) && value.length <= maxLength) return value
  throw new InvalidOption(
    who,
    option,
    `must be 1 to ${maxLength} of A-Z a-z 0-9 . _ = @ + , - and not begin with a dot, not ${JSON.stringify(value)}.`,
  )
}
