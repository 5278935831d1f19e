import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyEvent, beginCommit } from '../../src/state/apply.ts'
import { emptyState, type QueueState } from '../../src/state/model.ts'
import { Recent } from '../../src/state/recent.ts'
import { decodeState, encodeState } from '../../src/state/snapshot.ts'

const DAY_MS = 24 * 3_600_000

/** A queue that remembers `completedCount` completed messages, one after the other with each of `ids`, a few at a time. */
function complete(ids: readonly string[], completedCount: number, atOnce: number, together: boolean): QueueState {
  const state = emptyState()
  const retention = { completedCount, completedAgeMs: DAY_MS, completedBytes: 1e6, deadCount: 10, deadAgeMs: DAY_MS }
  beginCommit(state, 1)
  applyEvent(state, { type: 'configured', retention })
  for (let first = 0; first < ids.length; first += atOnce) {
    beginCommit(state, 1 + first)
    applyEvent(state, { type: 'time', at: 1000 + first })
    // No id twice among those that are there at the same time.
    const some = [...new Set(ids.slice(first, first + atOnce))]
    const tokens = some.map((id, i) => {
      const message = { sender: 'S', seq: first + i, count: 1, maxAttempts: 1, priority: 0, visibleAt: 0 }
      const [token, run] = [state.nextToken, state.nextRun]
      applyEvent(state, { type: 'enqueued', ...message, extras: { id, windowMs: 0 } })
      applyEvent(state, { type: 'claimed', worker: 'w', token, timeoutMs: 1000, runs: [run, 1] })
      return token
    })
    const results = tokens.map((token): [number, string] => [token, String(token)])
    if (together) applyEvent(state, { type: 'completed', tokens, results })
    else
      for (const [i, token] of tokens.entries())
        applyEvent(state, { type: 'completed', tokens: [token], results: results.slice(i, i + 1) })
  }
  return state
}

describe('entries in the order in which they came', () => {
  it('leave nothing behind that piles up, though the oldest stays', () => {
    let looks = 0
    class Watched extends Recent<object> {
      override get(key: string): object | undefined {
        looks++
        return super.get(key)
      }
    }
    const entries = new Watched()
    entries.set('stays', {})
    for (let n = 0; n < 20_000; n++) {
      entries.set('comes and goes', {})
      entries.delete('comes and goes')
    }
    entries.delete('stays')
    entries.set('last', {})
    looks = 0
    expect(entries.oldest()?.[0]).toBe('last')
    expect(looks).toBeLessThan(2000)
  })
})

describe('completed messages', () => {
  it('are remembered up to the retention, the latest ones, with what their numbers are', () => {
    const state = complete(['a', 'b', 'c', 'd', 'e'], 2, 5, true)
    expect([...state.completed].map(([id, { ordinal, result }]) => [id, ordinal, result])).toEqual([
      ['d', 3, '4'],
      ['e', 4, '5'],
    ])
    expect(state.counts.completed).toBe(5)
  })

  it('are the same that would be there if they had ended one by one, also where ids come again', () => {
    const ids = fc.array(fc.constantFrom(...'abcdefgh'), { maxLength: 30 })
    fc.assert(
      fc.property(ids, fc.nat({ max: 6 }), fc.integer({ min: 1, max: 10 }), (all, completedCount, atOnce) => {
        const together = complete(all, completedCount, atOnce, true)
        const single = complete(all, completedCount, atOnce, false)
        expect([...together.completed]).toEqual([...single.completed])
        expect(together.completed.oldest()).toEqual(single.completed.oldest())
        expect(encodeState(together)).toEqual(encodeState(single))
        expect([...decodeState(encodeState(together)).completed]).toEqual([...single.completed])
      }),
    )
  })
})
