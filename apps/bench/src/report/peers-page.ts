/** The table beside BullMQ as it stands in README.md, from a run of `--peers`. */
import { readFile, writeFile } from 'node:fs/promises'
import { isBusy } from './machine.ts'
import type { BenchReport } from './results-file.ts'
import { number } from './table.ts'

const BEGIN = '<!-- bench: peers -->'
const END = '<!-- bench: end -->'
const HEAD = ['messages per second', 'S3Queue on MinIO', 'BullMQ 6 on Redis, no persistence', 'ratio']

/** What each line is called, and where its numbers come from. */
const LINES = [
  { what: '20,000 waiting, concurrency 100', row: 'peers', suffix: '' },
  { what: '5,000 waiting, concurrency 1', row: 'peers-one', suffix: '' },
  { what: 'enqueued in bulk, 1,000 with each call', row: 'peers-bulk', suffix: '1000' },
  { what: 'enqueued in bulk, 10,000 with each call', row: 'peers-bulk', suffix: '10000' },
] as const

/** Puts the numbers of a run into the page. Throws if some are missing, or if the page has no place for them. */
export async function writePeers(page: string, report: BenchReport): Promise<void> {
  await writeFile(page, putPeers(await readFile(page, 'utf8'), describePeers(report)))
}

/** The medians, what one is divided by the other, and when and where it was measured. */
export function describePeers({ machine, results }: Pick<BenchReport, 'machine' | 'results'>): string {
  const medianOf = (row: string, metric: string): number => {
    const found = results.find((each) => each.row === row)?.metrics.find((each) => each.metric === metric)
    if (found === undefined)
      throw new Error(`The run has not measured "${metric}" of "${row}", so the page stays as it is.`)
    return found.median
  }
  const lines = LINES.map(({ what, row, suffix }) => {
    const [ours, theirs] = [medianOf(row, `ours${suffix}`), medianOf(row, `theirs${suffix}`)]
    return [what, ...[ours, theirs, ours / theirs].map(number)]
  })
  const { date, cores, node, load } = machine
  const repetitions = Math.min(...results.map((each) => each.repetitions))
  const when = `Medians of ${repetitions} runs on ${date.slice(0, 10)}: ${cores} virtual cores, Node.js ${node}, load ${load[0]} before it began.`
  const where = isBusy(machine) ? `${when} Other work was going on, so both are slower than they could be.` : when
  return [line(HEAD), line(HEAD.map((_, i) => (i === 0 ? '---' : '--:'))), ...lines.map(line), '', where].join('\n')
}

/** The page with the numbers in their place. */
export function putPeers(page: string, text: string): string {
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END, from)
  if (from < 0 || to < 0) throw new Error(`The page has no place for the table: ${BEGIN} … ${END}.`)
  return `${page.slice(0, from)}${BEGIN}\n${text}\n${page.slice(to)}`
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
