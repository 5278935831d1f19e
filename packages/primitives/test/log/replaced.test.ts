import { overwrite } from '@s3queue/storage'
import type { MemoryStore } from '@s3queue/storage-memory'
import { describe, expect, it } from 'vitest'
import { asLogMark, type FencedLog, type Leadership } from '../../src/index.ts'
import { createRig, type Rig } from '../rig.ts'
import { append, checkpoint, fold, keysIn, type Lines, logOf } from './log-rig.ts'

type Copy = ReturnType<MemoryStore['snapshot']>

/** The store holds exactly what it held when the copy was taken. */
async function restore({ memory }: Rig, copy: Copy): Promise<void> {
  await memory.delete([...memory.snapshot().keys()])
  for (const [key, { body }] of copy) await memory.put(key, body, { condition: overwrite })
}

interface Actor {
  readonly log: FencedLog
  readonly leader: Leadership<Lines>
}

async function takeOver(rig: Rig, log: FencedLog = logOf(rig)): Promise<Actor> {
  return { log, leader: await rig.run(log.takeOver(fold)) }
}

/** A log with a base and commits behind it, a copy of it, and more commits. */
async function busyLog(rig: Rig): Promise<Actor & { readonly copy: Copy }> {
  const actor = await takeOver(rig)
  await append(rig, actor.leader, 'one', 'two')
  await checkpoint(rig, actor.leader)
  await append(rig, actor.leader, 'three')
  const copy = rig.memory.snapshot()
  await append(rig, actor.leader, 'four', 'five')
  return { ...actor, copy }
}

