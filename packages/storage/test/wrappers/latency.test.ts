import { describe, expect, test } from 'vitest'
import { create, overwrite, seededRandom, withLatency } from '../../src/index.ts'
import { createManualClock, createReferenceStore } from '../../src/testing/index.ts'
import { bytes, rejection } from '../bytes.ts'

describe('withLatency', () => {
  test('takes the time of its kind for each request', async () => {
    const clock = createManualClock()
    const store = withLatency(createReferenceStore(), { clock, getMs: 10, putMs: 20, listMs: 40, deleteMs: 80 })
    const took = async (request: Promise<unknown>): Promise<number> => {
      const beganMs = clock.monotonic()
      await clock.runUntil(request)
      return clock.monotonic() - beganMs
    }
    expect(await took(store.put('a', bytes('1'), { condition: create }))).toBe(20)
    expect(await took(store.get('a'))).toBe(10)
    expect(await took(store.list({ prefix: '' }))).toBe(40)
    expect(await took(store.delete(['a']))).toBe(80)
  })

  test('adds no timer where there is no latency', async () => {
    const clock = createManualClock()
    const store = withLatency(createReferenceStore(), { clock, getMs: 10 })
    expect((await store.put('a', bytes('1'), { condition: create })).outcome).toBe('stored')
    expect(clock.pendingTimers).toBe(0)
  })

  test('takes effect halfway', async () => {
    const clock = createManualClock()
    const inner = createReferenceStore()
    const store = withLatency(inner, { clock, putMs: 100 })
    const put = store.put('a', bytes('1'), { condition: create })
    await clock.advance(49)
    expect(inner.objects.size).toBe(0)
    await clock.advance(1)
    expect(inner.objects.size).toBe(1)
    await clock.advance(50)
    expect((await put).outcome).toBe('stored')
  })

  test('a write aborted on the way there does not take place; on the way back it did', async () => {
    const clock = createManualClock()
    const inner = createReferenceStore()
    const store = withLatency(inner, { clock, putMs: 100 })
    for (const [key, afterMs, stored] of [
      ['a', 49, false],
      ['b', 51, true],
    ] as const) {
      const controller = new AbortController()
      const put = rejection(store.put(key, bytes('1'), { condition: overwrite, signal: controller.signal }))
      await clock.advance(afterMs)
      controller.abort('gone')
      expect(await put).toBe('gone')
      expect(inner.objects.has(key)).toBe(stored)
    }
    expect(clock.pendingTimers).toBe(0)
  })

  test('draws jitter within its bounds', async () => {
    const clock = createManualClock()
    const store = withLatency(createReferenceStore(), { clock, getMs: 60, jitter: 0.2, random: seededRandom(5) })
    const times: number[] = []
    for (let i = 0; i < 200; i++) {
      const beganMs = clock.monotonic()
      await clock.runUntil(store.get('a'))
      times.push(clock.monotonic() - beganMs)
    }
    expect(Math.min(...times)).toBeGreaterThanOrEqual(48 - 1e-6)
    expect(Math.min(...times)).toBeLessThan(50)
    expect(Math.max(...times)).toBeLessThanOrEqual(72 + 1e-6)
    expect(Math.max(...times)).toBeGreaterThan(70)
  })

  test('refuses options that are none', () => {
    const clock = createManualClock()
    expect(() => withLatency(createReferenceStore(), { clock, jitter: 0.1 })).toThrow('"random"')
    expect(() => withLatency(createReferenceStore(), { clock, jitter: 1.1 })).toThrow('from 0 to 1')
    expect(() => withLatency(createReferenceStore(), { clock, getMs: Number.NaN })).toThrow('"getMs"')
  })

  test('begins a watch after the time of a get, and notifies after half of it', async () => {
    const clock = createManualClock()
    const inner = createReferenceStore()
    const store = withLatency(inner, { clock, getMs: 60 })
    const notifiedAt: number[] = []
    const controller = new AbortController()
    const onChange = (): void => void notifiedAt.push(clock.monotonic())
    await clock.runUntil(store.watch?.({ prefix: 'a', onChange, signal: controller.signal }) ?? Promise.reject())
    expect(clock.monotonic()).toBe(60)
    await inner.put('a', bytes('1'), { condition: create })
    await clock.advance(29)
    expect(notifiedAt).toEqual([])
    await clock.runUntilIdle()
    expect(notifiedAt).toEqual([90])
    await inner.put('a', bytes('2'), { condition: overwrite })
    await clock.advance(10)
    controller.abort()
    expect(clock.pendingTimers, 'what is under way is dropped').toBe(0)
  })

  test('a watch that is aborted on its way has not begun', async () => {
    for (const afterMs of [0, 29, 31]) {
      const clock = createManualClock()
      const inner = createReferenceStore()
      const controller = new AbortController()
      const store = withLatency(inner, { clock, getMs: 60 })
      const onChange = (): void => expect.unreachable('it has ended')
      const begun = store.watch?.({ prefix: 'a', onChange, signal: controller.signal })
      await clock.advance(afterMs)
      controller.abort()
      expect(await begun).toBe(false)
      await inner.put('a', bytes('1'), { condition: create })
      expect(clock.pendingTimers).toBe(0)
    }
  })
})
