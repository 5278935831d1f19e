/**
 * The power fails at any moment, and takes any part of what was not synced. Whatever was stored, deleted or found before must
 * still be so afterwards; what was under way may have happened or not.
 *
 * One thing is not promised: that something was *not* there, which a reader saw because of a write or delete that was still
 * under way, stays so. Such answers are left out.
 */
import { expect, test } from 'vitest'
import { act, type Move, storeOn } from './model/actors.ts'
import { exploreMoves } from './model/explore-moves.ts'
import { assertLinearizable, type History, type Operation } from './model/history.ts'
import type { MemoryDisk } from './model/memory-disk.ts'
import { prepareStart, type Start, type StartName } from './model/start.ts'

function isBinding({ answered }: Operation): boolean {
  if (answered === undefined) return true
  if (answered.answer === 'listed') return answered.size !== undefined
  return answered.answer !== 'not-found' && answered.answer !== 'precondition-failed'
}

/** Lets the power fail now in every way, and looks what a process finds that starts afterwards. */
function powerFailures(start: Start): {
  readonly checked: () => number
  fail(disk: MemoryDisk, history: History): Promise<void>
} {
  const seen = new Set<string>()
  return {
    checked: () => seen.size,
    async fail(disk, history) {
      const operations = history.operations.filter(isBinding)
      const ways = disk.powerFailures()
      for (let way = 0; way < ways; way++) {
        const survivor = disk.afterPowerFailure(way)
        const key = `${survivor.describe()} ${history.describe()}`
        if (seen.has(key)) continue
        seen.add(key)
        const after = history.copy()
        const store = storeOn(survivor, 5_000, 'fsync')
        await act({ name: 'Y', store, history: after, startEtag: start.etag }, ['get', 'list', 'overwrite', 'get'])
        const [read, listed, ...written] = after.operations.slice(history.operations.length)
        if (read === undefined || listed === undefined) throw new Error('There must be two answers.')
        assertLinearizable([...operations, read, listed, ...written], start.state)
      }
    },
  }
}

test.each<readonly [StartName, readonly Move[]]>([
  ['absent', ['create', 'if-own', 'if-own', 'overwrite', 'delete', 'overwrite', 'overwrite']],
  ['changed often', ['if-own', 'overwrite', 'delete', 'create']],
])(
  'one process loses nothing, whichever call the power fails at: an object that is %s',
  { timeout: 120_000 },
  async (name, moves) => {
    const start = await prepareStart(name)
    const power = powerFailures(start)
    const { runs } = await exploreMoves(start, [moves], { durability: 'fsync', waits: 'every', visit: power.fail })
    expect(runs).toBe(1)
    expect(power.checked()).toBeGreaterThan(50)
  },
)

const WRITES: readonly Move[] = ['create', 'if-start', 'overwrite', 'delete']

test.each<StartName>(['absent', 'born', 'changed'])(
  'two processes lose nothing that they told or saw: an object that is %s',
  { timeout: 120_000 },
  async (name) => {
    const start = await prepareStart(name)
    for (const [i, write] of WRITES.entries()) {
      for (const other of [...WRITES.slice(i), 'get', 'list'] as const) {
        const power = powerFailures(start)
        await exploreMoves(start, [[write], [other]], { durability: 'fsync', waits: 'durable', visit: power.fail })
        expect(power.checked()).toBeGreaterThan(0)
      }
    }
  },
)
