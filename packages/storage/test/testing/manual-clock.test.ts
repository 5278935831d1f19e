import { describe, expect, test } from 'vitest'
import { seededRandom, sleep } from '../../src/index.ts'
import { createManualClock } from '../../src/testing/index.ts'

describe('createManualClock', () => {
  test('stands still until it is advanced', async () => {
    const clock = createManualClock({ startMs: 1_000 })
    const fired: number[] = []
    clock.setTimer(10, () => fired.push(clock.monotonic()))
    await clock.advance(9)
    expect(fired).toEqual([])
    await clock.advance(1)
    expect(fired).toEqual([10])
    expect(clock.now()).toBe(1_010)
  })

  test('fires timers by due time, those of the same moment in the order they were set', async () => {
    const clock = createManualClock()
    const random = seededRandom(7)
    const set: { due: number; sequence: number }[] = []
    const fired: { due: number; sequence: number }[] = []
    for (let sequence = 0; sequence < 500; sequence++) {
      const timer = { due: Math.floor(random.next() * 40), sequence }
      set.push(timer)
      clock.setTimer(timer.due, () => {
        expect(clock.monotonic()).toBe(timer.due)
        fired.push(timer)
      })
    }
    await clock.advance(40)
    expect(fired).toEqual(set.toSorted((a, b) => a.due - b.due || a.sequence - b.sequence))
  })

  test('lets what a timer woke run before the next timer of the same moment', async () => {
    const clock = createManualClock()
    const log: string[] = []
    const first = sleep(clock, 5)
      .then(() => Promise.resolve())
      .then(() => log.push('continuation'))
    clock.setTimer(5, () => log.push('second timer'))
    await clock.advance(5)
    await first
    expect(log).toEqual(['continuation', 'second timer'])
  })

  test('does not fire a cancelled timer and does not count it', async () => {
    const clock = createManualClock()
    const cancel = clock.setTimer(1, () => expect.unreachable('cancelled timer fired'))
    clock.setTimer(2, () => undefined)
    cancel()
    cancel()
    expect(clock.pendingTimers).toBe(1)
    expect(clock.nextTimerInMs()).toBe(2)
    await clock.advance(5)
    expect(clock.pendingTimers).toBe(0)
    expect(clock.nextTimerInMs()).toBeUndefined()
  })

  test('advance also fires timers that are only set on the way', async () => {
    const clock = createManualClock()
    const steps = (async () => {
      for (let i = 0; i < 5; i++) await sleep(clock, 100)
      return clock.monotonic()
    })()
    await clock.advance(1_000)
    expect(await steps).toBe(500)
    expect(clock.monotonic()).toBe(1_000)
  })

  test('runUntilIdle goes to the last timer, and refuses to run for ever', async () => {
    const clock = createManualClock()
    clock.setTimer(10, () => clock.setTimer(20, () => undefined))
    expect(await clock.runUntilIdle()).toBe(30)
    const again = (): void => void clock.setTimer(1_000, again)
    again()
    await expect(clock.runUntilIdle({ limitMs: 60_000 })).rejects.toThrow('for ever')
    expect(clock.monotonic()).toBe(60_030)
  })

  test('runUntil settles as the promise does, and tells a promise that nobody will settle', async () => {
    const clock = createManualClock()
    expect(await clock.runUntil(sleep(clock, 250).then(() => 'done'))).toBe('done')
    expect(clock.monotonic()).toBe(250)
    await expect(clock.runUntil(sleep(clock, 1).then(() => Promise.reject(new Error('no'))))).rejects.toThrow('no')
    await expect(clock.runUntil(new Promise(() => undefined))).rejects.toThrow('still pending')
  })

  test('fireNext goes on by one timer without a turn of the event loop', () => {
    const clock = createManualClock()
    let fired = 0
    clock.setTimer(3, () => fired++)
    expect(clock.fireNext()).toBe(true)
    expect([fired, clock.monotonic()]).toEqual([1, 3])
    expect(clock.fireNext()).toBe(false)
  })

  test('a jump of the wall clock leaves durations alone', async () => {
    const clock = createManualClock({ startMs: 5_000 })
    let fired = false
    clock.setTimer(100, () => {
      fired = true
    })
    clock.jumpWall(-4_000)
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0])
    await clock.advance(100)
    expect(fired).toBe(true)
    expect(clock.now()).toBe(1_100)
  })

  test('refuses durations that are none', async () => {
    const clock = createManualClock()
    expect(() => clock.setTimer(Number.NaN, () => undefined)).toThrow(RangeError)
    expect(() => clock.setTimer(Number.POSITIVE_INFINITY, () => undefined)).toThrow(RangeError)
    await expect(clock.advance(-1)).rejects.toThrow('jumpWall')
  })
})
