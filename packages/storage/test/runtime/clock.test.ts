import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { sleep } from '../../src/index.ts'
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
