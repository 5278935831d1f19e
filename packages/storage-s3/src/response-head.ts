/** What the head of an answer tells besides its outcome: the store's clock, and how long it asks to be left alone. */
import type { Clock } from '@s3queue/storage'

export interface ResponseHead {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** The `Date` header in ms since 1970: whole seconds (RFC 9110, section 6.6.1). */
export function readStoreTimeMs(head: ResponseHead | undefined): number | undefined {
  return parseDate(head?.headers.date)
}

/**
 * `Retry-After` in ms from now: seconds, or a date (RFC 9110, section 10.2.3). A date is held against the store's own
 * `Date`, where there is one, so that a wrong clock on this side does no harm.
 */
export function readRetryAfterMs(head: ResponseHead | undefined, clock: Clock): number | undefined {
  const text = head?.headers['retry-after']?.trim()
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const dateMs = parseDate(text)
  if (dateMs === undefined) return undefined
  return Math.max(0, dateMs - (readStoreTimeMs(head) ?? clock.now()))
}

function parseDate(text: string | undefined): number | undefined {
  const ms = text?.endsWith(' GMT') ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}
