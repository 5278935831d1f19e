/** What becomes of a message whose handler failed. */
import { assertKnownKeys, InvalidOption } from '@s3queue/storage'
import { alias, OWNER, whole } from './option-checks.ts'

/**
 * - `retry`: attempts, and then it stays in the queue as `failed`.
 * - `dead-letter`: a dead letter after the first failure.
 * - `hybrid`: attempts, and then a dead letter.
 */
export type FailureMode = 'retry' | 'dead-letter' | 'hybrid'

export type FailureStrategy =
  | FailureMode
  | {
      readonly mode: FailureMode
      readonly maxRetries?: number | undefined
      readonly deadLetterQueue?: string | undefined
    }

export interface FailureOptions {
  /** Attempts in all. Default 3. */
  readonly maxAttempts?: number | undefined
  /** The same as `maxAttempts`. */
  readonly maxRetries?: number | undefined
  /** What becomes of a message that failed. Default `hybrid`. */
  readonly failureStrategy?: FailureStrategy | undefined
}

export interface ResolvedFailure {
  readonly maxAttempts: number
  readonly deadStatus: 'dead' | 'failed'
  /** Whether what is dead goes to the dead letter resource, if there is one. */
  readonly hasDeadLetters: boolean
  /** A name for that resource, given here. */
  readonly deadLetterQueue: string | undefined
}

const MODES: readonly FailureMode[] = ['retry', 'dead-letter', 'hybrid']

export function resolveFailureStrategy(options: FailureOptions): ResolvedFailure {
  const { failureStrategy = 'hybrid' } = options
  const strategy = typeof failureStrategy === 'string' ? { mode: failureStrategy } : failureStrategy
  if (typeof strategy !== 'object' || strategy === null || !MODES.includes(strategy.mode)) {
    throw new InvalidOption(
      OWNER,
      'failureStrategy',
      `must be one of ${MODES.join(', ')}, or an object with one as its mode, not ${JSON.stringify(failureStrategy)}.`,
    )
  }
  assertKnownKeys(`${OWNER}.failureStrategy`, strategy, ['mode', 'maxRetries', 'deadLetterQueue'])
  const attempts = alias('maxAttempts', options.maxAttempts, 'maxRetries', options.maxRetries) ?? strategy.maxRetries
  const maxAttempts = whole('maxAttempts', attempts, 3, 1, 1000)
  return {
    maxAttempts: strategy.mode === 'dead-letter' ? 1 : maxAttempts,
    deadStatus: strategy.mode === 'retry' ? 'failed' : 'dead',
    hasDeadLetters: strategy.mode !== 'retry',
    deadLetterQueue: strategy.deadLetterQueue,
  }
}
