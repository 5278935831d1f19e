import { AccessDenied, type ObjectStore } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createLock, type HeldLock, LeaseLost, type Lock } from '../src/index.ts'
import { changed, createRig, isPut, type Rig } from './rig.ts'

const DURATION = 3000

function lockOf(rig: Rig, owner: string, store: ObjectStore = rig.store): Lock {
  return createLock({ ...rig.tools, store, key: 'q/lock', owner, durationMs: DURATION })
}

function sleep(rig: Rig, ms: number): Promise<void> {
  return new Promise((resolve) => rig.clock.setTimer(ms, resolve))
}

describe('a lock', () => {
  it('is held by one of many workers at a time, and by each of them in the end', async () => {
    const rig = createRig()
    let inside = 0
    const tokens: number[] = []
    const workers = Array.from({ length: 8 }, async (_, i) => {
      for (let n = 0; n < 4; n++) {
        await lockOf(rig, `w${i}`).run(async ({ fencingToken, signal }) => {
          expect(++inside).toBe(1)
          tokens.push(fencingToken)
          await sleep(rig, 700 * n)
          expect(signal.aborted).toBe(false)
          inside--
        })
      }
    })
    await rig.run(Promise.all(workers))
    expect(tokens).toHaveLength(32)
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b))
    expect(new Set(tokens).size).toBe(32)
    expect(rig.clock.pendingTimers).toBe(0)
  })

  it('is held by one at a time, also among the calls of one process on one lock', async () => {
    const rig = createRig()
    const lock = lockOf(rig, 'a')
    let inside = 0
    const calls = Array.from({ length: 5 }, () =>
      lock.run(async () => {
        expect(++inside).toBe(1)
        await sleep(rig, 10)
        inside--
      }),
    )
    await rig.run(Promise.all(calls))
  })

  it('is held by one at a time over a store that fails', async () => {
    const faults = [
      { kind: 'timeout-after-apply', timeoutMs: 400 },
      { kind: 'timeout-before-apply', timeoutMs: 400 },
      { kind: 'double-send', gapMs: 100 },
      { kind: 'late-apply', timeoutMs: 100, applyMs: 2000 },
      { kind: 'latency', sendMs: 300, answerMs: 300 },
    ] as const
    const script = Array.from({ length: 200 }, (_, i) => (i % 4 === 0 ? faults[(i / 4) % faults.length] : undefined))
    const rig = createRig(script, isPut)
    const holders = new Set<HeldLock>()
    const workers = Array.from({ length: 4 }, async (_, i) => {
      for (let n = 0; n < 5; n++) {
        const held = await lockOf(rig, `w${i}`).acquire()
        for (const other of holders) expect(other.signal.aborted).toBe(true)
        holders.add(held)
        await sleep(rig, 1000 * n)
        holders.delete(held)
        await held.release()
      }
    })
    await rig.run(Promise.all(workers))
    await rig.run(rig.store.settled())
    expect(Object.values(rig.store.injected()).reduce((a, b) => a + b, 0)).toBeGreaterThan(10)
  })

  it('renews itself for as long as it is held', async () => {
    const rig = createRig()
    const held = await lockOf(rig, 'a').acquire()
    const waiting = lockOf(rig, 'b').acquire()
    await rig.clock.advance(20 * DURATION)
    expect(held.signal.aborted).toBe(false)
    await held.release()
    expect((await rig.run(waiting)).fencingToken).toBe(2)
  })

  it('passes on when its holder has gone without a word', async () => {
    const rig = createRig()
    const dead = changed(rig.store, { put: rig.store.put })
    await lockOf(rig, 'a', dead).acquire()
    dead.put = () => new Promise(() => {})
    const held = await rig.run(lockOf(rig, 'b').acquire())
    expect(held.fencingToken).toBe(2)
    expect(rig.clock.monotonic()).toBeGreaterThanOrEqual(DURATION)
    expect(rig.clock.monotonic()).toBeLessThan(2 * DURATION)
  })

  it('frees itself when the work under it throws', async () => {
    const rig = createRig()
    const work = lockOf(rig, 'a').run(() => Promise.reject(new Error('broken')))
    await expect(rig.run(work)).rejects.toThrow('broken')
    expect((await rig.run(lockOf(rig, 'b').acquire())).fencingToken).toBe(2)
    expect(rig.clock.monotonic()).toBeLessThan(DURATION)
  })

  it('stops waiting when it is told to', async () => {
    const rig = createRig()
    await lockOf(rig, 'a').acquire()
    const stop = new AbortController()
    const waiting = lockOf(rig, 'b').acquire(stop.signal)
    await rig.clock.advance(500)
    stop.abort(new Error('enough'))
    await expect(rig.run(waiting)).rejects.toThrow('enough')
  })
})

