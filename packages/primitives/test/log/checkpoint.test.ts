import { AccessDenied, overwrite } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { Fenced } from '../../src/index.ts'
import { bytes, changed, createRig, putsTo } from '../rig.ts'
import { append, BASE, checkpoint, keysIn, type Lines, lead, linesOf, logOf, PREFIX, slotKey } from './log-rig.ts'

describe('a checkpoint', () => {
  it('lets others begin there instead of at the beginning', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    await append(rig, leader, 'one', 'two')
    await checkpoint(rig, leader)
    expect(leader.writer.baseSlot).toBe(3)
    await append(rig, leader, 'three')
    const read: string[] = []
    const watched = changed(rig.store, {
      get(key, options) {
        read.push(key)
        return rig.store.get(key, options)
      },
    })
    const next = await lead(rig, watched)
    expect(next.state).toEqual([...leader.state, 'fence 5 of 2'])
    expect(read).not.toContain(slotKey(1))
    expect(read).not.toContain(slotKey(3))
  })

  it('at a place that the base has reached does nothing', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    await append(rig, leader, 'one')
    await checkpoint(rig, leader)
    const before = keysIn(rig)
    await checkpoint(rig, leader)
    expect(keysIn(rig)).toEqual(before)
  })

  it('may stand at any place that was appended, also an earlier one', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    const first = await append(rig, leader, 'one')
    const state = [...leader.state]
    await append(rig, leader, 'two')
    await rig.run(leader.writer.checkpoint(first, bytes(JSON.stringify(state))))
    expect(leader.writer.baseSlot).toBe(2)
    expect((await lead(rig)).state).toEqual([...leader.state, 'fence 4 of 2'])
  })

  it.each([
    ['took place', { kind: 'timeout-after-apply', timeoutMs: 1000 }],
    ['was lost', { kind: 'timeout-before-apply', timeoutMs: 1000 }],
    ['was sent twice', { kind: 'double-send', gapMs: 5 }],
    ['lands late', { kind: 'late-apply', timeoutMs: 100, applyMs: 9000 }],
  ] as const)('whose write %s without an answer finds out, for the base and for the snapshot', async (_what, fault) => {
    const rig = createRig(
      [fault, fault],
      ({ kind, ...request }) => kind === 'put' && 'key' in request && !request.key.startsWith(`${PREFIX}log/`),
    )
    const leader = await lead(rig)
    await append(rig, leader, 'one')
    await checkpoint(rig, leader)
    await append(rig, leader, 'two')
    await checkpoint(rig, leader)
    await rig.run(rig.store.settled())
    expect(rig.script.left).toBe(0)
    expect(leader.writer.baseSlot).toBe(3)
    expect((await lead(rig)).state).toEqual([...leader.state, 'fence 4 of 2'])
  })

  it('of a writer whose successor has moved the base further is fenced', async () => {
    const rig = createRig()
    const old = await lead(rig)
    await append(rig, old, 'one')
    const young = await lead(rig)
    await append(rig, young, 'two')
    await checkpoint(rig, young)
    await expect(checkpoint(rig, old)).rejects.toBeInstanceOf(Fenced)
    expect((await lead(rig)).state).toEqual([...young.state, 'fence 5 of 3'])
  })

  it('of a writer that slept through more moves than the base remembers is fenced', async () => {
    const rig = createRig()
    const old = await lead(rig)
    await append(rig, old, 'one')
    await checkpoint(rig, old)
    const mark = await append(rig, old, 'two')
    const young = await lead(rig)
    for (let i = 0; i < 40; i++) {
      await append(rig, young, `${i}`)
      await checkpoint(rig, young)
    }
    await expect(rig.run(old.writer.checkpoint(mark, bytes('[]')))).rejects.toBeInstanceOf(Fenced)
  })

  it('that lands late from an old writer is built upon by the new one', async () => {
    const rig = createRig([{ kind: 'late-apply', timeoutMs: 100_000, applyMs: 50 }], putsTo(BASE))
    const old = await lead(rig)
    await append(rig, old, 'one')
    const late = checkpoint(rig, old).catch((error: unknown) => error)
    await rig.clock.settle()
    const young = await rig.run(logOf(rig).takeOver({ start: () => [] as Lines, apply: (lines) => lines.push('') }))
    await rig.clock.advance(50)
    const state: Lines = await linesOf(rig)
    await append(rig, { writer: young.writer, state }, 'two')
    await checkpoint(rig, { writer: young.writer, state })
    expect(young.writer.baseSlot).toBe(4)
    expect((await lead(rig)).state).toEqual([
      'fence 1 of 1',
      'commit 2 of 1: one',
      'fence 3 of 2',
      'commit 4 of 2: two',
      'fence 5 of 3',
    ])
    await late
  })
})

