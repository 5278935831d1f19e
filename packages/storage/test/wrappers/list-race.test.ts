import { describe, expect, test } from 'vitest'
import { type ListResult, seededRandom } from '../../src/index.ts'
import { mergeLists } from '../../src/wrappers/faults/list-race.ts'

const page = (keys: readonly string[], limit: number): ListResult => ({
  entries: keys.slice(0, limit).map((key) => ({ key, size: 1 })),
  truncated: keys.length > limit,
})

describe('mergeLists', () => {
  test('shows all that was there both times as far as it goes, and tells truly whether there is more', () => {
    const random = seededRandom(6)
    const names = Array.from({ length: 12 }, (_, i) => `k${String(i).padStart(2, '0')}`)
    const limit = 4
    let shownOnce = 0
    for (let round = 0; round < 5_000; round++) {
      const before = names.filter(() => random.next() < 0.5)
      const after = names.filter((name) => (random.next() < 0.6 ? before.includes(name) : random.next() < 0.5))
      const { entries, truncated } = mergeLists(page(before, limit), page(after, limit), limit, random)
      const keys = entries.map((entry) => entry.key)
      const last = truncated ? (keys.at(-1) ?? '') : '~'
      expect(keys).toEqual([...new Set(keys)].sort())
      expect(keys.length).toBeLessThanOrEqual(limit)
      expect(keys.every((key) => before.includes(key) || after.includes(key))).toBe(true)
      expect(keys).toEqual(expect.arrayContaining(before.filter((key) => after.includes(key) && key <= last)))
      if (truncated) expect(keys.length, 'something to go on from').toBeGreaterThan(0)
      shownOnce += keys.filter((key) => before.includes(key) !== after.includes(key)).length
    }
    expect(shownOnce).toBeGreaterThan(1_000)
  })

  test('is the later page where a coin would leave a page without anything to go on from', () => {
    const tails = { next: () => 0.9 }
    const [before, after] = [page(['a', 'b', 'x'], 2), page(['c', 'd', 'x'], 2)]
    expect(mergeLists(before, after, 2, tails)).toEqual(after)
  })
})
