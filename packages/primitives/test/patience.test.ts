import { AccessDenied, StoreUnavailable, Throttled } from '@s3queue/storage'
import { createManualClock } from '@s3queue/storage/testing'
import { describe, expect, it } from 'vitest'
import { persistently, waitBeforeRetry } from '../src/index.ts'

const highest = { next: () => 1 - Number.EPSILON }

describe('patience', () => {
  it('doubles its waits up to a limit, and draws each from nothing to there', async () => {
    const clock = createManualClock()
    const waits: number[] = []
    for (let attempt = 1; attempt <= 10; attempt++) {
      const before = clock.monotonic()
      await clock.runUntil(waitBeforeRetry({ clock, random: highest }, attempt))
      waits.push(Math.round(clock.monotonic() - before))
    }
    expect(waits).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000])
    const before = clock.monotonic()
    await clock.runUntil(waitBeforeRetry({ clock, random: { next: () => 0 } }, 8))
    expect(clock.monotonic()).toBe(before)
  })

  it('waits at least as long as the store asks for, but not for ever', async () => {
    const clock = createManualClock()
    const patience = { clock, random: { next: () => 0 }, maxMs: 1000 }
    await clock.runUntil(waitBeforeRetry(patience, 1, new Throttled('Slow down.', { retryAfterMs: 7000 })))
    expect(clock.monotonic()).toBe(7000)
    await clock.runUntil(waitBeforeRetry(patience, 1, new Throttled('Slow down.', { retryAfterMs: 3_600_000 })))
    expect(clock.monotonic()).toBe(7000 + 12_000)
  })

  it('repeats what time may mend, tells of it, and gives up what it cannot', async () => {
    const clock = createManualClock()
    const troubles: unknown[] = []
    const patience = { clock, random: highest, onTrouble: (error: unknown) => troubles.push(error) }
    const outcomes: (Error | string)[] = [new StoreUnavailable('Down.'), new Throttled('Slow.'), 'there']
    const attempt = async (): Promise<string> => {
      const next = outcomes.shift()
      if (next === undefined || next instanceof Error) throw next
      return next
    }
    expect(await clock.runUntil(persistently(patience, attempt))).toBe('there')
    expect(troubles).toHaveLength(2)
    const denied = new AccessDenied('No.')
    await expect(persistently(patience, () => Promise.reject(denied))).rejects.toBe(denied)
    const defect = new TypeError('A defect.')
    await expect(persistently(patience, () => Promise.reject(defect))).rejects.toBe(defect)
    expect(troubles).toHaveLength(2)
  })
})
