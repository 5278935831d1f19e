import { describe, expect, test } from 'vitest'
import {
  create,
  diffMetrics,
  InvalidOption,
  InvalidRequest,
  type MeteringOptions,
  overwrite,
  scriptedFaults,
  seededRandom,
  withFaults,
  withMetering,
} from '../../src/index.ts'
import { createManualClock, createReferenceStore } from '../../src/testing/index.ts'
import { bytes, rejection } from '../bytes.ts'

describe('withMetering', () => {
  test('counts requests by kind and outcome, bytes both ways, and dollars', async () => {
    const store = withMetering(createReferenceStore(), { clock: createManualClock() })
    await store.put('a', bytes('12345'), { condition: create })
    await store.put('a', bytes('123'), { condition: create })
    const found = await store.get('a')
    await store.get('a', { ifNoneMatch: found.outcome === 'found' ? found.etag : '' })
    await store.get('b')
    await store.list({ prefix: '' })
    await store.delete(['a', 'b', 'c'])
    await store.delete([])
    const metrics = store.metrics()
    expect(metrics).toMatchObject({
      requests: 7,
      bytesIn: 5,
      bytesOut: 8,
      kinds: {
        get: { requests: 3, outcomes: { found: 1, 'not-modified': 1, 'not-found': 1 } },
        put: { requests: 2, outcomes: { stored: 1, 'precondition-failed': 1 } },
        list: { requests: 1, outcomes: { listed: 1 } },
        delete: { requests: 1, outcomes: { deleted: 1 }, dollars: 0 },
      },
    })
    expect(metrics.dollars).toBeCloseTo((3 * 0.0004 + 3 * 0.005) / 1_000, 12)
    expect(metrics.kinds.put.dollars).toBeCloseTo((2 * 0.005) / 1_000, 12)
  })

  test('counts what went wrong by its code, and hands the error on', async () => {
    const clock = createManualClock()
    const plan = scriptedFaults([{ kind: 'throttled' }, { kind: 'server-error' }])
    const faulty = withFaults(createReferenceStore(), { clock, random: seededRandom(1), plan })
    const store = withMetering(faulty, { clock })
    expect(await rejection(store.get('a'))).toMatchObject({ code: 'THROTTLED' })
    expect((await store.put('a', bytes('1'), { condition: create })).outcome).toBe('unknown')
    expect(await rejection(store.get('not usable'))).toBeInstanceOf(InvalidRequest)
    const reason = new Error('enough')
    expect(await rejection(store.get('a', { signal: AbortSignal.abort(reason) }))).toBe(reason)
    const { kinds } = store.metrics()
    expect(kinds.get.outcomes).toEqual({ THROTTLED: 1, INVALID_REQUEST: 1, ABORTED: 1 })
    expect(kinds.put.outcomes).toEqual({ unknown: 1 })
  })

  test('counts what was refused for its rate, whichever kind of request it was', async () => {
    const clock = createManualClock()
    const throttle = { kind: 'throttled' } as const
    const plan = scriptedFaults([throttle, throttle, throttle, throttle, { kind: 'server-error' }, throttle])
    const faulty = withFaults(createReferenceStore(), { clock, random: seededRandom(1), plan })
    const store = withMetering(faulty, { clock })
    const put = () => store.put('a', bytes('1'), { condition: create })
    await rejection(store.get('a'))
    expect(await put()).toMatchObject({ outcome: 'unknown' })
    await rejection(store.delete(['a']))
    await rejection(store.list({ prefix: '' }))
    const before = store.metrics()
    // A write that failed for another reason is `unknown` as well.
    expect(await put()).toMatchObject({ outcome: 'unknown' })
    expect(store.metrics().kinds).toMatchObject({
      ...{ get: { throttled: 1 }, put: { throttled: 1, outcomes: { unknown: 2 } } },
      ...{ delete: { throttled: 1 }, list: { throttled: 1 } },
    })
    expect(await put()).toMatchObject({ outcome: 'unknown' })
    expect(diffMetrics(store.metrics(), before).kinds).toMatchObject({ get: { throttled: 0 }, put: { throttled: 1 } })
    store.reset()
    expect(store.metrics().kinds.put.throttled).toBe(0)
  })

  test('times requests on the clock, quantiles within five per cent', async () => {
    const clock = createManualClock()
    const slow = scriptedFaults(Array.from({ length: 100 }, (_, i) => ({ kind: 'latency', sendMs: i + 1 }) as const))
    const faulty = withFaults(createReferenceStore(), { clock, random: seededRandom(1), plan: slow })
    const store = withMetering(faulty, { clock })
    for (let i = 0; i < 100; i++) await clock.runUntil(store.get('a'))
    const { latency } = store.metrics().kinds.get
    expect(latency).toMatchObject({ count: 100, sumMs: 5_050, maxMs: 100 })
    for (const [value, exact] of [
      [latency.p50Ms, 50],
      [latency.p90Ms, 90],
      [latency.p99Ms, 99],
    ] as const) {
      expect(value).toBeGreaterThanOrEqual(exact)
      expect(value).toBeLessThanOrEqual(exact * 1.05)
    }
  })

  test('a difference has what lies between two snapshots', async () => {
    const clock = createManualClock()
    const plan = scriptedFaults([
      { kind: 'latency', sendMs: 1_000 },
      { kind: 'latency', sendMs: 10 },
    ])
    const store = withMetering(withFaults(createReferenceStore(), { clock, random: seededRandom(1), plan }), { clock })
    await clock.runUntil(store.put('a', bytes('123'), { condition: overwrite }))
    const before = store.metrics()
    await clock.runUntil(store.put('a', bytes('12'), { condition: overwrite }))
    await store.get('a')
    const between = diffMetrics(store.metrics(), before)
    expect(between).toMatchObject({ requests: 2, bytesOut: 2, bytesIn: 2 })
    expect(between.kinds.put).toMatchObject({ requests: 1, outcomes: { stored: 1 } })
    expect(between.kinds.put.latency).toMatchObject({ count: 1, sumMs: 10 })
    expect(between.kinds.put.latency.maxMs).toBeLessThanOrEqual(10.5)
    expect(between.kinds.put.latency.p50Ms).toBeGreaterThanOrEqual(10)
    expect(between.dollars).toBeCloseTo(0.0054 / 1_000, 12)
    expect(diffMetrics(before, before)).toMatchObject({ requests: 0, dollars: 0, kinds: { put: { outcomes: {} } } })
  })

  test('begins again at zero', async () => {
    const store = withMetering(createReferenceStore(), { clock: createManualClock() })
    const zero = store.metrics()
    await store.put('a', bytes('1'), { condition: create })
    await store.get('a')
    expect(store.metrics()).not.toEqual(zero)
    store.reset()
    expect(store.metrics()).toEqual(zero)
    expect(zero.kinds.get.latency).toMatchObject({ count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 })
  })

  test('a watch and its notifications are no requests', async () => {
    const clock = createManualClock()
    const inner = createReferenceStore()
    const store = withMetering(inner, { clock })
    const { signal } = new AbortController()
    let notifications = 0
    await store.watch?.({ prefix: 'a', onChange: () => void notifications++, signal })
    await inner.put('a', bytes('1'), { condition: create })
    await clock.settle()
    expect([notifications, store.metrics().requests]).toEqual([1, 0])
  })

  test('takes other prices, and refuses what is none', async () => {
    const clock = createManualClock()
    const prices = { get: 1, put: 2, delete: 3, list: 4 }
    const store = withMetering(createReferenceStore(), { clock, prices })
    await store.delete(['a'])
    expect(store.metrics().dollars).toBeCloseTo(0.003, 12)
    const without = (broken: object): MeteringOptions => ({ clock, prices: broken as typeof prices })
    expect(() => withMetering(store, without({ get: 1, put: 2, delete: 3 }))).toThrow('"list"')
    expect(() => withMetering(store, without({ ...prices, gets: 1 }))).toThrow('"get"')
    expect(() => withMetering(store, without({ ...prices, get: -1 }))).toThrow(InvalidOption)
  })
})
