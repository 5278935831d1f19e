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
    await expectCorrupt(rig, BASE, /not valid JSON/)
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
    await expectCorrupt(rig, slotKey(4), /says that it is slot 3/)
    const third = createRig()
    await append(third, await lead(third), 'something', 'else', 'altogether')
    await place(rig.memory, slotKey(4), await bodyOf(third.memory, slotKey(4)))
    await expectCorrupt(rig, slotKey(4), /does not follow the slot before it/)
  })

  it.each([3, 4, 5, 6, 7, 8, 9, 10])('without slot %i, which lies in the middle, is not taken over', async (slot) => {
    const rig = createRig()
    const leader = await lead(rig)
    await append(rig, leader, 'one')
    await checkpoint(rig, leader)
    await append(rig, leader, ...Array.from({ length: 8 }, (_, i) => `${i}`))
    await append(rig, await lead(rig), 'last')
    await rig.memory.delete([slotKey(slot)])
    const before = rig.memory.size
    const failure = await rig.run(
      logOf(rig)
        .takeOver(fold)
        .catch((error: unknown) => error),
    )
    expect(failure).toBeInstanceOf(CorruptObject)
    expect(failure).toMatchObject({ key: slotKey(slot) })
    expect(rig.memory.size).toBe(before)
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
