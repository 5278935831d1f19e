/**
 * One call in several shards. A shard may refuse its part while another one carries its part out: then only part of the call took effect, and only
 * `NotAcknowledged` may say so.
 */
import { NotAcknowledged } from '@s3queue/core'

/**
 * Resolves to the answers of all parts. If none of them took effect, rejects with the first refusal. If some did or may have, rejects with
 * `NotAcknowledged`.
 */
export async function allTogether<R>(parts: readonly Promise<R>[]): Promise<R[]> {
  const outcomes = await Promise.allSettled(parts)
  const answers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const failures: unknown[] = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  if (failures.length === 0) return answers
  const unknown = failures.find((failure) => failure instanceof NotAcknowledged)
  if (answers.length > 0) throw partlyDone(answers.length, parts.length, unknown ?? failures[0])
  throw unknown ?? failures[0]
}

/** The error of a call that took effect in `done` of `all` shards. */
export function partlyDone(done: number, all: number, failure: unknown): NotAcknowledged {
  const cause = failure instanceof Error ? failure : new Error(String(failure))
  return new NotAcknowledged(
    `The call took effect in ${done} of ${all} shards and failed in the others. Check, or repeat it. The last error was: ${cause.message}`,
    cause,
  )
}
