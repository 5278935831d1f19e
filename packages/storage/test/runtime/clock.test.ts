import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { inTime, sleep } from '../../src/index.ts'
import { createManualClock } from '../../src/testing/index.ts'
import { rejection } from '../bytes.ts'

describe('sleep', () => {
  test('resolves after its time and lets go of the signal', async () => {
    const clock = createManualClock()
    const { signal } = new AbortController()
    await clock.runUntil(sleep(clock, 70, signal))
    expect(clock.monotonic()).toBe(70)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('rejects with the reason of its signal, before or meanwhile, and leaves no timer', async () => {
    const clock = createManualClock()
    expect(await rejection(sleep(clock, 70, AbortSignal.abort('before')))).toBe('before')
    const controller = new AbortController()
    const asleep = rejection(sleep(clock, 70, controller.signal))
    controller.abort('meanwhile')
    expect(await asleep).toBe('meanwhile')
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('inTime', () => {
  test('is what comes in time, and leaves no timer', async () => {
    const clock = createManualClock()
    expect(await inTime(clock, 70, Promise.resolve('answer'), () => new Error('late'))).toBe('answer')
    expect(await rejection(inTime(clock, 70, Promise.reject(new Error('no')), () => new Error('late')))).toEqual(
      new Error('no'),
    )
    expect(clock.pendingTimers).toBe(0)
  })

  test('rejects when the time is up, and what comes afterwards is not heard', async () => {
    const clock = createManualClock()
    const { promise, reject } = Promise.withResolvers<void>()
    const late = rejection(inTime(clock, 70, promise, () => new Error('late')))
    await clock.advance(69)
    expect(clock.pendingTimers).toBe(1)
    await clock.advance(1)
    expect(await late).toEqual(new Error('late'))
    reject(new Error('too late'))
  })
})
