import type { ListEntry, ListResult } from '../../port/object-store.ts'
import type { Random } from '../../runtime/random.ts'

/**
 * A list that was going on from `before` to `after`, two answers to the same request: what is in both is in it, and of what is in one alone, each
 * key by the toss of a coin. Beyond the end of the shorter page nothing is known, so the merged page ends there.
 */
export function mergeLists(before: ListResult, after: ListResult, limit: number, random: Random): ListResult {
  const end = [endOf(before), endOf(after)].reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a))
  const first = new Map(before.entries.map((entry) => [entry.key, entry]))
  const second = new Map(after.entries.map((entry) => [entry.key, entry]))
  const merged: ListEntry[] = []
  for (const key of [...new Set([...first.keys(), ...second.keys()])].sort()) {
    if (end !== undefined && key > end) break
    const [a, b] = [first.get(key), second.get(key)]
    const entry = a && b ? b : random.next() < 0.5 ? (a ?? b) : undefined
    if (entry) merged.push(entry)
  }
  // A page that says there is more must have something to go on from.
  if (merged.length === 0 && end !== undefined) return after
  return { ...after, entries: merged.slice(0, limit), truncated: end !== undefined || merged.length > limit }
}

/** The last key up to which the answer is complete; undefined if that is all of them. */
function endOf({ entries, truncated }: ListResult): string | undefined {
  return truncated ? entries.at(-1)?.key : undefined
}
