/**
 * The keys of a store in ascending order, for lists.
 *
 * Writes and deletes only note what changed. The sorted array is brought up to date by the next list: a few changes by binary search, many in
 * one pass. So a list costs what it returns, also among a hundred thousand keys, and writes between lists cost next to nothing.
 */
export interface KeyIndex {
  add(key: string): void
  remove(key: string): void
  /** The keys in ascending order. The array belongs to the index and is only good until the next change. */
  sorted(): readonly string[]
}

/** Up to so many changes are put in one by one; each moves the rest of the array, which is still faster than merging it all. */
const FEW_CHANGES = 32

export function createKeyIndex(initial: readonly string[] = []): KeyIndex {
  let keys = [...initial]
  const added = new Set<string>()
  const removed = new Set<string>()

  const catchUp = (): void => {
    if (added.size + removed.size <= FEW_CHANGES) {
      for (const key of removed) keys.splice(lowerBound(keys, key), 1)
      for (const key of added) keys.splice(lowerBound(keys, key), 0, key)
    } else {
      keys = merge(removed.size === 0 ? keys : keys.filter((key) => !removed.has(key)), [...added].sort(byCodeUnit))
    }
    added.clear()
    removed.clear()
  }
  return {
    add(key) {
      if (!removed.delete(key)) added.add(key)
    },
    remove(key) {
      if (!added.delete(key)) removed.add(key)
    },
    sorted() {
      if (added.size + removed.size > 0) catchUp()
      return keys
    },
  }
}

/** The index of the first of the ascending `keys` that is not below `key`. */
export function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}

/** For the ASCII of keys this is byte order. */
function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function merge(a: readonly string[], b: readonly string[]): string[] {
  const merged: string[] = []
  let j = 0
  for (const key of a) {
    for (let other = b[j]; other !== undefined && other < key; other = b[++j]) merged.push(other)
    merged.push(key)
  }
  while (j < b.length) merged.push(b[j++] as string)
  return merged
}
