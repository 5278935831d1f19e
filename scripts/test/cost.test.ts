/** The tables of docs/cost.md and README.md are what the queue of today costs. After a change that was meant: `pnpm cost --write`. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { formatTable, measureTables, putTable, rowsIn, type Table } from '../docs/cost/tables.ts'

const root = path.resolve(import.meta.dirname, '../..')

/** Small changes of the queue move the numbers a little; that is no reason to write the page anew. */
const TOLERANCE = 0.1
const LEAST = 0.011

/** Times are in ms or s; everything else is a number or a name. */
function amountIn(cell: string): number | string {
  const [, number, unit] = /^([\d.]+)(?: (ms|s))?$/.exec(cell) ?? []
  return number === undefined ? cell : Number(number) * (unit === 's' ? 1000 : 1)
}

function isNear(a: number | string, b: number | string): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b
  return Math.abs(a - b) <= Math.max(LEAST, TOLERANCE * Math.max(a, b))
}

/** Rows in which the page is wrong. */
function differences({ name, page, rows }: Table): string[] {
  const written = rowsIn(readFileSync(path.join(root, page), 'utf8'), name)
  if (written.length !== rows.length) return [`${name} has ${written.length} rows, not ${rows.length}`]
  return rows.flatMap((row, i) => {
    const cells = written[i] ?? []
    const right =
      cells.length === row.length && row.every((cell, n) => isNear(amountIn(cell), amountIn(cells[n] ?? '')))
    return right ? [] : [`${name}: ${cells.join(' | ')}; now it is ${row.join(' | ')}`]
  })
}

test('the pages say what traffic costs now', { timeout: 120_000 }, async () => {
  const tables = await measureTables()
  expect(tables.flatMap(differences)).toEqual([])
  // What more traffic is about: it costs less for each message, and a linger less still.
  const perMessage = (rate: string, linger: string): number =>
    Number(tables[0]?.rows.find(([first, second]) => first === rate && second === linger)?.[3])
  expect(perMessage('1000', '0')).toBeLessThan(perMessage('10', '0') / 10)
  expect(perMessage('100', '1000')).toBeLessThan(perMessage('100', '0') / 5)
})

test('tables are found and replaced by name', () => {
  const table = { name: 'x', page: 'page.md', head: ['a', 'b'], rows: [['1', '2 ms']] }
  const empty = 'before\n<!-- cost: x -->\nold\n<!-- cost: end -->\nafter'
  const written = putTable(empty, table)
  expect(written).toBe(`before\n<!-- cost: x -->\n${formatTable(table)}\n<!-- cost: end -->\nafter`)
  expect(rowsIn(written, 'x')).toEqual(table.rows)
  expect(() => putTable('nothing', table)).toThrow('no place')
  expect(() => rowsIn('nothing', 'x')).toThrow('no table')
})
