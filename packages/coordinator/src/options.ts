/** What a queue of several processes can be told, and the same with every default filled in. */
import type { QueueOptions } from '@s3queue/core'
import { QUEUE_KEYS, type ResolvedQueueOptions, resolveQueueOptions } from '@s3queue/core/shard'
import { assertKnownKeys, numberOption } from '@s3queue/storage'
import { MAX_SHARDS } from './shards/record.ts'

/** How the processes of a queue keep in touch. */
export interface CoordinatorOptions {
  /** How often a worker that has messages in hand writes its heartbeat, in ms, 100 to 10 minutes. Default 10,000. Idle workers write it eighteen times less often. */
  readonly heartbeatIntervalMs?: number | undefined
  /** How long a worker may be silent after its next heartbeat is due before it gets no more messages, in ms. At least twice the interval. Default 30,000. */
  readonly heartbeatTtlMs?: number | undefined
  /** Shortest wait between two reads of a worker's mailbox, in ms, 10 to 60,000. Default 100. The longest is `maxPollMs`, or a third of `visibilityTimeoutMs` if that is less. */
  readonly dispatchIntervalMs?: number | undefined
}

export interface ResolvedCoordinatorOptions {
  readonly heartbeatIntervalMs: number
  readonly heartbeatTtlMs: number
  readonly dispatchIntervalMs: number
}

const COORDINATOR_KEYS = ['heartbeatIntervalMs', 'heartbeatTtlMs', 'dispatchIntervalMs'] as const

/** Fills in the defaults. Throws `InvalidOption` for unknown names and impossible values; nothing is clamped. */
export function resolveCoordinatorOptions(who: string, options: CoordinatorOptions = {}): ResolvedCoordinatorOptions {
  assertKnownKeys(who, options, COORDINATOR_KEYS)
  const whole = { integer: true }
  const heartbeatIntervalMs = numberOption(who, 'heartbeatIntervalMs', options.heartbeatIntervalMs, 10_000, {
    min: 100,
    max: 600_000,
    ...whole,
  })
  return {
    heartbeatIntervalMs,
    heartbeatTtlMs: numberOption(
      who,
      'heartbeatTtlMs',
      options.heartbeatTtlMs,
      Math.max(30_000, 3 * heartbeatIntervalMs),
      {
        min: 2 * heartbeatIntervalMs,
        max: 3_600_000,
        ...whole,
      },
    ),
    dispatchIntervalMs: numberOption(who, 'dispatchIntervalMs', options.dispatchIntervalMs, 100, {
      min: 10,
      max: 60_000,
      ...whole,
    }),
  }
}

/** What a queue of several processes can be told: the core's options, and how the processes keep in touch. */
export interface CoordinatedQueueOptions extends Omit<QueueOptions, 'transport' | 'shard'>, CoordinatorOptions {
  /**
   * Over how many logs the queue is spread, 1 to 64: each has a writer of its own and costs what a queue costs. The number is written down in the store and
   * can be raised, never lowered. Default: as many as are written down, else one.
   */
  readonly shards?: number | undefined
}

export interface ResolvedCoordinatedQueueOptions {
  /** Of each log of the queue. */
  readonly settings: ResolvedQueueOptions
  readonly coordination: ResolvedCoordinatorOptions
  /** How many logs there are to be; undefined: as many as are written down. */
  readonly wanted: number | undefined
  /** What the core is given for each log. */
  readonly forCore: QueueOptions
}

const WHO = 'createCoordinatedQueue'
/** The transport is this package's, and which log is which is told by the number of shards alone. */
const KEYS: readonly string[] = [
  ...QUEUE_KEYS.filter((key) => key !== 'transport' && key !== 'shard'),
  ...COORDINATOR_KEYS,
  'shards',
]

/** Fills in the defaults. Throws `InvalidOption` for unknown names and impossible values; nothing is clamped. */
export function resolveCoordinatedQueueOptions(given: CoordinatedQueueOptions): ResolvedCoordinatedQueueOptions {
  assertKnownKeys(WHO, given, KEYS)
  const { heartbeatIntervalMs, heartbeatTtlMs, dispatchIntervalMs, shards: wanted, ...forCore } = given
  const settings = resolveQueueOptions(forCore, WHO)
  const coordination = resolveCoordinatorOptions(WHO, { heartbeatIntervalMs, heartbeatTtlMs, dispatchIntervalMs })
  if (wanted !== undefined) numberOption(WHO, 'shards', wanted, 1, { min: 1, max: MAX_SHARDS, integer: true })
  return { settings, coordination, wanted, forCore }
}
