/** What was measured, as rows of a table. */
import type { Counted, Kind } from './counting-proxy.ts'
import type { Idle, Outcome, Stretch } from './run.ts'

const HEAD = [
  ...['', 'concurrency', 'requests for the first message', 'to enqueue one alone', 'one of several at once'],
  ...['to process one', 'in all', 'enqueued/s alone', 'at once', 'processed/s', 'done', 'twice', 'getStats'],
]

export const TABLE_HEAD: string = `${line(HEAD)}\n${line(HEAD.map((_, i) => (i === 0 ? '---' : '--:')))}`

/** `of`: how many messages there were. */
export function rowOf(name: string, concurrency: number, of: number, outcome: Outcome): string {
  const { opening, alone, together, processing, duplicates, statsAreRight } = outcome
  const inAll = requestsPer(together) + requestsPer(processing)
  const cells = [name, concurrency, sumOf(opening), describe(alone), describe(together), describe(processing)]
  const rates = [alone, together, processing].map((stretch) => rateOf(stretch).toFixed(1))
  const done = `${processing.messages} of ${of}`
  return line([...cells, number(inAll), ...rates, done, duplicates, statsAreRight ? 'right' : 'wrong'])
}

export function rateOf({ messages, seconds }: Stretch): number {
  return messages / seconds
}

/** Which keys were asked for, most first, a message. */
export function keysOf({ requests: { keys }, messages }: Stretch): string {
  const most = [...keys].sort((a, b) => b[1] - a[1])
  return most.map(([key, count]) => `  ${(count / messages).toFixed(3)}  ${key}`).join('\n')
}

/** What it asks for while nothing happens, and how long the next message waits. */
export function idleOf({ requests, seconds, wakeUpSeconds }: Idle): string {
  const aMinute = number((sumOf(requests) / seconds) * 60)
  const woke = wakeUpSeconds === undefined ? 'not in time' : `after ${wakeUpSeconds.toFixed(1)} s`
  return `  idle: ${aMinute} requests a minute; a message from another process: handled ${woke}\n${keysOf({ requests, messages: seconds / 60, seconds })}`
}

function describe(stretch: Stretch): string {
  const { requests, messages } = stretch
  const kinds = (Object.entries(requests.kinds) as [Kind, number][])
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind} ${number(count / messages)}`)
  return `${number(requestsPer(stretch))} (${kinds.join(', ')})`
}

function requestsPer({ requests, messages }: Stretch): number {
  return sumOf(requests) / messages
}

function sumOf({ kinds }: Counted): number {
  return Object.values(kinds).reduce((sum, count) => sum + count, 0)
}

function number(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : '–'
}

function line(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`
}
