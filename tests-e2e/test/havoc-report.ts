/** What a run under havoc came to, as a table for whoever reads the output of the tests. */
import type { Havoc } from './havoc.ts'
import type { History } from './log-history.ts'
import type { PodEvidence } from './pod-evidence.ts'

export interface HavocRun {
  readonly seed: number
  readonly messages: number
  readonly takeoverAfterMs: number
  readonly havoc: Havoc
  readonly evidence: PodEvidence
  readonly history: History
}

export function describeHavoc({ seed, messages, takeoverAfterMs, havoc, evidence, history }: HavocRun): string {
  const executions = [...evidence.executions.values()]
  const byMessage = Map.groupBy(executions, ({ id }) => id)
  const again = [...byMessage.values()].filter((runs) => runs.length > 1).length
  const takeOvers = [...havoc.takeOversMs].sort((a, b) => a - b)
  const rows = [
    ['processes killed, paused', `${havoc.kills}, ${havoc.pauses}`, ''],
    ['writers in turn', number(history.epochs), ''],
    [
      'take-overs, ms',
      number(median(takeOvers)),
      `median of ${takeOvers.length}, ${number(takeOvers[0] ?? 0)} to ${number(takeOvers.at(-1) ?? 0)}; set: ${number(takeoverAfterMs)}`,
    ],
    ['commits', number(history.commits), ''],
    ['messages completed', number(history.completions.size), `of ${number(messages)}, each recorded once`],
    ['executions of handlers', number(executions.length), ''],
    ['messages executed again', number(again), `${((again / messages) * 100).toFixed(1)} %`],
    ['late settlements refused', number(evidence.refused), 'by the queue, as their claims were over'],
    ['late writes refused', number(evidence.refusedBySink), 'by what the handlers write to, by the fencing token'],
    ['requests a message', (evidence.requests / messages).toFixed(3), `${number(evidence.requests)} of all processes`],
  ] as const
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map(([label, value, remark]) =>
    `  ${label.padEnd(widths[0] ?? 0)}  ${value.padStart(widths[1] ?? 0)}  ${remark}`.trimEnd(),
  )
  return [`seed ${seed}: ${number(messages)} messages under havoc`, ...lines].join('\n')
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}
