/** Rows as aligned text, and numbers for people. */

/** What it is, how much, and what there is to say of it. */
export type Row = readonly [label: string, value: string, remark?: string]

export function layOut(rows: readonly Row[]): string {
  return layOutColumns(
    rows.map(([label, value, remark = '']) => [label, value, remark]),
    1,
  )
}

/** The first column and those behind the `numbers` next to it are words, flush left; numbers are flush right. */
export function layOutColumns(rows: readonly (readonly string[])[], numbers: number): string {
  const columns = Math.max(...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  const cell = (text: string, i: number): string => {
    const width = widths[i] ?? 0
    return i > 0 && i <= numbers ? text.padStart(width) : text.padEnd(width)
  }
  return rows.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd()).join('\n')
}

export function number(value: number): string {
  return value.toLocaleString('en')
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
