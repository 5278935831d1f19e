import { describe, expect, it } from 'vitest'
import { CorruptObject } from '../../src/index.ts'
import { bodyOf, bytes, changed, createRig, place, type Rig } from '../rig.ts'
import { append, BASE, checkpoint, fold, lead, logOf, slotKey } from './log-rig.ts'

/** A log of a fence and three commits, a base at slot 2, and the key of its snapshot. */
async function filled(): Promise<{ rig: Rig; snapshot: string }> {
  const rig = createRig()
  const leader = await lead(rig)
  await append(rig, leader, 'one')
  await checkpoint(rig, leader)
  await append(rig, leader, 'two', 'three')
  const snapshot = [...rig.memory.snapshot().keys()].find((key) => key.includes('/snapshots/'))
  if (snapshot === undefined) throw new Error('There is no snapshot.')
  return { rig, snapshot }
}

/** A log of a fence and three commits, all of which a snapshot replaces and the commits are deleted. */
async function collected(): Promise<{ rig: Rig; leader: Awaited<ReturnType<typeof lead>> }> {
  const rig = createRig()
  const leader = await lead(rig)
  await append(rig, leader, 'one', 'two', 'three')
  await checkpoint(rig, leader)
  await rig.run(leader.writer.collect(() => false))
  return { rig, leader }
}

async function expectCorrupt(rig: Rig, key: string, what: RegExp): Promise<void> {
  for (const attempt of [() => logOf(rig).takeOver(fold), () => logOf(rig).follow(fold).refresh()]) {
    const failure = await rig.run(attempt().catch((error: unknown) => error))
    expect(failure).toBeInstanceOf(CorruptObject)
    expect(failure).toMatchObject({ code: 'CORRUPT_OBJECT', key })
    expect(String(failure)).toContain(key)
    expect(String(failure)).toContain('memory://')
    expect(String(failure)).toMatch(what)
  }
}

const DAMAGES: readonly (readonly [string, (body: Uint8Array) => Uint8Array, RegExp])[] = [
  ['is empty', () => new Uint8Array(0), /0 bytes hold no header/],
  ['is something else', () => bytes('<html>\n'), /header does not match its hash/],
  ['has lost its end', (body) => body.subarray(0, body.length - 1), /truncated: \d+ of the \d+ bytes/],
  ['has lost its body', (body) => body.subarray(0, body.indexOf(10) + 1), /truncated: 0 of the \d+ bytes/],
  ['breaks off in its header', (body) => body.subarray(0, 60), /hold no header line/],
  ['has a byte too many', (body) => bytes(`${new TextDecoder().decode(body)}x`), /body is longer than it was/],
  ['has a changed header', (body) => flipped(body, 40), /header does not match its hash/],
  ['has a changed hash', (body) => flipped(body, 3), /header does not match its hash/],
  ['has a changed body', (body) => flipped(body, body.length - 1), /body does not match its hash/],
]

function flipped(body: Uint8Array, at: number): Uint8Array {
  return body.map((byte, i) => (i === at ? byte ^ 1 : byte))
}

