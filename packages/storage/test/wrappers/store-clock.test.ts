import { describe, expect, test } from 'vitest'
import { type ObjectStore, type Random, seededRandom, sleep, withStoreTime } from '../../src/index.ts'
import { createManualClock, createReferenceStore, type ManualClock } from '../../src/testing/index.ts'

interface Far {
  /** How far the store's clock is ahead of the local one at the start, in ms. */
  readonly aheadMs: number
  /** How fast it goes: 1.0001 gains 0.1 ms a second. */
  readonly speed?: number
  /** Longest time of a request each way, in ms. */
  readonly travelMs?: number
}

/** A store with a clock of its own that answers after a while, and the means to set that clock. */
function farStore(clock: ManualClock, random: Random, { aheadMs, speed = 1, travelMs = 20 }: Far) {
  const startMs = clock.now()
  let stepMs = 0
  const trueTimeMs = (): number => startMs + aheadMs + stepMs + clock.monotonic() * speed
  const inner = createReferenceStore()
  const store: ObjectStore = {
    ...inner,
    async get(key) {
      await sleep(clock, random.next() * travelMs)
      const storeTimeMs = Math.floor(trueTimeMs() / 1_000) * 1_000
      await sleep(clock, random.next() * travelMs)
      return { ...(await inner.get(key)), storeTimeMs }
    },
  }
  const step = (ms: number): void => {
    stepMs += ms
  }
  return { store, trueTimeMs, step }
}

function setUp(far: Far, seed = 1) {
  const clock = createManualClock()
  const random = seededRandom(seed)
  const { store, trueTimeMs, step } = farStore(clock, random, far)
  const watched = withStoreTime(store, clock)
  const ask = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      await clock.runUntil(watched.get('a'))
      await clock.advance(random.next() * 500)
    }
  }
  const errorMs = (): number => Math.abs(watched.now() - trueTimeMs())
  return { clock, watched, ask, errorMs, step }
}

describe('withStoreTime', () => {
  test('is the local clock until an answer tells a time', async () => {
    const clock = createManualClock()
    const watched = withStoreTime(createReferenceStore(), clock)
    await watched.get('a')
    expect([watched.now(), watched.offsetMs(), watched.uncertaintyMs()]).toEqual([clock.now(), 0, undefined])
  })

  test.each([3_600_000, -3_600_000, 1_500, -700, 0])('finds a store that is %d ms ahead', async (aheadMs) => {
    for (let seed = 1; seed <= 20; seed++) {
      const { clock, watched, ask, errorMs } = setUp({ aheadMs }, seed)
      await ask(1)
      // One answer: a whole second of doubt and the time on the way.
      expect(watched.uncertaintyMs()).toBeLessThanOrEqual(1_040.3)
      expect(errorMs()).toBeLessThanOrEqual(1_040.3)
      await ask(60)
      expect(watched.uncertaintyMs()).toBeLessThan(150)
      expect(errorMs()).toBeLessThanOrEqual(watched.uncertaintyMs() ?? 0)
      expect(watched.offsetMs()).toBeCloseTo(watched.now() - clock.now(), 6)
    }
  })

  test('leaves a clock alone that is right', async () => {
    const { watched, ask } = setUp({ aheadMs: 0 })
    for (let i = 0; i < 50; i++) {
      await ask(1)
      expect(watched.offsetMs()).toBe(0)
    }
  })

  test('is not broken by jumps of the local wall clock', async () => {
    const { clock, watched, ask, errorMs } = setUp({ aheadMs: 5_000 })
    await ask(60)
    for (const jumpMs of [86_400_000, -172_800_000, 400, -3_000]) {
      clock.jumpWall(jumpMs)
      // At once, before any further answer.
      expect(errorMs()).toBeLessThanOrEqual(watched.uncertaintyMs() ?? 0)
    }
  })

  test('allows for drift: no answers for long mean more doubt, and the truth stays within it', async () => {
    for (const speed of [1.0001, 0.9999]) {
      const { clock, watched, ask, errorMs } = setUp({ aheadMs: 60_000, speed })
      await ask(60)
      const before = watched.uncertaintyMs() ?? 0
      await clock.advance(3_600_000)
      expect(watched.uncertaintyMs()).toBeCloseTo(before + 2 * 0.0002 * 3_600_000, 0)
      expect(errorMs()).toBeLessThanOrEqual(watched.uncertaintyMs() ?? 0)
      await ask(200)
      expect(errorMs()).toBeLessThan(150)
    }
  })

  test('follows when the clock of the store is set', async () => {
    const { ask, errorMs, step } = setUp({ aheadMs: 0 })
    await ask(60)
    for (const ms of [7_200_000, -7_200_000, 300, -300, 1_200]) {
      step(ms)
      await ask(1)
      expect(errorMs()).toBeLessThanOrEqual(1_040)
      await ask(100)
      expect(errorMs()).toBeLessThan(150)
    }
  })

  test('knows how little it knows after the clock of the store was set by hours', async () => {
    const { watched, ask, errorMs, step } = setUp({ aheadMs: 0 })
    await ask(60)
    step(7_200_000)
    await ask(1)
    expect(watched.uncertaintyMs()).toBeGreaterThan(1_000)
    expect(errorMs()).toBeLessThanOrEqual(watched.uncertaintyMs() ?? 0)
  })

  test('stays near when many machines answer whose clocks differ a little', async () => {
    const { ask, errorMs, step } = setUp({ aheadMs: 10_000 })
    const random = seededRandom(9)
    let off = 0
    await ask(60)
    for (let i = 0; i < 200; i++) {
      const next = (random.next() - 0.5) * 60
      step(next - off)
      off = next
      await ask(1)
      expect(errorMs()).toBeLessThan(200)
    }
  })

  test('an answer that takes long proves little, and does no harm', async () => {
    const clock = createManualClock()
    const random = seededRandom(2)
    const quick = farStore(clock, random, { aheadMs: 4_000, travelMs: 10 })
    const watched = withStoreTime(quick.store, clock)
    for (let i = 0; i < 60; i++) {
      await clock.runUntil(watched.get('a'))
      await clock.advance(random.next() * 500)
    }
    const before = watched.uncertaintyMs() ?? 0
    const slow = farStore(clock, { next: () => 1 }, { aheadMs: 4_000, travelMs: 30_000 })
    const watchedSlow = withStoreTime({ ...quick.store, get: slow.store.get }, clock)
    await clock.runUntil(watchedSlow.get('a'))
    expect(watchedSlow.uncertaintyMs()).toBeGreaterThan(60_000)
    expect(watched.uncertaintyMs()).toBeLessThan(before + 60)
  })
})
