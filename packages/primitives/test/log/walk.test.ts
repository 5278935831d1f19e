import { describe, expect, it } from 'vitest'
import { CasObject } from '../../src/index.ts'
import type { BaseRecord, LogContext } from '../../src/log/context.ts'
import { describeLayout } from '../../src/log/layout.ts'
import { LogMemory } from '../../src/log/mark.ts'
import { beginReading, beginWalk, walkToHead } from '../../src/log/walk.ts'
import { createRig, type Rig } from '../rig.ts'
import { append, BASE, checkpoint, fold, lead, PREFIX } from './log-rig.ts'

function contextOf({ store, clock, random, ids }: Rig): LogContext {
  const base = new CasObject<BaseRecord>({ store, key: BASE, clock, random, ids })
  return { store, clock, random, ids, base, layout: describeLayout(PREFIX), readAhead: 4, memory: new LogMemory() }
}

describe('a walk', () => {
  it('for a writer keeps count of the commits that it passes, for a reader of none', async () => {
    const rig = createRig()
    const log = contextOf(rig)
    const leader = await lead(rig)
    await append(rig, leader, 'one', 'two')
    await checkpoint(rig, leader)
    const [reader, writer] = [await beginReading(log, fold), await beginWalk(log, fold)]
    for (let i = 0; i < 3; i++) {
      await append(rig, leader, `line ${i}`)
      for (const walk of [reader, writer]) expect(await walkToHead(log, walk, fold)).toBe('head')
    }
    expect(writer.held).toEqual([2, 3, 4, 5, 6])
    expect(reader).toMatchObject({ slot: 6, held: undefined })
    expect(reader.state).toEqual(leader.state)
  })
})
