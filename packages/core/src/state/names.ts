/**
 * Ids and deduplication keys in use: which message each stands for, and until when. An id stands for its message while that is
 * known and for its window afterwards; a key for its window from the enqueue on.
 */
import type { Extras } from './events.ts'

export interface Named {
  /** The message's id. */
  readonly id: string
  /** ms since 1970. */
  readonly until: number
}

export interface Names {
  /** Ids of messages that are not at their end. They follow from the messages, so a snapshot leaves them out. */
  readonly held: Set<string>
  /** Ids of messages at their end, and until when they are taken, ms since 1970. */
  readonly ended: Map<string, number>
  /** Deduplication keys. */
  readonly keys: Map<string, Named>
}

export function noNames(): Names {
  return { held: new Set(), ended: new Map(), keys: new Map() }
}

/** The message that another one with these settings would be a duplicate of. */
export function findName({ held, ended, keys }: Names, extras: Extras | undefined, now: number): string | undefined {
  if (extras === undefined) return undefined
  const { id, deduplicationKey } = extras
  if (id !== undefined && (held.has(id) || (ended.get(id) ?? 0) > now)) return id
  const named = deduplicationKey === undefined ? undefined : keys.get(deduplicationKey)
  return named !== undefined && named.until > now ? named.id : undefined
}

/** The messages that have the id or the deduplication key of these settings, if any. */
export function findNames(names: Names, extras: Extras | undefined, now: number): readonly string[] {
  const byId = findName(names, extras?.id === undefined ? undefined : { id: extras.id }, now)
  const key = extras?.deduplicationKey
  const byKey = findName(names, key === undefined ? undefined : { deduplicationKey: key }, now)
  return [...new Set([byId, byKey])].filter((id) => id !== undefined)
}

/** Enters a new message. */
export function enterNames({ held, ended, keys }: Names, extras: Extras | undefined, id: string, now: number): void {
  if (extras?.id !== undefined) {
    held.add(extras.id)
    ended.delete(extras.id)
  }
  if (extras?.deduplicationKey !== undefined) {
    keys.set(extras.deduplicationKey, { id, until: now + (extras.windowMs ?? 0) })
  }
}

/** A message is at its end, or no longer in the dead letters. */
export function endNames({ held, ended }: Names, extras: Extras | undefined, now: number): void {
  if (extras?.id === undefined) return
  held.delete(extras.id)
  const until = now + (extras.windowMs ?? 0)
  if (until > now) ended.set(extras.id, until)
}

/** Forgets what is over. */
export function forgetNames({ ended, keys }: Names, now: number): void {
  for (const [id, until] of ended) if (until <= now) ended.delete(id)
  for (const [key, { until }] of keys) if (until <= now) keys.delete(key)
}
