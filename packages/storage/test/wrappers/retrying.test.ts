import { describe, expect, test } from 'vitest'
import {
  AccessDenied,
  create,
  type Fault,
  InvalidOption,
  type ObjectStore,
  type RetryOptions,
  StoreUnavailable,
  scriptedFaults,
  seededRandom,
  Throttled,
  withFaults,
  withMetering,
  withRetries,
} from '../../src/index.ts'
import { createManualClock, createReferenceStore } from '../../src/testing/index.ts'
import { bytes, rejection } from '../bytes.ts'

/** Retries over a store with these faults; pauses are as long as they can be. */
function setUp(faults: readonly (Fault | undefined)[], options: Partial<RetryOptions> = {}) {
  const clock = createManualClock()
  const plan = scriptedFaults(faults)
  const metered = withMetering(withFaults(createReferenceStore(), { clock, random: seededRandom(1), plan }), { clock })
  const longest = { next: () => 1 - Number.EPSILON }
  return { clock, plan, metered, store: withRetries(metered, { clock, random: longest, ...options }) }
}

const unavailable: Fault = { kind: 'server-error' }
const times = (n: number, fault: Fault): Fault[] => Array.from({ length: n }, () => fault)

describe('withRetries', () => {
  test.each<[string, (store: ObjectStore) => Promise<unknown>]>([
    ['get', (store) => store.get('a')],
    ['list', (store) => store.list({ prefix: '' })],
    ['delete', (store) => store.delete(['a'])],
  ])('asks again for a %s, with pauses that double', async (_, request) => {
    const { clock, metered, store } = setUp([unavailable, { kind: 'throttled' }, unavailable, unavailable])
    await clock.runUntil(request(store))
    expect(metered.metrics().requests).toBe(5)
    expect(clock.monotonic()).toBeCloseTo(50 + 100 + 200 + 400, 6)
  })

  test('draws pauses from zero up to the bound, which stops at maxMs', async () => {
    const { clock, store } = setUp(times(5, unavailable), { random: { next: () => 0.5 }, baseMs: 100, maxMs: 250 })
    await clock.runUntil(store.get('a'))
    expect(clock.monotonic()).toBeCloseTo((100 + 200 + 250 + 250 + 250) / 2, 6)
    const none = setUp(times(5, unavailable), { random: { next: () => 0 } })
    await none.clock.runUntil(none.store.get('a'))
    expect(none.clock.monotonic()).toBe(0)
  })

  test('gives up with an error of the same class that tells how often and how long', async () => {
    const { clock, metered, store } = setUp(times(20, unavailable))
    const error = await rejection(clock.runUntil(store.get('a')))
    expect(error).toBeInstanceOf(StoreUnavailable)
    expect(error).toMatchObject({ key: 'a', message: expect.stringContaining('gave up after 6 attempts in 1550 ms') })
    expect((error as Error).cause).toBeInstanceOf(StoreUnavailable)
    expect(metered.metrics().kinds.get.requests).toBe(6)
    const throttled = setUp(times(9, { kind: 'throttled', retryAfterMs: 7 }), { attempts: 1 })
    const once = await rejection(throttled.clock.runUntil(throttled.store.list({ prefix: '' })))
    expect(once).toBeInstanceOf(Throttled)
    expect(once).toMatchObject({ retryAfterMs: 7, message: expect.stringContaining('after one attempt') })
  })

  test('waits as long as the store asks, up to five times maxMs', async () => {
    const asked = setUp([{ kind: 'throttled', retryAfterMs: 3_000 }])
    await asked.clock.runUntil(asked.store.get('a'))
    expect(asked.clock.monotonic()).toBe(3_000)
    const absurd = setUp([{ kind: 'throttled', retryAfterMs: 86_400_000 }])
    await absurd.clock.runUntil(absurd.store.get('a'))
    expect(absurd.clock.monotonic()).toBe(10_000)
  })

  test('never repeats a write, and hands out its outcome as it is', async () => {
    const { metered, store } = setUp([
      { kind: 'server-error', applied: true },
      { kind: 'throttled', retryAfterMs: 9 },
    ])
    expect(await store.put('a', bytes('1'), { condition: create })).toMatchObject({ outcome: 'unknown' })
    expect(await store.put('b', bytes('1'), { condition: create })).toMatchObject({
      outcome: 'unknown',
      error: { retryAfterMs: 9 },
    })
    expect(metered.metrics().kinds.put.requests).toBe(2)
  })

  test('does not even repeat a write that is rejected as if it could be', async () => {
    let writes = 0
    const rejecting: ObjectStore = {
      ...createReferenceStore(),
      put: () => {
        writes++
        return Promise.reject(new StoreUnavailable('against the port'))
      },
    }
    const clock = createManualClock()
    const store = withRetries(rejecting, { clock, random: seededRandom(1) })
    expect(await rejection(store.put('a', bytes('1'), { condition: create }))).toMatchObject({
      message: 'against the port',
    })
    expect([writes, clock.pendingTimers]).toEqual([1, 0])
  })

  test('does not repeat what no repetition helps', async () => {
    const denied = new AccessDenied('no')
    let requests = 0
    const refusing: ObjectStore = {
      ...createReferenceStore(),
      get: () => {
        requests++
        return Promise.reject(denied)
      },
    }
    const store = withRetries(refusing, { clock: createManualClock(), random: seededRandom(1) })
    expect(await rejection(store.get('a'))).toBe(denied)
    expect(requests).toBe(1)
  })

  test('ends a pause at once when the signal is aborted, and leaves no timer', async () => {
    const { clock, metered, store } = setUp(times(20, { kind: 'throttled', retryAfterMs: 5_000 }))
    const controller = new AbortController()
    const attempt = rejection(store.get('a', { signal: controller.signal }))
    await clock.advance(1)
    const reason = new Error('stop')
    controller.abort(reason)
    expect(await attempt).toBe(reason)
    expect(clock.pendingTimers).toBe(0)
    expect(metered.metrics().requests).toBe(1)
  })

  test('refuses options that are none', () => {
    expect(() => setUp([], { attempts: 0 })).toThrow(InvalidOption)
    expect(() => setUp([], { attempts: 2.5 })).toThrow('whole number')
    expect(() => setUp([], { baseMs: -1 })).toThrow('"baseMs"')
    const misspelt: object = { attempt: 3 }
    expect(() => setUp([], misspelt)).toThrow('"attempts"')
  })
})
