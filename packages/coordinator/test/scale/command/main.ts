/** The command: `pnpm --filter @s3queue/coordinator scale -- --help`. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { CONCURRENCY } from '../model/fleet.ts'
import { judge } from '../model/judge.ts'
import { measureScale, type ScaleRow } from '../model/measure.ts'
import { HELP, readArguments } from './arguments.ts'
import { createProgress } from './progress.ts'
import { formatTable, putTable } from './table.ts'

const PAGE = path.resolve(import.meta.dirname, '../../../../../docs/scale.md')
const MINUTE_MS = 60_000
/** Share of all handlers. */
const MOST_BUSY = 0.8

/** An idle queue needs time to become quiet, and little happens in it. */
const IDLE = { warmUpMs: 10 * MINUTE_MS, measureMs: 10 * MINUTE_MS }
const BUSY = { warmUpMs: MINUTE_MS, measureMs: MINUTE_MS }

async function main(argv: readonly string[]): Promise<boolean> {
  const { help, pods, rates, handlersMs, seed, write } = readArguments(argv)
  if (help) {
    console.log(HELP)
    return true
  }
  const rows: ScaleRow[] = []
  const progress = createProgress(process.stderr, () => performance.now())
  for (const { count, messagesPerSecond, handlerMs } of rowsOf(pods, rates, handlersMs)) {
    const begin = progress.begin(`${count} pods, ${messagesPerSecond} messages per second, handlers of ${handlerMs} ms`)
    const times = messagesPerSecond === 0 ? IDLE : BUSY
    rows.push(await measureScale({ pods: count, messagesPerSecond, handlerMs, seed, ...times, onProgress: begin }))
  }
  progress.end()
  const table = formatTable(rows)
  console.log(table)
  const broken = rows.flatMap(judge)
  for (const promise of broken) console.log(`NOT KEPT: ${promise}`)
  if (write) writeFileSync(PAGE, putTable(readFileSync(PAGE, 'utf8'), table))
  return broken.length === 0
}

interface Plan {
  readonly count: number
  readonly messagesPerSecond: number
  readonly handlerMs: number
}

/** How long handlers take does not matter without messages. Rates that the pods cannot handle, or hardly, are left out. */
function rowsOf(pods: readonly number[], rates: readonly number[], handlersMs: readonly number[]): readonly Plan[] {
  return pods.flatMap((count) =>
    rates.flatMap((messagesPerSecond) => {
      const handlers = messagesPerSecond === 0 ? handlersMs.slice(0, 1) : handlersMs
      return handlers
        .filter((handlerMs) => (messagesPerSecond * handlerMs) / 1000 <= MOST_BUSY * count * CONCURRENCY)
        .map((handlerMs) => ({ count, messagesPerSecond, handlerMs }))
    }),
  )
}

try {
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
