/** The table of processes that share a queue, in the coordinator's README: as the benchmark writes it. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { type MetricResult, type RowResult, resultOf } from '../src/measure.ts'
import { describeManyProcesses } from '../src/report/many-page.ts'
import type { StoreName } from '../src/row.ts'
import { MANY_PROCESSES } from '../src/rows/many/index.ts'

const README = readFileSync(path.resolve(import.meta.dirname, '../../../packages/coordinator/README.md'), 'utf8')

const machine = {
  date: '2026-11-26T18:00:00.000Z',
  node: 'v24.21.0',
  system: 'linux',
  cpu: 'some',
  cores: 2,
  memoryGiB: 24,
  load: [0.25, 1, 2],
}

/** A run in which every metric of every row is `value`. */
function runOf(value: number): RowResult[] {
  return MANY_PROCESSES.flatMap((row) => {
    const stores: readonly (StoreName | undefined)[] = row.stores.length === 0 ? [undefined] : row.stores
    return stores.map((storeName) => {
      const metrics = Object.entries(row.metrics).map(
        ([metric, spec]): MetricResult => resultOf(metric, spec, [value], { storeName, quick: false }),
      )
      return { row: row.name, store: storeName, repetitions: 1, load: 0, metrics }
    })
  })
}

function linesIn(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('| '))
  return lines.slice(2).map((line) => line.slice(2, -2).split(' | '))
}

describe('the table of processes that share a queue', () => {
  const lines = linesIn(describeManyProcesses({ machine, results: runOf(1200) }))
  const line = (beginning: string): string[] | undefined => lines.find(([what]) => what?.startsWith(beginning))

  it('has a line for each promise, with ours, BullMQ and the target', () => {
    expect(line('4 processes × concurrency 10')?.slice(1)).toEqual(['1200.00 ×', '1200.00 ×', '1200.00 ×', '≤ 1.15 ×'])
    expect(line('enqueue in one process')?.slice(1)).toEqual(['1.2 s', '1.2 s', '1.2 s', '≤ 50 ms, ≤ 1 s'])
    expect(line('SIGKILL')?.slice(1)).toEqual(['1.2 s', '1.2 s', '1.2 s', '≤ 5 s'])
    expect(line('one remote worker')?.slice(1)).toEqual(['1,200/s', '1,200/s', '1,200/s', '≥ 10,000/s'])
    expect(line('requests per message')?.at(-1)).toBe('≤ 0.1')
  })

  it('leaves out what BullMQ was not measured for', () => {
    const ours = runOf(1).filter(({ store }) => store !== undefined)
    const all = linesIn(describeManyProcesses({ machine, results: ours }))
    expect(new Set(all.map(([, , , theirs]) => theirs))).toEqual(new Set(['–']))
  })

  it('is not written from a run that lacks a number of ours', () => {
    const results = runOf(1).filter(({ row }) => row !== 'many-killed')
    expect(() => describeManyProcesses({ machine, results })).toThrow('"busy" of "many-killed" on fs')
  })

  it("stands in the coordinator's README as a run writes it", () => {
    const [, after = ''] = README.split('<!-- bench: many-processes -->\n')
    const written = after.split('\n<!-- bench: end -->')[0] ?? ''
    expect(linesIn(written).map(([what, , , , target]) => [what, target])).toEqual(
      lines.map(([what, , , , target]) => [what, target]),
    )
    expect(written).toMatch(
      /\n\nMeasured on \d{4}-\d\d-\d\d: \d+ virtual cores, Node\.js v[\d.]+, load [\d.]+ before it began\./,
    )
  })
})
