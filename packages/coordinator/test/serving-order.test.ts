import { seededRandom } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { Recency } from '../src/registry/recency.ts'
import { inServingOrder } from '../src/serving-order.ts'

interface Candidate {
  readonly name: string
  noticedAt: number
}

const NOW = 10_000
const at = (name: string, noticedAt: number): Candidate => ({ name, noticedAt })
const names = (candidates: Iterable<Candidate>): string[] => Array.from(candidates, ({ name }) => name)

describe('who is served first', () => {
  const awake = at('awake', NOW - 100)
  const drowsy = at('drowsy', NOW - 1999)
  const asleep = at('asleep', NOW - 2000)
  const silent = at('silent', Number.NEGATIVE_INFINITY)

  it('are those whose notices came last, and before those that sleep the deputies', () => {
    const deputy = at('deputy', NOW - 5000)
    const all = [awake, drowsy, asleep, deputy, silent]
    expect(names(inServingOrder(all, [deputy], NOW))).toEqual(['awake', 'drowsy', 'deputy', 'asleep', 'silent'])
  })

  it('counts a deputy that is awake as one of those', () => {
    const all = [awake, drowsy, asleep]
    expect(names(inServingOrder(all, [drowsy], NOW))).toEqual(['awake', 'drowsy', 'asleep'])
    expect(names(inServingOrder([asleep, silent], [silent], NOW))).toEqual(['silent', 'asleep'])
    expect(names(inServingOrder([], [], NOW))).toEqual([])
  })

  it('looks no further than it is asked to', () => {
    let looked = 0
    const counted = function* (): Generator<Candidate, void, void> {
      for (const candidate of [awake, drowsy, asleep]) {
        looked++
        yield candidate
      }
    }
    inServingOrder(counted(), [], NOW).next()
    expect(looked).toBe(1)
  })
})

describe('recency', () => {
  it('is the order in which the items spoke, as with a list that is sorted each time', () => {
    const random = seededRandom(5)
    const recency = new Recency<Candidate>()
    const items = Array.from({ length: 8 }, (_, i) => at(`item ${i}`, 0))
    let expected: Candidate[] = []
    for (let step = 0; step < 2000; step++) {
      const item = items[Math.floor(random.next() * items.length)] ?? at('none', 0)
      const kind = random.next()
      if (kind < 0.5) {
        recency.spoke(item)
        expected = [item, ...expected.filter((other) => other !== item)]
      } else if (kind < 0.7) {
        recency.add(item)
        if (!expected.includes(item)) expected.push(item)
      } else {
        recency.delete(item)
        expected = expected.filter((other) => other !== item)
      }
      expect(names(recency.latestFirst())).toEqual(names(expected))
    }
  })
})
