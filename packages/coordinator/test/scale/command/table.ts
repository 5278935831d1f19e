/** The rows as a table for people to read, and its place in the docs. */
import { REQUEST_KINDS, type RequestKind, S3_STANDARD_PRICES } from '@s3queue/storage'
import type { ScaleRow } from '../model/measure.ts'

const MONTH_S = 30 * 24 * 3600
const BEGIN = '<!-- scale: table -->'
const END = '<!-- scale: end -->'

const HEAD = [
  ...[
    'pods',
    'messages per second',
    'handlers',
    'PUT/s',
    'GET/s',
    'LIST/s',
    'DELETE/s',
    'most writes in a second',
    'most reads in a second',
    '503',
  ],
  ...[
    'dollars per month',
    'enqueue → handler, p50',
    'p99',
    'after a clean stop',
    'after a crash',
    'of these, take-over',
  ],
]

/** What the plugin that comes with s3db.js needs for 100 pods at its defaults while there is work, by its own documentation. */
const BUILT_IN = {
  pods: 100,
  perSecond: { put: 10, get: 5000, list: 100, delete: 0 } satisfies Record<RequestKind, number>,
}

/** As Markdown. */
export function formatTable(rows: readonly ScaleRow[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(HEAD), line(HEAD.map(() => '--:')), ...rows.map((row) => line(cellsOf(row))), line(builtIn())].join('\n')
}

function cellsOf(row: ScaleRow): string[] {
  const {
    pods,
    messagesPerSecond,
    handlerMs,
    perSecond,
    load,
    dollarsPerMonth,
    p50,
    p99,
    afterCloseMs,
    afterKillMs,
    takeOverMs,
  } = row
  const { put, get, list, delete: deletes } = perSecond
  return [
    ...[
      count(pods),
      count(messagesPerSecond),
      messagesPerSecond === 0 ? '–' : time(handlerMs),
      ...[put, get, list, deletes].map(rate),
    ],
    ...[load.mostWrites, load.mostReads, load.refused, dollarsPerMonth].map(count),
    ...[p50, p99, afterCloseMs, afterKillMs, takeOverMs].map(time),
  ]
}

function builtIn(): string[] {
  const { pods, perSecond } = BUILT_IN
  const { put, get, list, delete: deletes } = perSecond
  const dollarsPerSecond = REQUEST_KINDS.reduce(
    (sum, kind) => sum + (perSecond[kind] * S3_STANDARD_PRICES[kind]) / 1000,
    0,
  )
  const unknown = '–'
  return [
    ...[`the built-in plugin, ${count(pods)}`, 'up to 100', unknown, ...[put, get, list, deletes].map(rate)],
    ...[unknown, unknown, unknown, count(dollarsPerSecond * MONTH_S), unknown, unknown, unknown, unknown, unknown],
  ]
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en')
}

function rate(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : count(perSecond)
}

function time(ms: number | undefined): string {
  if (ms === undefined) return '–'
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** `page` with the table in its place. Throws if it has none. */
export function putTable(page: string, table: string): string {
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END, from)
  if (from < 0 || to < 0) throw new Error(`The page has no place for the table: ${BEGIN} and ${END}.`)
  return `${page.slice(0, from)}${BEGIN}\n${table}\n${page.slice(to)}`
}
