/** The benchmark as a function: from the command line to the table, the file, and the exit code. */
import { loadavg } from 'node:os'
import { NoS3Server } from '@s3queue/e2e/harness'
import { BadArguments, type BenchOptions, parseArguments, USAGE } from './arguments.ts'
import { measureRow, type RowResult } from './measure.ts'
import { NoPeer } from './peers/no-peer.ts'
import { createProgress, type Progress, type ProgressOutput } from './progress.ts'
import { describeMachine, machineLines } from './report/machine.ts'
import { writeManyProcesses } from './report/many-page.ts'
import { writePeers } from './report/peers-page.ts'
import { type BenchReport, type Trouble, writeReport } from './report/results-file.ts'
import { tableOf } from './report/table.ts'
import type { Row, StoreName } from './row.ts'
import { ROWS } from './rows/index.ts'
import { createStoreSupply, type StoreSupply } from './stores/supply.ts'

export interface BenchOutput {
  /** For the table. */
  readonly stdout: ProgressOutput
  /** For what is going on. */
  readonly stderr: ProgressOutput
}

const QUICK = '\nQUICK: small numbers that show that it works, to be held against no target'

/** Runs the benchmark; resolves to the exit code: 0, also when targets are missed, or 1 when something went wrong. */
export async function bench(args: readonly string[], { stdout, stderr }: BenchOutput): Promise<number> {
  let options: BenchOptions | 'help'
  try {
    options = parseArguments(args, ROWS)
  } catch (error) {
    if (!(error instanceof BadArguments)) throw error
    stderr.write(`${error.message}\n\n${USAGE}\n`)
    return 1
  }
  if (options === 'help') {
    stdout.write(`${USAGE}\n\nRows:\n${describeRows(ROWS)}\n`)
    return 0
  }
  const planned = plan(options)
  if (planned.length === 0) {
    stderr.write('Nothing to measure: none of these rows is for these stores. --help lists which are.\n')
    return 1
  }
  const progress = createProgress(stderr)
  const machine = describeMachine()
  stdout.write(`${machineLines(machine)}${options.quick ? QUICK : ''}\n\n`)
  const supply = createStoreSupply({ directory: options.directory, log: (line) => progress.note(line) })
  try {
    const { results, failed, skipped } = await measureAll(planned, options, supply, progress)
    stdout.write(`${tableOf(results)}\n`)
    const report = { machine, loadAtEnd: loadavg(), quick: options.quick, results, failed, skipped }
    const path = await writeReport(report, options.json)
    stdout.write(`\n${closingLine(results, failed, skipped)}\nNumbers in ${path}\n`)
    if (options.write !== undefined) await writeReportInto(options.write, report)
    return failed.length > 0 ? 1 : 0
  } finally {
    await supply.close()
  }
}

/** Each of the two runs that have a page has its rows alone. */
function writeReportInto(page: string, report: BenchReport): Promise<void> {
  const isOfPeers = report.results.some(({ row }) => row === 'peers')
  return isOfPeers ? writePeers(page, report) : writeManyProcesses(page, report)
}

interface Outcome {
  readonly results: readonly RowResult[]
  readonly failed: readonly Trouble[]
  readonly skipped: readonly Trouble[]
}

async function measureAll(
  planned: readonly Planned[],
  options: BenchOptions,
  supply: StoreSupply,
  progress: Progress,
): Promise<Outcome> {
  const results: RowResult[] = []
  const failed: Trouble[] = []
  const skipped: Trouble[] = []
  for (const { row, store } of planned) {
    progress.row(store === undefined ? row.name : `${row.name} on ${store}`)
    try {
      results.push(await measureOn(row, store, options, supply, progress))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const mayMiss =
        (error instanceof NoS3Server && options.stores === undefined) ||
        (error instanceof NoPeer && row.onRequest !== 'peers')
      progress.note(`${mayMiss ? 'SKIPPED' : 'FAILED'}: ${row.name} on ${store ?? 'no store'}: ${reason}`)
      ;(mayMiss ? skipped : failed).push({ row: row.name, store, reason })
    }
  }
  progress.done()
  return { results, failed, skipped }
}

interface Planned {
  readonly row: Row
  readonly store: StoreName | undefined
}

/** Each row with each of its stores that is wanted. */
function plan({ rows, stores }: BenchOptions): readonly Planned[] {
  return rows.flatMap((row): Planned[] => {
    if (row.stores.length === 0) return [{ row, store: undefined }]
    return row.stores.filter((store) => stores?.includes(store) ?? true).map((store) => ({ row, store }))
  })
}

async function measureOn(
  row: Row,
  storeName: StoreName | undefined,
  { quick, repetitions }: BenchOptions,
  supply: StoreSupply,
  progress: Progress,
): Promise<RowResult> {
  const opened = await supply.open(storeName ?? 'memory')
  try {
    const { store, location } = opened
    const place = { storeName, store, location, quick, progress: (text: string) => progress.step(text) }
    return await measureRow(row, place, repetitions)
  } finally {
    await row.end?.()
    await opened.close()
  }
}

function describeRows(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length))
  const describe = ({ name, about, stores, onRequest }: Row): string => {
    const where = stores.length === 0 ? '' : ` On ${stores.join(', ')}.`
    return `  ${name.padEnd(width)}  ${about}${where}${onRequest === undefined ? '' : ` Only with --${onRequest}.`}`
  }
  return rows.map(describe).join('\n')
}

function closingLine(results: readonly RowResult[], failed: readonly Trouble[], skipped: readonly Trouble[]): string {
  const targets = results.flatMap(({ metrics }) => metrics.flatMap(({ target }) => target ?? []))
  const hit = targets.filter(({ met }) => met).length
  return `${hit} of ${targets.length} targets hit, ${skipped.length} rows skipped, ${failed.length} rows failed`
}