describe('a lock that cannot be renewed', () => {
  const down = { kind: 'timeout-before-apply', timeoutMs: 200 } as const

  it('aborts its signal before anybody else may have it', async () => {
    const rig = createRig([undefined, ...Array.from({ length: 100 }, () => down)], isPut)
    const held = await lockOf(rig, 'a').acquire()
    const lost = new Promise<number>((resolve) => {
      held.signal.addEventListener('abort', () => resolve(rig.clock.monotonic()))
    })
    expect(await rig.run(lost)).toBe(DURATION * 0.99)
    expect(held.signal.reason).toBeInstanceOf(LeaseLost)
    expect(String(held.signal.reason)).toContain('q/lock')
  })

  it('aborts its signal when another has it', async () => {
    const rig = createRig()
    const held = await lockOf(rig, 'a').acquire()
    await rig.memory.delete(['q/lock'])
    await rig.clock.advance(DURATION / 3)
    expect(held.signal.aborted).toBe(true)
    expect(held.signal.reason).toBeInstanceOf(LeaseLost)
    await held.release()
  })

  it('aborts its signal with LeaseLost when access is withdrawn, and says why', async () => {
    const rig = createRig()
    const denied = new AccessDenied('No more.')
    const store = changed(rig.store, { put: rig.store.put })
    const held = await lockOf(rig, 'a', store).acquire()
    store.put = () => Promise.reject(denied)
    await rig.clock.advance(DURATION / 3)
    expect(held.signal.reason).toBeInstanceOf(LeaseLost)
    expect(held.signal.reason).toMatchObject({ cause: denied })
  })

  it('is given back without waiting longer for an outage than others have to wait', async () => {
    const rig = createRig([undefined, ...Array.from({ length: 1000 }, () => down)], isPut)
    const held = await lockOf(rig, 'a').acquire()
    await rig.run(held.release())
    expect(rig.clock.monotonic()).toBeLessThanOrEqual(DURATION)
    expect(rig.clock.pendingTimers).toBe(0)
  })

  it('waits for the renewal under way before it gives the lock back', async () => {
    const rig = createRig([undefined, { kind: 'latency', sendMs: 400 }], isPut)
    const held = await lockOf(rig, 'a').acquire()
    await rig.clock.advance(DURATION / 3)
    await rig.run(held.release())
    expect((await rig.run(lockOf(rig, 'b').acquire())).fencingToken).toBe(2)
    expect(rig.clock.monotonic()).toBeLessThan(DURATION)
  })
})

it('is not handed out when its window has passed while the answer was awaited', async () => {
  const rig = createRig([{ kind: 'latency', answerMs: DURATION }], isPut)
  const held = await rig.run(lockOf(rig, 'a').acquire())
  expect(held.signal.aborted).toBe(false)
  await rig.clock.advance(DURATION / 4)
  expect(held.signal.aborted).toBe(false)
})

it('is waited for again when another took it while the answer was awaited', async () => {
  const rig = createRig([{ kind: 'latency', answerMs: 5 * DURATION }], isPut)
  const late = lockOf(rig, 'a').acquire()
  await rig.clock.settle()
  const other = lockOf(rig, 'b').acquire()
  const held = await rig.run(other)
  await rig.clock.advance(5 * DURATION)
  expect(held.signal.aborted).toBe(false)
  await held.release()
  expect((await rig.run(late)).fencingToken).toBe(3)
})
