import { describe, expect, test } from 'vitest'
import {
  create,
  FAULT_KINDS,
  type Fault,
  type FaultPlan,
  ifMatch,
  overwrite,
  type StoreOperation,
  StoreUnavailable,
  scriptedFaults,
  seededFaults,
  seededRandom,
  Throttled,
  withFaults,
} from '../../src/index.ts'
import { createManualClock, createReferenceStore } from '../../src/testing/index.ts'
import { bytes, rejection, text } from '../bytes.ts'

function setUp(...script: (Fault | undefined)[]) {
  return setUpPlan(scriptedFaults(script))
}

function setUpPlan<P extends FaultPlan>(plan: P) {
  const clock = createManualClock()
  const inner = createReferenceStore()
  const store = withFaults(inner, { clock, random: seededRandom(1), plan })
  const bodyOf = (key: string): string | undefined => {
    const object = inner.objects.get(key)
    return object && text(object.body)
  }
  return { clock, plan, inner, store, bodyOf }
}

describe('withFaults, to a put,', () => {
  const putNew = (fault: Fault) => {
    const set = setUp(fault)
    return { ...set, put: set.store.put('a', bytes('1'), { condition: create }) }
  }

  test('latency: takes effect on arrival, answers on return', async () => {
    const { clock, bodyOf, put } = putNew({ kind: 'latency', sendMs: 30, answerMs: 20 })
    await clock.advance(29)
    expect(bodyOf('a')).toBeUndefined()
    await clock.advance(1)
    expect(bodyOf('a')).toBe('1')
    expect((await clock.runUntil(put)).outcome).toBe('stored')
    expect(clock.monotonic()).toBe(50)
  })

  test('throttled: outcome unknown, nothing written, the pause asked for is passed on', async () => {
    const { inner, put } = putNew({ kind: 'throttled', retryAfterMs: 700 })
    const answer = await put
    expect(answer).toMatchObject({
      outcome: 'unknown',
      error: { code: 'UNKNOWN_OUTCOME', key: 'a', retryAfterMs: 700 },
    })
    expect(answer.outcome === 'unknown' && answer.error.cause).toBeInstanceOf(Throttled)
    expect(inner.objects.size).toBe(0)
  })

  test.each(['server-error', 'conflict'] as const)('%s: outcome unknown, and it may have taken place', async (kind) => {
    const without = putNew({ kind })
    expect(await without.put).toMatchObject({ outcome: 'unknown', error: { retryAfterMs: undefined } })
    expect(without.bodyOf('a')).toBeUndefined()
    const applied = putNew({ kind, applied: true })
    expect((await applied.put).outcome).toBe('unknown')
    expect(applied.bodyOf('a')).toBe('1')
  })

  test('timeout before apply: outcome unknown after the timeout, nothing written', async () => {
    const { clock, inner, put } = putNew({ kind: 'timeout-before-apply', timeoutMs: 900 })
    expect((await clock.runUntil(put)).outcome).toBe('unknown')
    expect(clock.monotonic()).toBe(900)
    expect(inner.objects.size).toBe(0)
  })

  test('timeout after apply: outcome unknown after the timeout, written on arrival', async () => {
    const { clock, bodyOf, put } = putNew({ kind: 'timeout-after-apply', timeoutMs: 900, sendMs: 100 })
    await clock.advance(100)
    expect(bodyOf('a')).toBe('1')
    expect((await clock.runUntil(put)).outcome).toBe('unknown')
    expect(clock.monotonic()).toBe(900)
  })

  test('late apply: lands behind later requests, by the condition as it is then', async () => {
    const { clock, store, bodyOf, put } = putNew({ kind: 'late-apply', timeoutMs: 0, applyMs: 5_000 })
    expect((await put).outcome).toBe('unknown')
    expect(bodyOf('a')).toBeUndefined()
    expect(store.pendingEffects).toBe(1)
    await store.put('a', bytes('meanwhile'), { condition: create })
    await store.delete(['a'])
    await clock.runUntil(store.settled())
    expect(clock.monotonic()).toBe(5_000)
    expect(bodyOf('a')).toBe('1')
    expect(store.pendingEffects).toBe(0)
  })

  test('late apply: does nothing if its condition has ceased to hold', async () => {
    const { clock, store, bodyOf } = setUp(undefined, { kind: 'late-apply', timeoutMs: 10, applyMs: 100 })
    const first = await store.put('a', bytes('1'), { condition: create })
    const etag = first.outcome === 'stored' ? first.etag : ''
    const late = store.put('a', bytes('late'), { condition: ifMatch(etag) })
    expect((await clock.runUntil(late)).outcome).toBe('unknown')
    await store.put('a', bytes('2'), { condition: ifMatch(etag) })
    await clock.runUntilIdle()
    expect(bodyOf('a')).toBe('2')
  })

  test('late apply: writes what the buffer held when it was sent', async () => {
    const { clock, store, bodyOf } = setUp({ kind: 'late-apply', timeoutMs: 0, applyMs: 10 })
    const body = bytes('sent')
    await store.put('a', body, { condition: create })
    body.fill(0)
    await clock.runUntilIdle()
    expect(bodyOf('a')).toBe('sent')
  })

  test('double send: a create fails against its own first copy', async () => {
    const { clock, bodyOf, put } = putNew({ kind: 'double-send', gapMs: 40 })
    expect((await clock.runUntil(put)).outcome).toBe('precondition-failed')
    expect(bodyOf('a')).toBe('1')
    expect(clock.monotonic()).toBe(40)
  })

  test('double send with the first answer: the copy brings back what was deleted meanwhile', async () => {
    const { clock, store, bodyOf, put } = putNew({ kind: 'double-send', gapMs: 40, answer: 'first' })
    expect((await put).outcome).toBe('stored')
    await store.delete(['a'])
    expect(bodyOf('a')).toBeUndefined()
    await clock.runUntil(store.settled())
    expect(bodyOf('a')).toBe('1')
  })
})

