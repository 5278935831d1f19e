/** The table beside other queues as it stands in README.md, from a run of `--peers`. */
import { markdownTable, whenAndWhere, writeIntoPage } from './page.ts'
import type { BenchReport } from './results-file.ts'
import { number } from './table.ts'

const MARK = 'peers'
const HEAD = [
  'messages per second',
  'S3Queue on MinIO',
  'BullMQ 6 on Redis, no persistence',
  'ratio',
  'graphile-worker on PostgreSQL 15',
  'ratio',
]

/** What each line is called, and where its numbers come from. */
const LINES: readonly { readonly what: string; readonly row: string; readonly suffix: string }[] = [
  { what: '20,000 waiting, concurrency 100', row: 'peers', suffix: '' },
  { what: '5,000 waiting, concurrency 1', row: 'peers-one', suffix: '' },
  { what: 'enqueued in bulk, 1,000 with each call', row: 'peers-bulk', suffix: '1000' },
  { what: 'enqueued in bulk, 10,000 with each call', row: 'peers-bulk', suffix: '10000' },
  { what: '4 processes × 50, handlers of 5 ms, 40,000 waiting', row: 'peers-pods', suffix: 'Five' },
  { what: '4 processes × 50, handlers of 20 ms, 20,000 waiting', row: 'peers-pods', suffix: 'Twenty' },
  { what: '8 processes × 10, handlers of 100 ms, 8,000 waiting', row: 'peers-pods', suffix: 'Hundred' },
]

/** Puts the numbers of a run into the page. Throws if some are missing, or if the page has no place for them. */
export function writePeers(page: string, report: BenchReport): Promise<void> {
  return writeIntoPage(page, MARK, describePeers(report))
}

/** The medians, what one is divided by the others, and when and where it was measured. Between processes there is no graphile-worker. */
export function describePeers({ machine, results }: Pick<BenchReport, 'machine' | 'results'>): string {
  const find = (row: string, metric: string): number | undefined =>
    results.find((each) => each.row === row)?.metrics.find((each) => each.metric === metric)?.median
  const medianOf = (row: string, metric: string): number => {
    const found = find(row, metric)
    if (found === undefined)
      throw new Error(`The run has not measured "${metric}" of "${row}", so the page stays as it is.`)
    return found
  }
  const lines = LINES.map(({ what, row, suffix }) => {
    const [ours, bullmq] = [medianOf(row, `ours${suffix}`), medianOf(row, `theirs${suffix}`)]
    const graphile = row === 'peers-pods' ? undefined : medianOf(row, `graphile${suffix}`)
    const besideGraphile = graphile === undefined ? ['–', '–'] : [number(graphile), number(ours / graphile)]
    return [what, ...[ours, bullmq, ours / bullmq].map(number), ...besideGraphile]
  })
  const repetitions = Math.min(...results.map((each) => each.repetitions))
  return [markdownTable(HEAD, lines), '', whenAndWhere(`Medians of ${repetitions} runs`, machine)].join('\n')
}
