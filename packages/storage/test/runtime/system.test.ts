import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Clock, systemIds, systemRandom } from '../../src/index.ts'

describe('systemClock', () => {
  let systemClock: Clock

  beforeEach(async () => {
    vi.useFakeTimers()
    // It keeps the timers that it finds when it is imported.
    vi.resetModules()
    systemClock = (await import('../../src/index.ts')).systemClock
  })
  afterEach(() => void vi.useRealTimers())

  const DAY_MS = 86_400_000

  test('waits also for longer than a timer of the machine can', () => {
    const fired = vi.fn()
    systemClock.setTimer(60 * DAY_MS, fired)
    vi.advanceTimersByTime(60 * DAY_MS - 1)
    expect(fired).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(fired).toHaveBeenCalledOnce()
  })

  test.each([0, 1_000, 60 * DAY_MS])('a timer of %d ms can be cancelled', (ms) => {
    const cancel = systemClock.setTimer(ms, () => expect.unreachable('cancelled timer fired'))
    if (ms > 0) vi.advanceTimersByTime(ms - 1)
    cancel()
    vi.advanceTimersByTime(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('tells the time of the machine', () => {
    vi.setSystemTime(1_234_567)
    expect(systemClock.now()).toBe(1_234_567)
    const before = systemClock.monotonic()
    vi.advanceTimersByTime(50)
    expect(systemClock.monotonic() - before).toBeCloseTo(50, 6)
  })
})

test('systemRandom and systemIds do not repeat themselves', () => {
  const numbers = Array.from({ length: 1_000 }, () => systemRandom.next())
  expect(numbers.every((n) => n >= 0 && n < 1)).toBe(true)
  expect(new Set(numbers).size).toBe(1_000)
  expect(new Set(Array.from({ length: 1_000 }, () => systemIds.ulid())).size).toBe(1_000)
})
