import { describe, expect, test } from 'vitest'
import { createIds, type Random, seededRandom, timeOfUlid } from '../../src/index.ts'
import { createManualClock } from '../../src/testing/index.ts'

const CROCKFORD = /^[0-9A-HJKMNP-TV-Z]+$/

describe('createIds', () => {
  test('makes ULIDs: the time in front, 26 characters of Crockford’s base 32', () => {
    // The example of the specification (github.com/ulid/spec): 1469918176385 is 01ARYZ6S41.
    const ids = createIds(createManualClock({ startMs: 1_469_918_176_385 }), seededRandom(1))
    const id = ids.ulid()
    expect(id).toMatch(CROCKFORD)
    expect([id.length, id.slice(0, 10)]).toEqual([26, '01ARYZ6S41'])
  })

  test('ascends, within one millisecond and when the clock goes back', async () => {
    const clock = createManualClock()
    const ids = createIds(clock, seededRandom(2))
    const made: string[] = []
    for (let i = 0; i < 300; i++) {
      made.push(ids.ulid())
      if (i % 10 === 0) clock.jumpWall(-1_000)
      if (i % 7 === 0) await clock.advance(400)
    }
    expect(made).toEqual([...new Set(made)].sort())
  })

  test('ascends also when the random part has come to its end', () => {
    const highest: Random = { next: () => 1 - Number.EPSILON }
    const ids = createIds(createManualClock(), highest)
    const made = [ids.ulid(), ids.ulid(), ids.ulid()]
    expect(made[0]).toMatch(/Z{16}$/)
    expect(made).toEqual([...new Set(made)].sort())
  })

  test('tells when a ULID was made', () => {
    const ids = createIds(createManualClock({ startMs: 1_469_918_176_385 }), seededRandom(1))
    expect(timeOfUlid(ids.ulid())).toBe(1_469_918_176_385)
    expect(timeOfUlid('7ZZZZZZZZZ0000000000000000')).toBe(2 ** 48 - 1)
    for (const other of ['', '01ARYZ6S41', '01ARYZ6S4U0000000000000000']) expect(timeOfUlid(other)).toBeNaN()
  })

  test('makes nonces of any length', () => {
    const ids = createIds(createManualClock(), seededRandom(3))
    expect(ids.nonce().length).toBe(16)
    expect(ids.nonce(5)).toMatch(/^.{5}$/)
    const many = Array.from({ length: 10_000 }, () => ids.nonce())
    expect(new Set(many).size).toBe(10_000)
    expect(new Set(many.join('')).size).toBe(32)
    expect(many.join('')).toMatch(CROCKFORD)
  })
})

describe('seededRandom', () => {
  test('gives the same numbers for the same seed, evenly spread over [0, 1)', () => {
    const [a, b, c] = [seededRandom(42), seededRandom(42), seededRandom(43)]
    const first = Array.from({ length: 10_000 }, () => a.next())
    expect(Array.from({ length: 10_000 }, () => b.next())).toEqual(first)
    expect(c.next()).not.toBe(first[0])
    const tenths = Array.from({ length: 10 }, () => 0)
    for (const n of first) tenths[Math.floor(n * 10)] = (tenths[Math.floor(n * 10)] ?? 0) + 1
    for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150)
    expect(tenths.length).toBe(10)
  })
})
