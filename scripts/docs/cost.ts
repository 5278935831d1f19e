/**
 * What a queue costs on S3, measured on the real core in virtual time: `pnpm cost` prints the tables of docs/cost.md and README.md,
 * `pnpm cost --write` puts them there.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { formatTable, measureTables, putTable } from './cost/tables.ts'
import { readWrite } from './page.ts'

const HELP = `What a queue costs on S3, measured in virtual time: prints the tables of docs/cost.md and README.md.

  --write  puts them there
`

const write = readWrite(HELP)
for (const table of await measureTables()) {
  console.log(`${table.page}: ${table.name}\n\n${formatTable(table)}\n`)
  const file = path.resolve(import.meta.dirname, '../..', table.page)
  if (write) writeFileSync(file, putTable(readFileSync(file, 'utf8'), table))
}