describe('withFaults, to reads and deletes,', () => {
  test('throttled and server-error are thrown, and nothing is deleted', async () => {
    const { store, inner } = setUp(
      undefined,
      { kind: 'throttled' },
      { kind: 'throttled', retryAfterMs: 5 },
      { kind: 'server-error' },
      { kind: 'server-error' },
    )
    await store.put('a', bytes('1'), { condition: create })
    const throttled = await rejection(store.get('a'))
    expect(throttled).toBeInstanceOf(Throttled)
    expect(throttled).toMatchObject({ key: 'a', retryAfterMs: undefined })
    expect(await rejection(store.list({ prefix: '' }))).toMatchObject({ code: 'THROTTLED', retryAfterMs: 5 })
    expect(await rejection(store.get('a'))).toBeInstanceOf(StoreUnavailable)
    expect(await rejection(store.delete(['a']))).toBeInstanceOf(StoreUnavailable)
    expect(inner.objects.size).toBe(1)
  })

  test('a delete whose answer is lost took place; one that is late takes place in the end', async () => {
    const { clock, store, inner } = setUp(undefined, { kind: 'timeout-after-apply', timeoutMs: 50 }, undefined, {
      kind: 'late-apply',
      timeoutMs: 50,
      applyMs: 200,
    })
    await store.put('a', bytes('1'), { condition: create })
    expect(await rejection(clock.runUntil(store.delete(['a'])))).toBeInstanceOf(StoreUnavailable)
    expect(inner.objects.size).toBe(0)
    await store.put('a', bytes('2'), { condition: create })
    expect(await rejection(clock.runUntil(store.delete(['a'])))).toBeInstanceOf(StoreUnavailable)
    expect(inner.objects.size).toBe(1)
    await clock.runUntil(store.settled())
    expect(inner.objects.size).toBe(0)
  })

  test('a late delete takes away what it named when it was sent', async () => {
    const { clock, store, inner } = setUp(undefined, undefined, { kind: 'late-apply', timeoutMs: 0, applyMs: 10 })
    for (const key of ['a', 'b']) await store.put(key, bytes('1'), { condition: create })
    const keys = ['a']
    expect(await rejection(store.delete(keys))).toBeInstanceOf(StoreUnavailable)
    keys[0] = 'b'
    await clock.runUntil(store.settled())
    expect([...inner.objects.keys()]).toEqual(['b'])
  })

  test('a truncated body is no answer; where there is no body nothing breaks off', async () => {
    const { store } = setUp(undefined, { kind: 'truncated-body' }, { kind: 'truncated-body' })
    await store.put('a', bytes('123'), { condition: create })
    expect(await rejection(store.get('a'))).toMatchObject({ code: 'STORE_UNAVAILABLE', key: 'a' })
    expect((await store.get('b')).outcome).toBe('not-found')
  })

  test('a racing list shows some of what changes meanwhile, and all of what does not', async () => {
    const race = { kind: 'list-race', spreadMs: 10 } as const
    const plan = scriptedFaults(
      Array.from({ length: 50 }, () => race),
      ({ kind }) => kind === 'list',
    )
    const { clock, store, inner } = setUpPlan(plan)
    const shown = { gone: 0, come: 0 }
    for (let i = 0; i < 50; i++) {
      inner.objects.clear()
      for (const key of ['gone', 'stays1', 'stays2']) await store.put(key, bytes('1'), { condition: create })
      const list = store.list({ prefix: '' })
      await clock.advance(5)
      await store.put('come', bytes('1'), { condition: create })
      await store.delete(['gone'])
      const { entries } = await clock.runUntil(list)
      const keys = entries.map((entry) => entry.key)
      expect(keys).toEqual(keys.toSorted())
      expect(keys.filter((key) => key.startsWith('stays'))).toEqual(['stays1', 'stays2'])
      if (keys.includes('gone')) shown.gone++
      if (keys.includes('come')) shown.come++
    }
    for (const count of [shown.gone, shown.come]) {
      expect(count).toBeGreaterThan(10)
      expect(count).toBeLessThan(40)
    }
  })

  test('paging through racing lists loses and repeats nothing that stays', async () => {
    const plan: FaultPlan = { next: ({ kind }) => (kind === 'list' ? { kind: 'list-race', spreadMs: 10 } : undefined) }
    const { clock, store } = setUpPlan(plan)
    const steady = Array.from({ length: 40 }, (_, i) => `k${String(i * 3).padStart(4, '0')}`)
    for (const key of steady) await store.put(key, bytes('1'), { condition: create })
    const random = seededRandom(4)
    for (let round = 0; round < 20; round++) {
      const seen: string[] = []
      for (let more = true; more; ) {
        const page = store.list({ prefix: '', startAfter: seen.at(-1), limit: 7 })
        await clock.advance(5)
        for (let i = 0; i < 10; i++) {
          const fleeting = `k${String(Math.floor(random.next() * 40) * 3 + 1).padStart(4, '0')}`
          if (random.next() < 0.5) await store.put(fleeting, bytes('1'), { condition: overwrite })
          else await store.delete([fleeting])
        }
        const { entries, truncated } = await clock.runUntil(page)
        expect(entries.length).toBeLessThanOrEqual(7)
        seen.push(...entries.map((entry) => entry.key))
        more = truncated
      }
      expect(seen).toEqual([...new Set(seen)].sort())
      expect(seen.filter((key) => steady.includes(key))).toEqual(steady)
    }
  })
})

