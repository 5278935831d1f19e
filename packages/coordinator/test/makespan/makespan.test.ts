import { describe, expect, it } from 'vitest'
import { readArguments } from './arguments.ts'
import { type Cell, cellsOf, FULL_GRID, limitOf, optionsOf } from './cells.ts'
import { idealMakespan } from './ideal.ts'
import { measureMakespan, measureUrgent } from './measure.ts'
import { lineOf, type MeasuredCell, overOf, worstBy } from './table.ts'

/** An idle queue starts its first handler this long after the enqueue, at most. */
const WAKE_UP_MS = 2000

const CELLS: readonly Cell[] = [
  { processes: 4, concurrency: 10, durations: 100, rounds: 10, latencyMs: 1 },
  { processes: 4, concurrency: 10, durations: 100, rounds: 10, latencyMs: 5 },
  { processes: 4, concurrency: 10, durations: 100, rounds: 10, latencyMs: 60 },
  { processes: 4, concurrency: 2, durations: 1000, rounds: 5, latencyMs: 5 },
  { processes: 3, concurrency: 1, durations: 2000, rounds: 5, latencyMs: 5 },
  { processes: 4, concurrency: 2, durations: 1000, rounds: 5, latencyMs: 60 },
  { processes: 4, concurrency: 1, durations: 1, rounds: 5, latencyMs: 1 },
  { processes: 2, concurrency: 50, durations: 20, rounds: 50, latencyMs: 5 },
  { processes: 8, concurrency: 10, durations: 250, rounds: 5, latencyMs: 60 },
  { processes: 16, concurrency: 1, durations: 10_000, rounds: 1, latencyMs: 60 },
  { processes: 16, concurrency: 10, durations: 2000, rounds: 5, latencyMs: 60 },
  { processes: 4, concurrency: 10, durations: 'bimodal', rounds: 5, latencyMs: 5 },
  { processes: 8, concurrency: 2, durations: 'bimodal', rounds: 50, latencyMs: 60 },
]

describe('processes share messages that are enqueued together', () => {
  it.each(CELLS)(
    '$processes processes × $concurrency, $rounds rounds of $durations ms, $latencyMs ms a request',
    async (cell) => {
      const measured = await measureMakespan(optionsOf(cell, 1))
      const limitMs = limitOf(cell, measured)
      const seen = `${(measured.makespanMs / measured.idealMs).toFixed(2)} × the ideal, shared ${measured.perProcess.join(' ')}`
      expect(measured.makespanMs, seen).toBeLessThanOrEqual(limitMs)
      expect(measured.fromEnqueueMs, seen).toBeLessThanOrEqual(limitMs + WAKE_UP_MS)
    },
  )
})

describe('an urgent message behind a backlog', () => {
  const backlog = { concurrency: 2, handlerMs: 1000, backlog: 40, afterMs: 2500 }

  it.each([1, 5, 60])(
    "in one process waits for a free handler, not for others' messages, at %i ms a request",
    async (latencyMs) => {
      expect(await measureUrgent({ ...backlog, processes: 1, latencyMs })).toBeLessThanOrEqual(1000 + 5 * latencyMs)
    },
  )

  it.each([1, 5, 60])(
    'in three processes waits at most for a free handler in any of them, at %i ms a request',
    async (latencyMs) => {
      expect(await measureUrgent({ ...backlog, processes: 3, latencyMs })).toBeLessThanOrEqual(1300 + 10 * latencyMs)
    },
  )
})

describe('the ideal', () => {
  it('gives each message to the slot that is free first', () => {
    const durations = [5, 1, 1, 1, 4]
    expect(idealMakespan(2, 5, (n) => durations[n] ?? 0)).toBe(7)
    expect(idealMakespan(1, 5, (n) => durations[n] ?? 0)).toBe(12)
    expect(idealMakespan(9, 5, (n) => durations[n] ?? 0)).toBe(5)
    expect(idealMakespan(3, 0, () => 1)).toBe(0)
  })

  it('is the sum over the slots where all handlers take the same time', () => {
    expect(idealMakespan(40, 400, () => 100)).toBe(1000)
    expect(idealMakespan(7, 50, () => 10)).toBe(80)
  })
})

describe('the makespan command', () => {
  it('measures all cells by default, and the parts that are named', () => {
    expect(readArguments([])).toMatchObject({ grid: FULL_GRID, idleMs: 5000, seed: 1, misses: false })
    expect([...cellsOf(FULL_GRID)]).toHaveLength(5 * 4 * 6 * 3 * 3)
    const { grid } = readArguments([
      '--',
      '--cells',
      'processes=2,4',
      'durations=20,bimodal',
      '--idle',
      '0',
      '--misses',
    ])
    expect(grid).toEqual({ ...FULL_GRID, processes: [2, 4], durations: [20, 'bimodal'] })
    expect(() => readArguments(['--cells', 'workers=2'])).toThrow('no part "workers"')
    expect(() => readArguments(['--cells', 'processes=0'])).toThrow('whole numbers from 1')
    expect(() => readArguments(['processes=2'])).toThrow('--cells')
  })

  it('names the cell that exceeds its limit the most', () => {
    const [cell] = CELLS as [Cell]
    const row: MeasuredCell = {
      ...{ cell, idealMs: 1000, makespanMs: 1100, fromEnqueueMs: 1200, perProcess: [40, 60], requests: 20 },
    }
    const worse = { ...row, fromEnqueueMs: 2450 }
    expect([overOf(row), overOf(worse)]).toEqual([-250, 1000])
    expect(worstBy([row, worse, row], overOf)).toBe(worse)
    expect(worstBy([], overOf)).toBeUndefined()
    const cells = lineOf(worse).trim().split(/ {2,}/)
    expect(cells.slice(-9)).toEqual(['10', '1.00 s', '1.10 s', '1.10', '2.45 s', '1.45 s', '1.00 s', '0.200', '40 60'])
  })
})
