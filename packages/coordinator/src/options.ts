/** What the coordinator can be told, and the same with every default filled in. */
import { assertKnownKeys, numberOption } from '@s3queue/storage'

export interface CoordinatorOptions {
  /** How often a worker that has messages in hand gives a sign of life, in ms, 100 to 10 minutes. Default 10,000. Idle workers do so eighteen times more seldom. */
  readonly heartbeatIntervalMs?: number | undefined
  /** How long a worker may be silent beyond its next sign before it gets no more messages, in ms. At least twice the interval. Default 30,000. */
  readonly heartbeatTtlMs?: number | undefined
  /** Shortest wait between two looks of a worker into its mailbox, in ms, 10 to 60,000. Default 100. The longest is the queue's `maxPollMs`. */
  readonly dispatchIntervalMs?: number | undefined
}

export interface ResolvedCoordinatorOptions {
  readonly heartbeatIntervalMs: number
  readonly heartbeatTtlMs: number
  readonly dispatchIntervalMs: number
}

export const COORDINATOR_KEYS = ['heartbeatIntervalMs', 'heartbeatTtlMs', 'dispatchIntervalMs'] as const

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
