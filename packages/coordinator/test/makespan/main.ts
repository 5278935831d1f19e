/** The command: `pnpm --filter @s3queue/coordinator makespan --help`. */
import { createProgress } from '../scale/command/progress.ts'
import { HELP, readArguments } from './arguments.ts'
import { type Cell, cellsOf, optionsOf } from './cells.ts'
import { measureMakespan, measureUrgent } from './measure.ts'
import { headLine, lineOf, type MeasuredCell, makespanOverOf, overOf, worstBy } from './table.ts'

/** On top of one handler's time: the way to the writer and from there to a worker. */
const URGENT_ALLOWANCE_MS = 600

async function main(argv: readonly string[]): Promise<boolean> {
  const { help, grid, idleMs, seed, misses, urgent } = readArguments(argv)
  if (help) {
    console.log(HELP)
    return true
  }
  if (urgent) return printUrgent(grid.latencyMs, seed)
  const cells = [...cellsOf(grid)]
  const rows: MeasuredCell[] = []
  const progress = createProgress(process.stderr, () => performance.now())
  const step = progress.begin(`${cells.length} cells`)
  console.log(headLine())
  for (const [i, cell] of cells.entries()) {
    step(`${i} done, now ${describe(cell)}`)
    const row = { cell, ...(await measureMakespan({ ...optionsOf(cell, seed), idleMs })) }
    rows.push(row)
    if (!misses || overOf(row) > 0) console.log(lineOf(row))
  }
  progress.end()
  const missed = rows.filter((row) => overOf(row) > 0)
  const makespanMissed = rows.filter((row) => makespanOverOf(row) > 0)
  console.log(
    `\n${missed.length} of ${rows.length} cells miss the limit from the enqueue, ${makespanMissed.length} from the first handler's start.`,
  )
  for (const [what, worst] of [
    ['from the enqueue', worstBy(rows, overOf)],
    ["from the first handler's start", worstBy(rows, makespanOverOf)],
  ] as const)
    if (worst !== undefined) console.log(`Worst ${what}:\n${headLine()}\n${lineOf(worst)}`)
  return missed.length === 0
}

/** One process with two handlers of 1 s, and three of them: how long an urgent message waits behind a backlog of 40. */
async function printUrgent(latencies: readonly number[], seed: number): Promise<boolean> {
  const handlerMs = 1000
  let isInTime = true
  for (const latencyMs of latencies) {
    for (const processes of [1, 3]) {
      const backlog = { concurrency: 2, handlerMs, backlog: 40, afterMs: 2500 }
      const waitedMs = await measureUrgent({ ...backlog, processes, latencyMs, seed })
      console.log(
        `${processes} × 2, latency ${latencyMs} ms: the urgent message waited ${(waitedMs / 1000).toFixed(2)} s`,
      )
      isInTime &&= waitedMs <= handlerMs + URGENT_ALLOWANCE_MS
    }
  }
  return isInTime
}

function describe({ processes, concurrency, durations, rounds, latencyMs }: Cell): string {
  return `${processes} × ${concurrency}, ${durations}${durations === 'bimodal' ? '' : ' ms'}, ${rounds} rounds, latency ${latencyMs} ms`
}

try {
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1
} catch (error) {
  console.error(error)
  process.exitCode = 2
}
