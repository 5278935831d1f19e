/** Which commits are needed: how many payloads and long texts in each one the state refers to. */
export type Live = Map<number, number>

/** `count` more things in commit `slot` are needed. */
export function retain(live: Live, slot: number, count = 1): void {
  live.set(slot, (live.get(slot) ?? 0) + count)
}

/** One thing in commit `slot` is needed no longer. */
export function release(live: Live, slot: number): void {
  const left = (live.get(slot) ?? 0) - 1
  if (left > 0) live.set(slot, left)
  else live.delete(slot)
}
