/** The tables that say what a queue costs, by name and page, each measured anew. */
import { putBetween } from '../page.ts'
import { measureTraffic, type Traffic, type TrafficCost } from './traffic.ts'

export interface Table {
  readonly name: string
  /** Where it stands, as a path from the root. */
  readonly page: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const RATES = [0.1, 1, 10, 100, 1000]

/** Measures and describes all of them: some seconds of computing, hours of virtual time. */
export async function measureTables(): Promise<Table[]> {
  const one = await oneProcess()
  return [one, await twoProcesses(), await idle(), summaryOf(one)]
}

/** For a first look: with and without a linger of a second. */
function summaryOf({ rows }: Table): Table {
  const at = (linger: string): readonly (readonly string[])[] => rows.filter((row) => row[1] === linger)
  const lingering = at('1000')
  const summary = at('0').map(([rate = '', , , perMessage = '', dollars = '', p50 = ''], i) => {
    const [, , , , cheaper = '', later = ''] = lingering[i] ?? []
    return [rate, perMessage, dollars, p50, cheaper, later]
  })
  const head = ['messages per second', 'requests per message', 'dollars per month', 'enqueue → handler, p50']
  return { name: 'summary', page: 'README.md', head: [...head, 'with `lingerMs: 1000`, dollars', 'p50'], rows: summary }
}

const PAGE = 'docs/cost.md'

async function oneProcess(): Promise<Table> {
  const rows: string[][] = []
  for (const messagesPerSecond of RATES) {
    for (const lingerMs of [0, 200, 1000]) {
      const cost = await measureTraffic({ messagesPerSecond, producer: 'same process', options: { lingerMs } })
      rows.push([`${messagesPerSecond}`, `${lingerMs}`, ...describeCost(cost)])
    }
  }
  return { name: 'one-process', page: PAGE, head: ['messages per second', '`lingerMs`', ...COST_HEAD], rows }
}

async function twoProcesses(): Promise<Table> {
  const rows: string[][] = []
  for (const messagesPerSecond of RATES) {
    for (const lingerMs of [0, 1000]) {
      const cost = await measureTraffic({ messagesPerSecond, producer: 'other process', options: { lingerMs } })
      rows.push([`${messagesPerSecond}`, `${lingerMs}`, ...describeCost(cost)])
    }
  }
  return { name: 'two-processes', page: PAGE, head: ['messages per second', '`lingerMs`', ...COST_HEAD], rows }
}

async function idle(): Promise<Table> {
  const cases: [string, Pick<Traffic, 'options' | 'standbys'>][] = [
    ['one process with a worker', {}],
    ['the same, and two more processes that stand by', { standbys: 2 }],
    ['one process, `takeoverAfterMs: 120_000`', { options: { takeoverAfterMs: 120_000 } }],
  ]
  const rows: string[][] = []
  for (const [name, traffic] of cases) {
    const cost = await measureTraffic({ messagesPerSecond: 0, producer: 'same process', ...traffic })
    rows.push([name, (cost.requestsPerSecond * 60).toFixed(1), dollars(cost.dollarsPerMonth)])
  }
  return { name: 'idle', page: PAGE, head: ['', 'requests per minute', 'dollars per month'], rows }
}

const COST_HEAD = ['requests per second', 'requests per message', 'dollars per month', 'enqueue → handler, p50', 'p99']

function describeCost(cost: TrafficCost): string[] {
  const { requestsPerSecond, requestsPerMessage, dollarsPerMonth, latencyP50, latencyP99 } = cost
  return [
    requestsPerSecond.toFixed(2),
    requestsPerMessage < 0.1 ? requestsPerMessage.toFixed(3) : requestsPerMessage.toFixed(2),
    dollars(dollarsPerMonth),
    milliseconds(latencyP50),
    milliseconds(latencyP99),
  ]
}

function dollars(amount: number): string {
  return amount < 100 ? amount.toFixed(2) : amount.toFixed(0)
}

function milliseconds(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** As Markdown. */
export function formatTable({ head, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}

const begin = (name: string): string => `<!-- cost: ${name} -->`
const END = '<!-- cost: end -->'

/** `page` with the table in its place. Throws if it has none. */
export function putTable(page: string, table: Table): string {
  return putBetween(page, begin(table.name), END, formatTable(table))
}

/** The rows of a table as they stand in `page`. Throws if there is none. */
export function rowsIn(page: string, name: string): string[][] {
  const [, after] = page.split(begin(name))
  if (after === undefined) throw new Error(`The page has no table "${name}".`)
  const lines = (after.split(END)[0] ?? '').split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
}
