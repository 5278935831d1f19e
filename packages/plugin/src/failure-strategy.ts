/** What becomes of a message whose handler failed. */
import { InvalidOption } from '@s3queue/storage'
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
  /** A resource that gets a row for each dead message; made if it is not there. Default: none, they stay in the queue as `dead`. */
  readonly deadLetterResource?: string | undefined
  /** Both names in one. */
  readonly resourceNames?: { readonly queue?: string | undefined; readonly deadLetter?: string | undefined } | undefined
}

export interface ResolvedFailure {
  readonly maxAttempts: number
  readonly deadStatus: 'dead' | 'failed'
  readonly deadLetterResource: string | undefined
}

const MODES: readonly FailureMode[] = ['retry', 'dead-letter', 'hybrid']

export function resolveFailureStrategy(options: FailureOptions): ResolvedFailure {
  const { failureStrategy = 'hybrid', deadLetterResource, resourceNames } = options
  const strategy = typeof failureStrategy === 'string' ? { mode: failureStrategy } : failureStrategy
  if (typeof strategy !== 'object' || strategy === null || !MODES.includes(strategy.mode)) {
    throw new InvalidOption(
      OWNER,
      'failureStrategy',
      `must be one of ${MODES.join(', ')}, or an object with one as its mode, not ${JSON.stringify(failureStrategy)}.`,
    )
  }
  const attempts = alias('maxAttempts', options.maxAttempts, 'maxRetries', options.maxRetries) ?? strategy.maxRetries
  const maxAttempts = whole('maxAttempts', attempts, 3, 1, 1000)
  const resource = deadLetterResource ?? resourceNames?.deadLetter ?? strategy.deadLetterQueue
  if (resource !== undefined && (typeof resource !== 'string' || resource === ''))
    throw new InvalidOption(OWNER, 'deadLetterResource', `must be a name, not ${JSON.stringify(resource)}.`)
  if (strategy.mode === 'retry') return { maxAttempts, deadStatus: 'failed', deadLetterResource: undefined }
  return {
    maxAttempts: strategy.mode === 'dead-letter' ? 1 : maxAttempts,
    deadStatus: 'dead',
    deadLetterResource: resource,
  }
}