describe('collecting', () => {
  it('deletes commits at or below the base that nobody needs, and no fence', async () => {
    const rig = createRig()
    const first = await lead(rig)
    await append(rig, first, 'one', 'two')
    const second = await lead(rig)
    await append(rig, second, 'three')
    await checkpoint(rig, second)
    await append(rig, second, 'four')
    expect(await rig.run(second.writer.collect((slot) => slot === 3))).toBe(2)
    expect(keysIn(rig).filter((key) => key.startsWith('log/'))).toEqual([
      'log/000000000001',
      'log/000000000003',
      'log/000000000004',
      'log/000000000006',
    ])
    expect(await rig.run(second.writer.collect((slot) => slot === 3))).toBe(0)
  })

  it('is taken up by the next writer, which knows from the snapshot what is still there', async () => {
    const rig = createRig()
    const first = await lead(rig)
    await append(rig, first, 'one', 'two', 'three')
    await checkpoint(rig, first)
    await rig.run(first.writer.collect((slot) => slot !== 3))
    const second = await lead(rig)
    await append(rig, second, 'four')
    await checkpoint(rig, second)
    const live: number[] = []
    await rig.run(
      second.writer.collect((slot) => {
        live.push(slot)
        return false
      }),
    )
    expect(live).toEqual([2, 3, 4, 6])
    expect(keysIn(rig).filter((key) => key.startsWith('log/'))).toEqual(['log/000000000001', 'log/000000000005'])
  })

  it('deletes the snapshots that the base has left behind, also those of writers that crashed', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    for (let i = 0; i < 1500; i++) {
      const key = `${PREFIX}snapshots/000000000001-${String(i).padStart(16, '0')}`
      await rig.memory.put(key, bytes('left over'), { condition: overwrite })
    }
    await append(rig, leader, 'one')
    await checkpoint(rig, leader)
    await append(rig, leader, 'two')
    await checkpoint(rig, leader)
    expect(await rig.run(leader.writer.collect(() => true))).toBe(1501)
    expect(keysIn(rig).filter((key) => key.startsWith('snapshots/'))).toHaveLength(1)
    expect((await lead(rig)).state).toEqual([...leader.state, 'fence 4 of 2'])
  })

  it('does not touch a snapshot at or above the base: a base may be about to name it', async () => {
    const rig = createRig()
    const leader = await lead(rig)
    await append(rig, leader, 'one')
    await checkpoint(rig, leader)
    const pending = [2, 3].map((slot) => `${PREFIX}snapshots/00000000000${slot}-PENDING`)
    for (const key of pending) await rig.memory.put(key, bytes('x'), { condition: overwrite })
    await rig.run(leader.writer.collect(() => false))
    const left = [...rig.memory.snapshot().keys()]
    for (const key of pending) expect(left).toContain(key)
  })

  it('that fails is taken up again', async () => {
    const rig = createRig()
    const store = changed(rig.store, { delete: () => Promise.reject(new AccessDenied('No.')) })
    const leader = await lead(rig, store)
    await append(rig, leader, 'one')
    await checkpoint(rig, leader)
    await expect(rig.run(leader.writer.collect(() => false))).rejects.toBeInstanceOf(AccessDenied)
    store.delete = (keys, options) => rig.store.delete(keys, options)
    expect(await rig.run(leader.writer.collect(() => false))).toBe(1)
  })

  it('loses no snapshot that is left behind while it runs', async () => {
    const rig = createRig([{ kind: 'latency', sendMs: 1000 }], ({ kind }) => kind === 'delete')
    const leader = await lead(rig)
    await append(rig, leader, 'one')
    await checkpoint(rig, leader)
    const collecting = leader.writer.collect(() => false)
    await rig.clock.settle()
    await append(rig, leader, 'two')
    const moving = leader.writer.checkpoint(leader.writer.position, bytes(JSON.stringify(leader.state)))
    await rig.run(Promise.all([collecting, moving]))
    await rig.run(leader.writer.collect(() => false))
    expect(keysIn(rig).filter((key) => key.startsWith('snapshots/'))).toHaveLength(1)
  })
})
