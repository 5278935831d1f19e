/** What a state takes no room for. */
import { createFencedLog } from '@s3queue/primitives'
import { type ObjectStore, seededRandom, systemIds } from '@s3queue/storage'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyContinued, applyEvent, beginCommit } from '../../src/state/apply.ts'
import { Deque } from '../../src/state/deque.ts'
import type { QueueEvent } from '../../src/state/events.ts'
import { queueFold } from '../../src/state/fold.ts'
import { Heap } from '../../src/state/heap.ts'
import { emptyState, type QueueState } from '../../src/state/model.ts'
import { createWorld, intercept } from '../support.ts'

function enqueue(state: QueueState, seq: number, more: { visibleAt?: number } = {}): void {
  const event = { type: 'enqueued', sender: 'S', seq, count: 1, maxAttempts: 1, priority: 0, visibleAt: 0 } as const
  applyEvent(state, { ...event, ...more })
}

describe('messages that are enqueued one by one', () => {
  it('become one event and one run for all that one commit carries, up to what parts them', async () => {
    const { clock, store, open, run } = createWorld()
    const held: (() => void)[] = []
    let holding = false
    const holdingStore: ObjectStore = intercept(store, '/log/', {
      put: async (key, body, options) => {
        if (holding) await new Promise<void>((resolve) => held.push(resolve))
        return store.put(key, body, options)
      },
    })
    const queue = open({ store: holdingStore })
    await run(queue.enqueue('first'))
    holding = true
    const calls: Promise<unknown>[] = [queue.enqueue('holds the commit')]
    await clock.advance(0)
    for (const options of [{}, {}, { priority: 1 }, { priority: 1 }, { id: 'own' }, {}, {}]) {
      calls.push(queue.enqueue('next', options))
      await clock.settle()
    }
    holding = false
    for (const release of held.splice(0)) release()
    await run(Promise.all(calls))

    const log = createFencedLog({ store, prefix: 's3queue/jobs/0/', clock, random: seededRandom(1), ids: systemIds })
    const state = await log.follow(queueFold).refresh()
    const runs = Array.from(state.runs.values(), ({ count, batch }) => [count, batch.size, batch.priority, batch.slot])
    const { slot } = state
    const before = [
      [1, 1, 0, slot - 2],
      [1, 1, 0, slot - 1],
    ]
    const together = [
      [2, 2, 0, slot],
      [2, 2, 1, slot],
      [1, 1, 0, slot],
      [2, 2, 0, slot],
    ]
    expect(runs).toEqual([...before, ...together])
    expect((await run(queue.getStats())).waiting).toBe(9)
  })

  it('are in the state as if they had come together', () => {
    const event = { type: 'enqueued', sender: 'S', maxAttempts: 1, priority: 0, visibleAt: 0 } as const
    const [together, apart] = [emptyState(), emptyState()]
    for (const state of [together, apart]) {
      beginCommit(state, 1)
      applyEvent(state, { type: 'time', at: 1000 })
    }
    applyEvent(together, { ...event, seq: 0, count: 6 })
    applyEvent(apart, { ...event, seq: 0, count: 1 })
    applyContinued(apart, { ...event, seq: 1, count: 2 })
    applyContinued(apart, { ...event, seq: 3, count: 3 })
    expect(apart).toEqual(together)
  })
})

describe('messages that are cancelled before their turn', () => {
  it.each([
    ['delayed', { visibleAt: 1_000_000 }],
    ['waiting', {}],
  ] as const)('leave nothing behind when they are many: %s', (_, more) => {
    const state = emptyState()
    beginCommit(state, 1)
    enqueue(state, 0)
    enqueue(state, 1, { visibleAt: 500_000 })
    for (let seq = 2; seq < 20_000; seq++) {
      enqueue(state, seq, more)
      applyEvent(state, { type: 'withdrawn', run: state.nextRun - 1, offset: 0 })
    }
    expect(state.delayed.size + (state.ready.get(0)?.size ?? 0)).toBeLessThan(2000)
    expect(state.counts).toEqual({ waiting: 1, delayed: 1, completed: 0 })
    const claimed: QueueEvent = { type: 'claimed', worker: 'W', token: 1, timeoutMs: 1, runs: [1, 1] }
    applyEvent(state, claimed)
    applyEvent(state, { type: 'time', at: 2_000_000 })
    expect(state.counts).toEqual({ waiting: 1, delayed: 0, completed: 0 })
  })
})

describe('a deque', () => {
  it('is an array with two ends', () => {
    const step = fc.oneof(fc.constant('shift' as const), fc.constant('odd' as const), fc.integer())
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 4000, size: 'max' }), (steps) => {
        const deque = new Deque<number>()
        let truth: number[] = []
        for (const [what, toFront] of steps) {
          if (what === 'shift') expect(deque.shift()).toBe(truth.shift())
          else if (what === 'odd') {
            deque.retain((n) => n % 2 !== 0)
            truth = truth.filter((n) => n % 2 !== 0)
          } else if (toFront) {
            deque.pushFront(what)
            truth.unshift(what)
          } else {
            deque.push(what)
            truth.push(what)
          }
          expect(deque.peek()).toBe(truth[0])
          expect(deque.size).toBe(truth.length)
        }
        expect(deque.toArray()).toEqual(truth)
        expect([...deque]).toEqual(truth)
      }),
      { numRuns: 50 },
    )
  })

  it('returns to the front what came from there, also where thousands were taken', () => {
    const deque = new Deque<number>()
    for (let n = 0; n < 10_000; n++) deque.push(n)
    for (let n = 0; n < 6000; n++) expect(deque.shift()).toBe(n)
    for (let n = 5999; n >= 3000; n--) deque.pushFront(n)
    expect(deque.toArray()).toEqual(Array.from({ length: 7000 }, (_, i) => 3000 + i))
  })
})

describe('a heap', () => {
  it('gives the least first, and among equals the one with the least tie', () => {
    const item = fc.record({ key: fc.integer({ min: -3, max: 3 }), tie: fc.nat() })
    fc.assert(
      fc.property(fc.array(item, { maxLength: 200 }), fc.boolean(), (items, thinned) => {
        const heap = new Heap<(typeof items)[number]>(
          ({ key }) => key,
          ({ tie }) => tie,
        )
        for (const one of items) heap.push(one)
        if (thinned) heap.retain(({ tie }) => tie % 2 === 0)
        const order = Array.from({ length: heap.size }, () => heap.pop())
        const truth = items.filter(({ tie }) => !thinned || tie % 2 === 0)
        expect(order).toEqual(truth.sort((a, b) => a.key - b.key || a.tie - b.tie))
        expect(heap.pop()).toBeUndefined()
      }),
    )
  })
})
