/**
 * What was already taken from each sender (rule 6 of the log): senders number their messages, and a command that
 * comes twice, however late, is taken once.
 *
 * Numbers mostly come in order, so a sender costs one number; those that came early are kept as ranges until the gap before them is filled.
 */

/** Never changed, only replaced. */
export interface SenderRecord {
  readonly name: string
  /** Everything below this number was taken. */
  readonly next: number
  /** Taken beyond `next`: pairs of first and one-behind-last, ascending, not touching. */
  readonly early: readonly Range[]
  /** When something last came, ms since 1970. */
  readonly seenAt: number
}

type Range = readonly [first: number, behindLast: number]

const NOTHING_EARLY: readonly Range[] = []

/** How long a silent sender is remembered. S3 refuses requests that were signed over 15 minutes ago, so nothing comes later than that by itself. */
const SENDER_RETENTION_MS = 24 * 60 * 60 * 1000

export type Senders = Map<string, SenderRecord>

/** Whether the numbers from `seq` to `seq + count - 1` were taken before. Batches are taken whole, so the first tells. */
export function wasTaken(senders: Senders, sender: string, seq: number): boolean {
  const record = senders.get(sender)
  if (record === undefined) return false
  return seq < record.next || record.early.some(([from, to]) => seq >= from && seq < to)
}

/** Notes that the numbers from `seq` to `seq + count - 1` are taken. Returns the record, whose `name` is one string for all that the sender sends. */
export function take(senders: Senders, sender: string, seq: number, count: number, now: number): SenderRecord {
  const { name, next, early } = senders.get(sender) ?? { name: sender, next: 0, early: NOTHING_EARLY }
  const end = seq + count
  const record =
    seq === next && early.length === 0
      ? { name, next: end, early, seenAt: now }
      : { name, ...withRange(next, early, seq, end), seenAt: now }
  senders.set(name, record)
  return record
}

/** What is taken when the numbers from `from` to `to - 1` are taken as well. */
function withRange(
  next: number,
  early: readonly Range[],
  from: number,
  to: number,
): Pick<SenderRecord, 'next' | 'early'> {
  let at = early.length
  while (at > 0 && (early[at - 1] as Range)[0] > from) at--
  // It joins those before and behind it that it touches.
  let [first, behindLast, start, end] = [from, to, at, at]
  for (let left = early[start - 1]; left !== undefined && left[1] >= first; left = early[--start - 1]) {
    first = left[0]
    behindLast = Math.max(behindLast, left[1])
  }
  for (let right = early[end]; right !== undefined && right[0] <= behindLast; right = early[++end]) {
    behindLast = Math.max(behindLast, right[1])
  }
  if (first <= next) return { next: Math.max(next, behindLast), early: early.slice(end) }
  return { next, early: [...early.slice(0, start), [first, behindLast], ...early.slice(end)] }
}

/** Forgets senders that have been silent for longer than any request can be late. */
export function forgetSilent(senders: Senders, now: number): void {
  for (const [sender, record] of senders) if (now - record.seenAt > SENDER_RETENTION_MS) senders.delete(sender)
}
