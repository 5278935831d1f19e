/** The command: `pnpm --filter @s3queue/coordinator scale -- --help`. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { judge } from '../model/judge.ts'
import { measureScale, type ScaleRow } from '../model/measure.ts'
import { HELP, readArguments } from './arguments.ts'
import { createProgress } from './progress.ts'
import { formatTable, putTable } from './table.ts'

const PAGE = path.resolve(import.meta.dirname, '../../../../../docs/scale.md')
const MINUTE_MS = 60_000

/** An idle queue needs time to become quiet, and little happens in it. */
const IDLE = { warmUpMs: 10 * MINUTE_MS, measureMs: 10 * MINUTE_MS }
const BUSY = { warmUpMs: MINUTE_MS, measureMs: MINUTE_MS }

async function main(argv: readonly string[]): Promise<boolean> {
  const { help, pods, rates, seed, write } = readArguments(argv)
  if (help) {
    console.log(HELP)
    return true
  }
  const rows: ScaleRow[] = []
  const progress = createProgress(process.stderr, () => performance.now())
  for (const count of pods) {
    for (const messagesPerSecond of rates) {
      const begin = progress.begin(`${count} pods, ${messagesPerSecond} messages per second`)
      const times = messagesPerSecond === 0 ? IDLE : BUSY
      rows.push(await measureScale({ pods: count, messagesPerSecond, seed, ...times, onProgress: begin }))
    }
  }
  progress.end()
  const table = formatTable(rows)
  console.log(table)
  const broken = rows.flatMap(judge)
  for (const promise of broken) console.log(`NOT KEPT: ${promise}`)
  if (write) writeFileSync(PAGE, putTable(readFileSync(PAGE, 'utf8'), table))
  return broken.length === 0
}

try {
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
