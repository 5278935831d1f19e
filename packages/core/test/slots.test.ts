import { createManualClock } from '@s3queue/storage/testing'
import { describe, expect, it } from 'vitest'
import { SlotPool } from '../src/shard/index.ts'
import type { SlotMember } from '../src/worker/slots.ts'

/** A worker that only notes what its pool asks of it. */
function createMember(): SlotMember & { held: number; ready: number; started: number; told: number; gaveBack: number } {
  return {
    ...{ held: 0, ready: 0, isFar: false, started: 0, told: 0, gaveBack: 0 },
    startNext() {
      this.ready--
      this.started++
    },
    giveBackTickets() {
      this.gaveBack += this.ready
      this.held -= this.ready
      this.ready = 0
    },
    roomChanged() {
      this.told++
    },
  }
}

function createPool(concurrency: number, members: number) {
  const clock = createManualClock()
  const pool = new SlotPool({ clock, concurrency, maxPrefetch: 0, lingerMs: 0 })
  const all = Array.from({ length: members }, createMember)
  for (const member of all) {
    const { startNext } = member
    member.startNext = (now) => {
      startNext.call(member, now)
      pool.started(now)
    }
    pool.join(member)
  }
  return { clock, pool, all: all as [ReturnType<typeof createMember>, ReturnType<typeof createMember>] }
}

describe('a pool of slots', () => {
  it('gives one worker all there is, and each of several at least its equal part', () => {
    const [alone] = createPool(10, 1).all
    const { pool: own } = createPool(10, 1)
    expect(own.room(alone)).toBe(10)
    const { pool, all } = createPool(10, 2)
    const [first, second] = all
    expect([pool.room(first), pool.room(second)]).toEqual([10, 10])
    first.held = 10
    expect([pool.room(first), pool.room(second)]).toEqual([0, 5])
    second.held = 5
    expect([pool.room(first), pool.room(second)]).toEqual([-5, 0])
    first.held = 2
    expect([pool.room(first), pool.room(second)]).toEqual([3, 3])
  })

  it('gives a part of at least one, however many workers there are', () => {
    const { pool, all } = createPool(1, 4)
    all[0].held = 1
    expect([pool.room(all[0]), pool.room(all[1])]).toEqual([0, 1])
  })

  it('starts handlers from each worker in turn, and no more than there are slots', () => {
    const { pool, all } = createPool(4, 2)
    const [first, second] = all
    first.ready = 10
    second.ready = 10
    pool.arrived(0)
    expect([first.started, second.started, pool.running]).toEqual([2, 2, 4])
    for (let i = 0; i < 3; i++) {
      pool.ended(0)
      pool.pump()
    }
    expect([first.started + second.started, Math.abs(first.started - second.started)]).toEqual([7, 1])
    second.ready = 0
    pool.ended(0)
    pool.pump()
    expect(first.started + second.started).toBe(8)
  })

  it('lets what waits behind a slow handler go, keeps no part for anybody meanwhile, and tells all when it goes on', async () => {
    const { clock, pool, all } = createPool(1, 2)
    const [first, second] = all
    Object.assign(first, { held: 1, ready: 1 })
    Object.assign(second, { held: 1, ready: 1 })
    pool.arrived(0)
    expect([first.started, second.started]).toEqual([1, 0])
    await clock.advance(1900)
    expect(second.gaveBack).toBe(0)
    await clock.advance(200)
    expect(second.gaveBack).toBe(1)
    expect(pool.room(second)).toBe(0)
    expect(second.told).toBe(0)
    pool.ended(0)
    first.held = 0
    expect([first.told, second.told, pool.room(second)]).toEqual([1, 1, 1])
    // A handler that is free is news to the other log's writer.
    pool.ended(0)
    expect(second.told).toBe(2)
  })

  it('takes no more than its limit, whichever worker takes it', () => {
    const { pool, all } = createPool(10, 2)
    pool.limit(3)
    expect(pool.room(all[0])).toBe(3)
    pool.took(2)
    expect([pool.room(all[0]), pool.room(all[1])]).toEqual([1, 1])
    pool.took(-1)
    expect(pool.room(all[1])).toBe(2)
    pool.limit(Number.POSITIVE_INFINITY)
    expect(pool.room(all[1])).toBe(10)
  })

  it('tells when so many have finished, or nobody waits any more', async () => {
    const { pool } = createPool(1, 1)
    let reached = false
    const waiting = pool.whenFinished(2, new AbortController().signal).then(() => {
      reached = true
    })
    pool.ended(0)
    await Promise.resolve()
    expect(reached).toBe(false)
    pool.ended(0)
    await waiting
    const given = new AbortController()
    const other = pool.whenFinished(5, given.signal)
    given.abort()
    await other
    expect(pool.finishedCount).toBe(2)
  })
})
