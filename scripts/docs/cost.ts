/**
 * What a queue costs on S3, measured on the real core in virtual time: `pnpm cost` prints the tables of docs/cost.md and README.md,
 * `pnpm cost --write` puts them there.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { formatTable, measureTables, putTable } from './cost/tables.ts'

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
const tables = await measureTables()
for (const table of tables) {
  console.log(`${table.page}: ${table.name}\n\n${formatTable(table)}\n`)
  const file = path.resolve(import.meta.dirname, '../..', table.page)
  if (values.write) writeFileSync(file, putTable(readFileSync(file, 'utf8'), table))
}
