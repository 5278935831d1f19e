/** The measured cells as lines of text. */
import { type Cell, limitOf } from './cells.ts'
import type { Makespan } from './measure.ts'

export interface MeasuredCell extends Makespan {
  readonly cell: Cell
}

const COLUMNS: readonly { readonly head: string; readonly of: (row: MeasuredCell) => string }[] = [
  { head: 'latency', of: ({ cell }) => `${cell.latencyMs} ms` },
  { head: 'durations', of: ({ cell }) => (cell.durations === 'bimodal' ? 'bimodal' : `${cell.durations} ms`) },
  { head: 'processes', of: ({ cell }) => String(cell.processes) },
  { head: 'concurrency', of: ({ cell }) => String(cell.concurrency) },
  { head: 'rounds', of: ({ cell }) => String(cell.rounds) },
  { head: 'ideal', of: ({ idealMs }) => seconds(idealMs) },
  { head: 'makespan', of: ({ makespanMs }) => seconds(makespanMs) },
  { head: 'ratio', of: ({ makespanMs, idealMs }) => (makespanMs / idealMs).toFixed(2) },
  { head: 'from enqueue', of: ({ fromEnqueueMs }) => seconds(fromEnqueueMs) },
  { head: 'limit', of: (row) => seconds(limitOf(row.cell, row)) },
  { head: 'over it', of: (row) => (overOf(row) > 0 ? seconds(overOf(row)) : '') },
  { head: 'makespan over it', of: (row) => (makespanOverOf(row) > 0 ? seconds(makespanOverOf(row)) : '') },
  { head: 'requests/message', of: ({ requests, perProcess }) => (requests / sum(perProcess)).toFixed(3) },
  { head: 'messages of each process', of: ({ perProcess }) => perProcess.join(' ') },
]

/** By how much the time from the enqueue exceeds the limit, in ms; negative if it keeps it. */
export function overOf(row: MeasuredCell): number {
  return row.fromEnqueueMs - limitOf(row.cell, row)
}

/** The same for the time from the first handler's start, which leaves out how long the first worker takes to wake up. */
export function makespanOverOf(row: MeasuredCell): number {
  return row.makespanMs - limitOf(row.cell, row)
}

export function headLine(): string {
  return line(COLUMNS.map(({ head }) => head))
}

export function lineOf(row: MeasuredCell): string {
  return line(COLUMNS.map(({ of }) => of(row)))
}

/** Undefined for no cells. */
export function worstBy(
  rows: readonly MeasuredCell[],
  measure: (row: MeasuredCell) => number,
): MeasuredCell | undefined {
  return rows.reduce<MeasuredCell | undefined>(
    (worst, row) => (worst === undefined || measure(row) > measure(worst) ? row : worst),
    undefined,
  )
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => cell.padStart(COLUMNS[i]?.head.length ?? 0))
    .join('  ')
    .trimEnd()
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
