/**
 * What was already taken from each sender (rule 6 of the log): senders number their messages, and a command that
 * comes twice, however late, is taken once.
 *
 * Numbers mostly come in order, so a sender costs one number; those that came early are kept as ranges until the gap before them is filled.
 */

export interface SenderRecord {
  /** Everything below this number was taken. */
  next: number
  /** Taken beyond `next`: pairs of first and one-behind-last, ascending, not touching. */
  early: [number, number][]
  /** When something last came, ms since 1970. */
  seenAt: number
}

/** How long a silent sender is remembered. S3 refuses requests that were signed over 15 minutes ago, so nothing comes later than that by itself. */
export const SENDER_RETENTION_MS: number = 24 * 60 * 60 * 1000

export type Senders = Map<string, SenderRecord>

/** Whether the numbers from `seq` to `seq + count - 1` were taken before. Batches are taken whole, so the first tells. */
export function wasTaken(senders: Senders, sender: string, seq: number): boolean {
  const record = senders.get(sender)
  if (record === undefined) return false
  return seq < record.next || record.early.some(([from, to]) => seq >= from && seq < to)
}

/** Notes that the numbers from `seq` to `seq + count - 1` are taken. */
export function take(senders: Senders, sender: string, seq: number, count: number, now: number): void {
  let record = senders.get(sender)
  if (record === undefined) {
    record = { next: 0, early: [], seenAt: now }
    senders.set(sender, record)
  }
  record.seenAt = now
  const end = seq + count
  if (seq === record.next) record.next = end
  else insert(record.early, seq, end)
  while (record.early[0] !== undefined && record.early[0][0] <= record.next) {
    record.next = Math.max(record.next, record.early[0][1])
    record.early.shift()
  }
}

function insert(ranges: [number, number][], from: number, to: number): void {
  const at = ranges.findIndex((range) => range[0] > from)
  ranges.splice(at < 0 ? ranges.length : at, 0, [from, to])
  for (let i = ranges.length - 1; i > 0; i--) {
    const left = ranges[i - 1] as [number, number]
    const right = ranges[i] as [number, number]
    if (right[0] > left[1]) continue
    left[1] = Math.max(left[1], right[1])
    ranges.splice(i, 1)
  }
}

/** Forgets senders that have been silent for longer than any request can be late. */
export function forgetSilent(senders: Senders, now: number): void {
  for (const [sender, record] of senders) if (now - record.seenAt > SENDER_RETENTION_MS) senders.delete(sender)
}