describe('withFaults, to notifications,', () => {
  const isNotification = ({ kind }: StoreOperation): boolean => kind === 'notify'

  async function setUpWatch(plan: FaultPlan, prefix = 'folder/') {
    const set = setUpPlan(plan)
    const notifiedAt: number[] = []
    const controller = new AbortController()
    const onChange = (): void => void notifiedAt.push(set.clock.monotonic())
    expect(await set.store.watch?.({ prefix, onChange, signal: controller.signal })).toBe(true)
    let n = 0
    const change = async (): Promise<void> => {
      await set.store.put('folder/a', bytes(`${++n}`), { condition: overwrite })
      await set.clock.settle()
    }
    return { ...set, notifiedAt, change, end: () => controller.abort() }
  }

  test('a script loses some and delays others', async () => {
    const script: (Fault | undefined)[] = [
      undefined,
      { kind: 'lost-notification' },
      { kind: 'latency', sendMs: 30, answerMs: 20 },
      undefined,
    ]
    const { clock, plan, store, notifiedAt, change } = await setUpWatch(scriptedFaults(script, isNotification))
    await change()
    expect(notifiedAt).toEqual([0])
    await change()
    expect(notifiedAt, 'lost').toEqual([0])
    await change()
    await clock.runUntilIdle()
    expect(notifiedAt, 'delayed').toEqual([0, 50])
    await change()
    expect(notifiedAt).toEqual([0, 50, 50])
    expect(plan).toMatchObject({ left: 0 })
    expect(store.injected()).toMatchObject({ 'lost-notification': 1, latency: 1 })
  })

  test('a plan is asked with what is watched, and whatever fails requests loses notifications', async () => {
    const asked: StoreOperation[] = []
    const next = (operation: StoreOperation): Fault | undefined => {
      asked.push(operation)
      return isNotification(operation) ? { kind: 'server-error' } : undefined
    }
    const { notifiedAt, change, store } = await setUpWatch({ next }, 'folder/a')
    await change()
    expect(asked.filter(isNotification)).toEqual([{ kind: 'notify', key: 'folder/a' }])
    store.stop()
    expect(notifiedAt).toEqual([])
    await change()
    expect(notifiedAt.length, 'without faults').toBe(1)
  })

  test('a seed loses its share', async () => {
    const { store, notifiedAt, change } = await setUpWatch(seededFaults(seededRandom(5), { 'lost-notification': 0.3 }))
    for (let i = 0; i < 500; i++) await change()
    const lost = store.injected()['lost-notification']
    expect(lost).toBeGreaterThan(110)
    expect(lost).toBeLessThan(190)
    expect(notifiedAt.length).toBe(500 - lost)
  })

  test('one that is under way at an abort does not arrive', async () => {
    const plan = scriptedFaults([{ kind: 'latency', answerMs: 50 }], isNotification)
    const { clock, notifiedAt, change, end } = await setUpWatch(plan)
    await change()
    end()
    await clock.runUntilIdle()
    expect([notifiedAt.length, clock.pendingTimers]).toEqual([0, 0])
  })
})

