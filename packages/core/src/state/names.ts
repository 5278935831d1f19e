/**
 * Ids and deduplication keys in use: which message each stands for, and until when. An id stands for its message while that is
 * known and for its window afterwards; a key for its window from the enqueue on.
 */
import type { Extras } from './events.ts'

export interface Named {
  /** The message's id. */
  readonly id: string
  /** ms since 1970; null while the message is not at its end. */
  readonly until: number | null
}

/** Ids under `i:<id>`, deduplication keys under `k:<key>`. */
export type Names = Map<string, Named>

/** The message that another one with these settings would be a duplicate of. */
export function findName(names: Names, extras: Extras | undefined, now: number): string | undefined {
  if (extras === undefined) return undefined
  for (const name of namesOf(extras)) {
    const named = names.get(name)
    if (named !== undefined && (named.until === null || named.until > now)) return named.id
  }
  return undefined
}

/** Enters a new message. */
export function enterNames(names: Names, extras: Extras | undefined, id: string, now: number): void {
  if (extras?.id !== undefined) names.set(`i:${extras.id}`, { id, until: null })
  if (extras?.deduplicationKey !== undefined) {
    names.set(`k:${extras.deduplicationKey}`, { id, until: now + (extras.windowMs ?? 0) })
  }
}

/** A message is at its end, or no longer in the dead letters. */
export function endNames(names: Names, extras: Extras | undefined, now: number): void {
  if (extras?.id !== undefined) names.set(`i:${extras.id}`, { id: extras.id, until: now + (extras.windowMs ?? 0) })
}

/** Forgets what is over. */
export function forgetNames(names: Names, now: number): void {
  for (const [name, { until }] of names) if (until !== null && until <= now) names.delete(name)
}

function namesOf({ id, deduplicationKey }: Extras): string[] {
  const names: string[] = []
  if (id !== undefined) names.push(`i:${id}`)
  if (deduplicationKey !== undefined) names.push(`k:${deduplicationKey}`)
  return names
}