describe('a damaged log', () => {
  it.each(DAMAGES)('whose commit %s is refused, and the commit named', async (_what, damage, says) => {
    const { rig } = await filled()
    await place(rig.memory, slotKey(3), damage(await bodyOf(rig.memory, slotKey(3))))
    await expectCorrupt(rig, slotKey(3), says)
  })

  it.each(DAMAGES)('whose snapshot %s is refused, and the snapshot named', async (_what, damage, says) => {
    const { rig, snapshot } = await filled()
    await place(rig.memory, snapshot, damage(await bodyOf(rig.memory, snapshot)))
    await expectCorrupt(rig, snapshot, says)
  })

  it('whose base cannot be read is refused, and the base named', async () => {
    const { rig } = await filled()
    await place(rig.memory, BASE, '{')
    await expectCorrupt(rig, BASE, /hold no header line/)
  })

  it('whose snapshot is gone is refused', async () => {
    const { rig, snapshot } = await filled()
    await rig.memory.delete([snapshot])
    await expectCorrupt(rig, snapshot, /is missing, although q\/0\/base names it/)
  })

  it('with a commit of another log in its chain is refused', async () => {
    const { rig } = await filled()
    const other = await filled()
    await place(rig.memory, slotKey(4), await bodyOf(other.rig.memory, slotKey(3)))
    await expectCorrupt(rig, slotKey(4), /is a copy of the object q\/0\/log\/0+3/)
    const third = createRig()
    await append(third, await lead(third), 'something', 'else', 'altogether')
    await place(rig.memory, slotKey(4), await bodyOf(third.memory, slotKey(4)))
    await expectCorrupt(rig, slotKey(4), /does not follow the slot before it/)
  })

  it.each([3, 4, 5, 6, 7, 8, 9, 10])(
    'without slot %i, which lies in the middle, is neither taken over nor read',
    async (slot) => {
      const rig = createRig()
      const leader = await lead(rig)
      await append(rig, leader, 'one')
      await checkpoint(rig, leader)
      await append(rig, leader, ...Array.from({ length: 8 }, (_, i) => `${i}`))
      await append(rig, await lead(rig), 'last')
      await rig.memory.delete([slotKey(slot)])
      const before = rig.memory.size
      await expectCorrupt(rig, slotKey(slot), /missing/)
      expect(rig.memory.size).toBe(before)
    },
  )

  it('whose base is gone is refused, and the base named', async () => {
    const { rig } = await collected()
    await rig.memory.delete([BASE])
    await expectCorrupt(rig, BASE, /is missing, although there is a snapshot of slot 4/)
    const later = await collected()
    await append(later.rig, later.leader, 'later')
    await later.rig.memory.delete([BASE])
    await expectCorrupt(later.rig, BASE, /is missing, although there is a snapshot of slot 4/)
  })

  it('that ends before a slot that it is known to have reached is refused, until that is not said any more', async () => {
    const { rig } = await filled()
    await rig.memory.delete([slotKey(4)])
    const log = logOf(rig)
    const takeOver = (): Promise<unknown> => log.takeOver(fold, undefined, 4)
    const read = (): Promise<unknown> => log.follow(fold).refresh(undefined, { reached: 4 })
    for (const attempt of [takeOver, read]) {
      const failure = await rig.run(attempt().catch((error: unknown) => error))
      expect(failure).toMatchObject({ code: 'CORRUPT_OBJECT', key: slotKey(4) })
      expect(String(failure)).toMatch(/the log reached slot 4/)
    }
    expect((await lead(rig)).state.at(-1)).toBe('fence 4 of 2')
  })

  it('is noticed by a reader that has read it before', async () => {
    const { rig, leader } = await collected()
    const follower = logOf(rig).follow(fold)
    await rig.run(follower.refresh())
    await append(rig, leader, 'next', 'and next')
    await rig.memory.delete([slotKey(5)])
    const failure = await rig.run(follower.refresh().catch((error: unknown) => error))
    expect(failure).toMatchObject({ code: 'CORRUPT_OBJECT', key: slotKey(5) })
  })

  it('is no such thing when objects of others lie beside its slots', async () => {
    const { rig, leader } = await collected()
    for (const name of ['log/zzz', 'log/0000000000045', 'log/000000000004x', 'snapshots/zzz', 'snapshots/999999999999'])
      await place(rig.memory, `q/0/${name}`, 'x')
    await append(rig, leader, 'next')
    expect((await rig.run(logOf(rig).follow(fold).refresh())).at(-1)).toMatch(/commit 5/)
    expect((await lead(rig)).state.at(-1)).toBe('fence 6 of 2')
    const fresh = createRig()
    await place(fresh.memory, 'q/0/log/zzz', 'x')
    expect((await lead(fresh)).state).toEqual(['fence 1 of 1'])
  })

  it('whose snapshot is one of another slot is refused', async () => {
    const { rig, leader } = await collected()
    const [old] = [...rig.memory.snapshot().keys()].filter((key) => key.includes('/snapshots/'))
    const before = await bodyOf(rig.memory, String(old))
    await append(rig, leader, 'next')
    await checkpoint(rig, leader)
    const now = [...rig.memory.snapshot().keys()].find((key) => key.includes('/snapshots/') && key !== old)
    await place(rig.memory, String(now), before)
    await expectCorrupt(rig, String(now), /is a copy of the object/)
  })

  it('is no such thing when a body broke off on its way', async () => {
    const { rig } = await filled()
    let reads = 0
    const flaky = changed(rig.store, {
      async get(key, options) {
        const answer = await rig.store.get(key, options)
        if (key !== slotKey(4) || answer.outcome !== 'found' || ++reads > 2) return answer
        return { ...answer, body: answer.body.subarray(0, 50) }
      },
    })
    const { state } = await lead(rig, flaky)
    expect(reads).toBe(3)
    expect(state.at(-1)).toBe('fence 5 of 2')
  })
})