describe('withFaults', () => {
  test('counts what it injects', async () => {
    const { store } = setUp({ kind: 'throttled' }, { kind: 'throttled' }, undefined, { kind: 'truncated-body' })
    for (let i = 0; i < 4; i++) await store.get('a').catch(() => undefined)
    expect(store.injected()).toMatchObject({ throttled: 2, 'truncated-body': 1, latency: 0 })
    expect(Object.keys(store.injected()).sort()).toEqual(FAULT_KINDS.toSorted())
  })

  test('stops on demand, and what was to land late still lands', async () => {
    const { clock, plan, store, bodyOf } = setUp(
      { kind: 'late-apply', timeoutMs: 0, applyMs: 100 },
      { kind: 'throttled' },
    )
    await store.put('a', bytes('late'), { condition: create })
    store.stop()
    expect((await store.get('a')).outcome).toBe('not-found')
    expect(plan.left).toBe(1)
    await clock.runUntil(store.settled())
    expect(bodyOf('a')).toBe('late')
    store.resume()
    expect(await rejection(store.get('a'))).toBeInstanceOf(Throttled)
  })

  test('a signal ends any wait at once', async () => {
    const waits: Fault[] = [
      { kind: 'latency', sendMs: 1_000 },
      { kind: 'latency', answerMs: 1_000 },
      { kind: 'timeout-before-apply', timeoutMs: 1_000 },
      { kind: 'timeout-after-apply', timeoutMs: 1_000 },
      { kind: 'double-send', gapMs: 1_000 },
    ]
    for (const fault of waits) {
      const { clock, store } = setUp(fault)
      const controller = new AbortController()
      const put = rejection(store.put('a', bytes('1'), { condition: create, signal: controller.signal }))
      await clock.advance(1)
      controller.abort(fault)
      expect(await put).toBe(fault)
      expect(clock.pendingTimers).toBe(0)
    }
  })

  test('an aborted late write lands all the same', async () => {
    const { clock, store, bodyOf } = setUp({ kind: 'late-apply', timeoutMs: 1_000, applyMs: 50 })
    const controller = new AbortController()
    const put = rejection(store.put('a', bytes('1'), { condition: create, signal: controller.signal }))
    await clock.advance(10)
    controller.abort('gone')
    expect(await put).toBe('gone')
    await clock.runUntil(store.settled())
    expect(bodyOf('a')).toBe('1')
  })

  test('refuses a fault that there is not for the request', async () => {
    const { store } = setUp({ kind: 'truncated-body' })
    expect(await rejection(store.put('a', bytes('1'), { condition: create }))).toMatchObject({
      message: expect.stringContaining('"truncated-body" for a put'),
    })
  })
})
