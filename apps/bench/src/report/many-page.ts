/** The table of processes that share a queue, as it stands in the coordinator's README, from a run of `--only many-processes`. */
import type { MetricResult } from '../measure.ts'
import type { StoreName } from '../row.ts'
import { bullmqRow } from '../rows/many/sides.ts'
import { markdownTable, whenAndWhere, writeIntoPage } from './page.ts'
import type { BenchReport } from './results-file.ts'
import { number } from './table.ts'

const MARK = 'many-processes'
const HEAD = ['', 'on files', 'on MinIO', 'BullMQ 6', 'target'] as const

type Format = (value: number) => string

const times: Format = (value) => `${value.toFixed(2)} ×`
const duration: Format = (ms) => (ms < 1000 ? `${number(ms)} ms` : `${number(ms / 1000)} s`)
const perSecond: Format = (value) => `${number(value)}/s`
const percent: Format = (value) => `${number(value)} %`

interface Line {
  readonly what: string
  readonly row: string
  readonly metric: string
  readonly format: Format
  /** Where the targets of the row do not say it. */
  readonly target?: string
}

const LINES: readonly Line[] = [
  ...[
    { metric: 'short', what: '4 processes × concurrency 10, 400 messages of 100 ms: time over the ideal' },
    { metric: 'polled', what: 'the same with `maxPollMs: 2000`' },
    { metric: 'medium', what: '4 × 2, 40 messages of 1 s' },
    { metric: 'long', what: '3 × 1, 15 messages of 2 s' },
  ].map((line) => ({ ...line, row: 'many-makespan', format: times })),
  ...[
    {
      metric: 'one',
      what: 'an urgent message (`priority: 1000`) behind 40 of 1 s, one process × 2: its handler starts after',
    },
    { metric: 'three', what: 'the same behind 120, three processes × 2' },
  ].map((line) => ({ ...line, row: 'many-urgent', format: duration })),
  ...[
    { metric: 'p50', what: 'enqueue in one process, idle worker in another: its handler starts after, p50' },
    { metric: 'longest', what: 'the longest of 15' },
  ].map((line) => ({ ...line, row: 'many-wake-up', format: duration })),
  ...[
    { metric: 'pauseLongest', what: '`pause` from another process, idle queue: the longest of 6' },
    { metric: 'cancelLongest', what: '`cancel`: the longest of 6' },
  ].map((line) => ({ ...line, row: 'many-operator', format: duration })),
  ...[
    { metric: 'busy', what: 'SIGKILL of the process that writes, others busy: nothing is handled for' },
    { metric: 'idle', what: 'the same while all are idle: the next message is handled after' },
  ].map((line) => ({ ...line, row: 'many-killed', format: duration })),
  ...[
    { metric: 'any', what: 'restart after a SIGKILL on one machine: the first handler starts after' },
    { metric: 'cutOff', what: 'a message that was cut off runs again after' },
  ].map((line) => ({ ...line, row: 'many-restart', format: duration })),
  { row: 'pods-remote', metric: 'rate', what: 'one remote worker, empty handler', format: perSecond },
  ...[
    { metric: 'five', what: '4 × 50, handlers of 5 ms, 40,000 waiting', format: perSecond, target: '2 × BullMQ' },
    { metric: 'twenty', what: '4 × 50, handlers of 20 ms, 20,000 waiting', format: perSecond },
    { metric: 'twentyShare', what: 'of the ideal', format: percent },
    { metric: 'hundred', what: '8 × 10, handlers of 100 ms, 8,000 waiting', format: perSecond },
    { metric: 'hundredShare', what: 'of the ideal', format: percent },
    { metric: 'hundredRequests', what: 'requests per message', format: number },
  ].map((line) => ({ ...line, row: 'pods-busy' })),
]

/** Puts the numbers of a run into the page. Throws if some of ours are missing, or if the page has no place for them. */
export function writeManyProcesses(page: string, report: BenchReport): Promise<void> {
  return writeIntoPage(page, MARK, describeManyProcesses(report))
}

export function describeManyProcesses({ machine, results }: Pick<BenchReport, 'machine' | 'results'>): string {
  const find = (row: string, store: StoreName | undefined, metric: string): MetricResult | undefined =>
    results.find((each) => each.row === row && each.store === store)?.metrics.find((each) => each.metric === metric)
  const ours = (row: string, store: StoreName, metric: string): MetricResult => {
    const found = find(row, store, metric)
    if (found === undefined)
      throw new Error(`The run has not measured "${metric}" of "${row}" on ${store}, so the page stays as it is.`)
    return found
  }
  const lines = LINES.map(({ what, row, metric, format, target }) => {
    const mine = [ours(row, 'fs', metric), ours(row, 'minio', metric)] as const
    const theirs = find(bullmqRow(row), undefined, metric)
    return [
      what,
      ...mine.map(({ median }) => format(median)),
      theirs === undefined ? '–' : format(theirs.median),
      target ?? targetOf(mine, format),
    ]
  })
  return [markdownTable(HEAD, lines), '', whenAndWhere('Measured', machine)].join('\n')
}

/** One target for both stores, or that on files and that on MinIO. */
function targetOf(ours: readonly MetricResult[], format: Format): string {
  const all = ours.flatMap(({ target }) =>
    target === undefined ? [] : [`${target.bound === 'at least' ? '≥' : '≤'} ${format(target.value)}`],
  )
  const distinct = [...new Set(all)]
  return distinct.length === 0 ? '' : distinct.join(', ')
}
