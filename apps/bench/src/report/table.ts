/** The numbers as a table for people. */
import type { MetricResult, RowResult } from '../measure.ts'

const HEAD = ['row', 'store', 'what', 'median', 'min to max', 'unit', 'target', '']
const RIGHT = new Set([3, 4, 6])

/** The results as lines; the names of row and store stand where they change. */
export function tableOf(results: readonly RowResult[]): string {
  const lines = results.flatMap(({ row, store, metrics }) =>
    metrics.map((metric, i) => [i === 0 ? row : '', i === 0 ? (store ?? '') : '', ...cellsOf(metric)]),
  )
  const widths = HEAD.map((head, i) => Math.max(head.length, ...lines.map((line) => line[i]?.length ?? 0)))
  const align = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (RIGHT.has(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return [align(HEAD), align(widths.map((width) => '-'.repeat(width))), ...lines.map(align)].join('\n')
}

function cellsOf({ label, unit, samples, median, min, max, target }: MetricResult): string[] {
  const range = samples.length > 1 ? `${number(min)} to ${number(max)}` : ''
  const wanted =
    target === undefined
      ? ''
      : `${target.every ? 'all ' : ''}${target.bound === 'at least' ? '≥' : '≤'} ${number(target.value)}`
  const mark = target === undefined ? '' : target.met ? '✓ hit' : '✗ MISS'
  return [label, number(median), range, unit, wanted, mark]
}

/** Three digits that count, and thousands apart. */
export function number(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 6 })
}
