/** The table of README.md beside other queues: as the benchmark writes it. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { RowResult } from '../src/measure.ts'
import { putIntoPage } from '../src/report/page.ts'
import { describePeers } from '../src/report/peers-page.ts'

const README = readFileSync(path.resolve(import.meta.dirname, '../../../README.md'), 'utf8')

const machine = {
  date: '2026-11-26T18:00:00.000Z',
  node: 'v24.21.0',
  system: 'linux',
  cpu: 'some',
  cores: 2,
  memoryGiB: 24,
  load: [0.25, 1, 2],
}

function row(name: string, medians: Readonly<Record<string, number>>): RowResult {
  const metrics = Object.entries(medians).map(([metric, median]) => ({
    ...{ metric, median, label: metric, unit: '', samples: [median], min: median, max: median },
  }))
  return { row: name, store: 'minio', repetitions: 3, load: 0, metrics }
}

const RESULTS = [
  row('peers', { ours: 150_906.4, theirs: 11_027, graphile: 30_000 }),
  row('peers-one', { ours: 44_931, theirs: 6142, graphile: 20_000 }),
  row('peers-bulk', {
    ...{ ours1000: 200_000, theirs1000: 25_000, graphile1000: 50_000 },
    ...{ ours10000: 450_000, theirs10000: 30_000, graphile10000: 60_000 },
  }),
  row('peers-pods', {
    ...{ oursFive: 30_000, theirsFive: 15_000, oursTwenty: 9500, theirsTwenty: 8100 },
    ...{ oursHundred: 790, theirsHundred: 769 },
  }),
]

/** Cells of the lines of a table, without its head. */
function linesIn(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('| '))
  return lines.slice(2).map((line) => line.slice(2, -2).split(' | '))
}

/** What stands in README.md. */
function written(): string {
  const [, after = ''] = README.split('<!-- bench: peers -->\n')
  return after.split('\n<!-- bench: end -->')[0] ?? ''
}

describe('the table beside other queues', () => {
  it('has the medians of a run, and says where it was', () => {
    const text = describePeers({ machine, results: RESULTS })
    expect(linesIn(text)).toEqual([
      ['20,000 waiting, concurrency 100', '150,906', '11,027', '13.7', '30,000', '5.03'],
      ['5,000 waiting, concurrency 1', '44,931', '6,142', '7.32', '20,000', '2.25'],
      ['enqueued in bulk, 1,000 with each call', '200,000', '25,000', '8', '50,000', '4'],
      ['enqueued in bulk, 10,000 with each call', '450,000', '30,000', '15', '60,000', '7.5'],
      ['4 processes × 50, handlers of 5 ms, 40,000 waiting', '30,000', '15,000', '2', '–', '–'],
      ['4 processes × 50, handlers of 20 ms, 20,000 waiting', '9,500', '8,100', '1.17', '–', '–'],
      ['8 processes × 10, handlers of 100 ms, 8,000 waiting', '790', '769', '1.03', '–', '–'],
    ])
    expect(text).toMatch(
      /\n\nMedians of 3 runs on 2026-11-26: 2 virtual cores, Node\.js v24\.21\.0, load 0\.25 before it began\.$/,
    )
  })

  it('says that the machine was busy, if it was', () => {
    const text = describePeers({ machine: { ...machine, load: [9.5, 1, 2] }, results: RESULTS })
    expect(text).toMatch(/load 9\.5 before it began\. Other work was going on/)
  })

  it('is not written from a run that lacks a number', () => {
    expect(() => describePeers({ machine, results: RESULTS.slice(1) })).toThrow('"ours" of "peers"')
  })

  it('goes into its place in a page, and nowhere else', () => {
    const page = 'before\n<!-- bench: peers -->\nold\n<!-- bench: end -->\nafter'
    expect(putIntoPage(page, 'peers', 'new')).toBe('before\n<!-- bench: peers -->\nnew\n<!-- bench: end -->\nafter')
    expect(() => putIntoPage('nothing', 'peers', 'new')).toThrow('no place')
  })

  it('stands in README.md as a run writes it: the same lines, and ratios that are those of the numbers', () => {
    const text = describePeers({ machine, results: RESULTS })
    expect(written().split('\n').slice(0, 2)).toEqual(text.split('\n').slice(0, 2))
    expect(linesIn(written()).map(([what]) => what)).toEqual(linesIn(text).map(([what]) => what))
    expect(written()).toMatch(
      /\n\nMedians of \d+ runs on \d{4}-\d\d-\d\d: \d+ virtual cores, Node\.js v[\d.]+, load [\d.]+ before it began\.( Other work was going on, .*)?$/,
    )
    for (const [what, ...cells] of linesIn(written())) {
      const [ours = Number.NaN, bullmq, bullmqRatio, graphile, graphileRatio] = cells.map((cell) =>
        cell === '–' ? undefined : Number(cell.replaceAll(',', '')),
      )
      for (const [theirs, ratio] of [
        [bullmq, bullmqRatio],
        [graphile, graphileRatio],
      ] as const)
        if (theirs !== undefined) expect(Math.abs((ratio ?? 0) / (ours / theirs) - 1), what).toBeLessThan(0.01)
    }
  })
})
