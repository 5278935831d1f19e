import { AccessDenied } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createFencedLog } from '../../src/index.ts'
import { bytes, changed, createGate, createRig, isPut } from '../rig.ts'
import { append, BASE, checkpoint, fold, keysIn, lead, linesOf, logOf, slotKey } from './log-rig.ts'

describe('a take-over', () => {
  it('of an empty log opens the first epoch', async () => {
    const rig = createRig()
    const { writer, state } = await lead(rig)
    expect(writer.epoch).toBe(1)
    expect(state).toEqual(['fence 1 of 1'])
    expect(keysIn(rig)).toEqual(['log/000000000001'])
  })

  it('folds everything that was acknowledged, its own fence included', async () => {
    const rig = createRig()
    const first = await lead(rig)
    await append(rig, first, 'one', 'two')
    const second = await lead(rig)
    await append(rig, second, 'three')
    const { state, writer } = await lead(rig)
    expect(state).toEqual([...first.state, 'fence 4 of 2', 'commit 5 of 2: three', 'fence 6 of 3'])
    expect(writer).toMatchObject({ epoch: 3, nextSlot: 7 })
  })

  it('by many at once gives each an epoch of its own, and one can append in the end', async () => {
    const rig = createRig()
    const leaders = await rig.run(Promise.all(Array.from({ length: 12 }, () => logOf(rig).takeOver(fold))))
    const epochs = leaders.map(({ writer }) => writer.epoch)
    expect([...epochs].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
    const appends = await rig.run(Promise.allSettled(leaders.map(({ writer }) => writer.append(bytes('x')))))
    const winners = leaders.filter((_, i) => appends[i]?.status === 'fulfilled')
    expect(winners.map(({ writer }) => writer.epoch)).toEqual([12])
    expect(await linesOf(rig)).toHaveLength(13)
  })

  it('goes on walking when others are first', async () => {
    const rig = createRig()
    const gate = createGate()
    const slow = changed(rig.store, {
      async put(key, body, options) {
        if (key === slotKey(1)) await gate.pass()
        return rig.store.put(key, body, options)
      },
    })
    const late = logOf(rig, slow).takeOver(fold)
    await gate.reached
    await append(rig, await lead(rig), 'one', 'two')
    gate.open()
    const { writer, state } = await rig.run(late)
    expect(writer.epoch).toBe(2)
    expect(state).toEqual(['fence 1 of 1', 'commit 2 of 1: one', 'commit 3 of 1: two', 'fence 4 of 2'])
  })

  it('starts over when the base moved under it and what it walked on was collected', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    await append(rig, leader, 'one')
    const gate = createGate()
    const starts: unknown[] = []
    const slow = changed(rig.store, {
      async get(key, options) {
        if (key === slotKey(2)) await gate.pass()
        return rig.store.get(key, options)
      },
    })
    const late = logOf(rig, slow, 1).takeOver({
      ...fold,
      start(snapshot) {
        starts.push(snapshot)
        return fold.start(snapshot)
      },
    })
    await gate.reached
    await checkpoint(rig, leader)
    await rig.run(leader.writer.collect(() => false))
    gate.open()
    const { writer, state } = await rig.run(late)
    expect(state).toEqual(['fence 1 of 1', 'commit 2 of 1: one', 'fence 3 of 2'])
    expect(writer.position.slot).toBe(3)
    expect(starts).toHaveLength(2)
    expect(starts[0]).toBeUndefined()
  })

  it('is not misled by a fence that landed late where a commit was collected', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    const gate = createGate()
    const stalled = changed(rig.store, {
      async put(key, body, options) {
        if (key === slotKey(2)) await gate.pass()
        return rig.store.put(key, body, options)
      },
    })
    const ghost = logOf(rig, stalled).takeOver(fold)
    await gate.reached
    await append(rig, leader, 'one')
    const walking = createGate()
    const slow = changed(rig.store, {
      async get(key, options) {
        if (key === slotKey(2)) await walking.pass()
        return rig.store.get(key, options)
      },
    })
    const late = logOf(rig, slow, 1).takeOver(fold)
    await walking.reached
    await checkpoint(rig, leader)
    await rig.run(leader.writer.collect(() => false))
    gate.open()
    const first = await rig.run(ghost)
    walking.open()
    const second = await rig.run(late)
    expect(first.state).toEqual(['fence 1 of 1', 'commit 2 of 1: one', 'fence 3 of 2'])
    // Its first walk ended in a fence at slot 4, built on the late fence at slot 2; it saw the base and walked anew.
    expect(second.state).toEqual([...first.state, 'fence 4 of 3', 'fence 5 of 4'])
    await expect(rig.run(first.writer.append(bytes('x')))).rejects.toThrow(/took over/)
    expect((await append(rig, second, 'two')).slot).toBe(6)
  })

  it('whose fence got no answer finds out whether it is there', async () => {
    const rig = createRig(
      [
        { kind: 'timeout-after-apply', timeoutMs: 100 },
        { kind: 'timeout-before-apply', timeoutMs: 100 },
      ],
      isPut,
    )
    await lead(rig)
    const { state } = await lead(rig)
    expect(state).toEqual(['fence 1 of 1', 'fence 2 of 2'])
  })

  it('waits through an outage', async () => {
    const rig = createRig(Array.from({ length: 40 }, () => ({ kind: 'server-error' }) as const))
    const { state } = await lead(rig)
    expect(state).toEqual(['fence 1 of 1'])
    expect(rig.clock.monotonic()).toBeGreaterThan(10_000)
  })

  it('ends with the reason of its signal', async () => {
    const rig = createRig(Array.from({ length: 40 }, () => ({ kind: 'server-error' }) as const))
    const stop = new AbortController()
    const late = logOf(rig).takeOver(fold, stop.signal)
    await rig.clock.advance(1000)
    stop.abort(new Error('enough'))
    await expect(rig.run(late)).rejects.toThrow('enough')
  })

  it('ends when access is denied', async () => {
    const rig = createRig()
    const denied = new AccessDenied('No.')
    const store = changed(rig.store, { get: () => Promise.reject(denied) })
    await expect(logOf(rig, store).takeOver(fold)).rejects.toBe(denied)
  })
})

describe('a log', () => {
  it('has its keys below its prefix, and nothing else', async () => {
    const rig = createRig()
    await checkpoint(rig, await lead(rig))
    const keys = [...rig.memory.snapshot().keys()]
    expect(keys).toContain(BASE)
    expect(keys).toContain(slotKey(1))
    expect(keys.filter((key) => /^q\/0\/snapshots\/000000000001-[0-9A-Z]{16}$/.test(key))).toHaveLength(1)
    expect(keys).toHaveLength(3)
  })

  it('refuses prefixes that end in no slash, and numbers of slots that are none', () => {
    const rig = createRig()
    expect(() => createFencedLog({ ...rig.tools, prefix: 'q' })).toThrow(/must end in a slash/)
    for (const readAhead of [0, 1.5, Number.NaN]) {
      expect(() => createFencedLog({ ...rig.tools, prefix: '', readAhead })).toThrow(/whole number of at least 1/)
    }
  })
})