const ways = {
  emptied: async (rig: Rig) => restore(rig, new Map()),
  'set back to an earlier state': async (rig: Rig, copy: Copy) => restore(rig, copy),
  'given another log': async (rig: Rig) => {
    await restore(rig, new Map())
    const other = await takeOver(rig)
    await append(rig, other.leader, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')
  },
  'set back and continued beyond what is known': async (rig: Rig, copy: Copy) => {
    await restore(rig, copy)
    const other = await takeOver(rig)
    await append(rig, other.leader, 'a', 'b', 'c', 'd', 'e', 'f')
  },
  'set back, continued and collected beyond what is known': async (rig: Rig, copy: Copy) => {
    await restore(rig, copy)
    const other = await takeOver(rig)
    await append(rig, other.leader, 'a', 'b', 'c', 'd', 'e', 'f')
    await checkpoint(rig, other.leader)
    await rig.run(other.leader.writer.collect(() => false))
  },
}

describe.each(Object.entries(ways))('a store that was %s', (_, happen) => {
  it('is refused by a process that takes over once more, which changes nothing', async () => {
    const rig = createRig()
    const { log, copy } = await busyLog(rig)
    await happen(rig, copy)
    const before = keysIn(rig)
    await expect(rig.run(log.takeOver(fold))).rejects.toMatchObject({ code: 'LOG_REPLACED', slot: 6 })
    expect(keysIn(rig)).toEqual(before)
  })

  it('is refused by a process that reads along', async () => {
    const rig = createRig()
    const { copy } = await busyLog(rig)
    const follower = logOf(rig).follow(fold)
    await rig.run(follower.refresh())
    await happen(rig, copy)
    await rig.clock.advance(5_000)
    await expect(rig.run(follower.refresh())).rejects.toMatchObject({ code: 'LOG_REPLACED' })
    await expect(rig.run(follower.refresh())).rejects.toMatchObject({ code: 'LOG_REPLACED' })
  })

  it('is noticed by a writer that goes on appending', async () => {
    const rig = createRig()
    const { leader, copy } = await busyLog(rig)
    await rig.run(leader.writer.confirmPast())
    await happen(rig, copy)
    await append(rig, leader, 'six').catch(() => {})
    await expect(rig.run(leader.writer.confirmPast())).rejects.toMatchObject({ code: 'LOG_REPLACED' })
  })

  it('is noticed by a process that only met the mark of a writer', async () => {
    const rig = createRig()
    const { leader, copy } = await busyLog(rig)
    const log = logOf(rig)
    const { mark } = leader.writer
    if (mark !== undefined) await rig.run(log.meet(mark))
    await happen(rig, copy)
    await expect(rig.run(log.confirm())).rejects.toMatchObject({ code: 'LOG_REPLACED' })
  })

  it('is used by a process that comes new', async () => {
    const rig = createRig()
    const { copy } = await busyLog(rig)
    await happen(rig, copy)
    const fresh = await takeOver(rig)
    expect(fresh.leader.state.at(-1)).toMatch(/^fence/)
  })

  it('is used again when the log is back', async () => {
    const rig = createRig()
    const { log, copy } = await busyLog(rig)
    const good = rig.memory.snapshot()
    await happen(rig, copy)
    await expect(rig.run(log.takeOver(fold))).rejects.toMatchObject({ code: 'LOG_REPLACED' })
    await restore(rig, good)
    const again = await takeOver(rig, log)
    expect(again.leader.state).toContain('commit 6 of 1: five')
  })
})

describe('a log that is the same', () => {
  it('is recognised when others have taken over and collected what was known', async () => {
    const rig = createRig()
    const { log, leader } = await busyLog(rig)
    for (let i = 0; i < 3; i++) {
      const other = await takeOver(rig)
      await append(rig, other.leader, `more ${i}`)
      await checkpoint(rig, other.leader)
      await rig.run(other.leader.writer.collect(() => false))
    }
    await rig.run(log.confirm())
    await rig.run(leader.writer.confirmPast())
    expect((await takeOver(rig, log)).leader.writer.epoch).toBe(5)
  })

  it('is recognised after more epochs than a base remembers', async () => {
    const rig = createRig()
    const { log } = await busyLog(rig)
    let last = await takeOver(rig)
    for (let i = 0; i < 40; i++) last = await takeOver(rig)
    await checkpoint(rig, last.leader)
    await rig.run(log.confirm())
    expect((await takeOver(rig, log)).leader.writer.epoch).toBe(43)
  })

  it('tells marks of its own from those of another future', async () => {
    const rig = createRig()
    const { leader, copy } = await busyLog(rig)
    const { mark } = leader.writer
    await restore(rig, copy)
    const other = await takeOver(rig)
    await append(rig, other.leader, 'a', 'b', 'c')
    if (mark === undefined) throw new Error('The writer has no mark.')
    expect(await rig.run(other.leader.writer.recognises(mark))).toBe(false)
    expect(await rig.run(other.leader.writer.recognises({ ...mark, slot: 4 }))).toBe(true)
  })

  it('notes marks that follow, and says which contradict what is known', async () => {
    const rig = createRig()
    const log = logOf(rig)
    const fence = { epoch: 3, slot: 10, nonce: 'n3' }
    expect(log.note({ log: 'a', fence, slot: 12 })).toBe(true)
    expect(log.note({ log: 'a', fence, slot: 14 })).toBe(true)
    expect(log.mark?.slot).toBe(14)
    expect(log.note({ log: 'a', fence: { epoch: 2, slot: 4, nonce: 'n2' }, slot: 9 })).toBe(true)
    expect(log.note({ log: 'a', fence: { epoch: 4, slot: 15, nonce: 'n4' }, slot: 16 })).toBe(true)
    const contradictions = [
      { log: 'b', fence, slot: 12 },
      { log: 'a', fence: { ...fence, nonce: 'other' }, slot: 12 },
      { log: 'a', fence: { epoch: 2, slot: 4, nonce: 'n2' }, slot: 11 },
      { log: 'a', fence: { epoch: 4, slot: 13, nonce: 'n4' }, slot: 16 },
    ]
    for (const mark of contradictions) expect(log.note(mark)).toBe(false)
    expect(log.mark?.slot).toBe(14)
  })

  it('is told from what is not a mark', () => {
    const mark = { log: 'a', fence: { epoch: 1, slot: 1, nonce: 'n' }, slot: 3 }
    expect(asLogMark(mark)).toEqual(mark)
    for (const other of [
      undefined,
      null,
      1,
      'a',
      {},
      { ...mark, slot: 0 },
      { ...mark, slot: 1e308 },
      { ...mark, fence: null },
    ])
      expect(asLogMark(other)).toBeUndefined()
  })
})
