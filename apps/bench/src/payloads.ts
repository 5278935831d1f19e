/** What the messages of the benchmark carry: about what a newsletter needs, some 50 bytes of JSON. */
export interface Recipient {
  readonly n: number
  readonly to: string
}

export function recipient(n: number): Recipient {
  return { n, to: `subscriber-${String(n).padStart(7, '0')}@example.org` }
}

export function recipients(count: number, first = 0): Recipient[] {
  return Array.from({ length: count }, (_, i) => recipient(first + i))
}

/** 0 to `count` cut into ranges of at most `size`. */
export function* batches(count: number, size: number): Iterable<{ readonly first: number; readonly count: number }> {
  for (let first = 0; first < count; first += size) yield { first, count: Math.min(size, count - first) }
}
