/**
 * Rows as columns of JSON. Neighbouring rows of a snapshot have much in common: numbers that stay the same or go up by one, one
 * sender, no failures. Written column by column that takes a few bytes for thousands of rows, and reading it back shares what is equal.
 */

/** Numbers of some rows: all the same, in even steps, by the step from each to the next, or as they are. */
export type NumberColumn =
  | number
  | { readonly from: number; readonly step: number; readonly steps?: undefined }
  | { readonly from: number; readonly step?: undefined; readonly steps: readonly number[] }
  | { readonly values: readonly number[] }

/** JSON values of some rows: all the same, by their place among a few, or as they are. */
export type ValueColumn<T> =
  | { readonly all: T }
  | { readonly of: readonly T[]; readonly at: NumberColumn }
  | { readonly values: readonly T[] }

/** Values are told apart up to this share of the rows. */
const FEW = 0.25

/** The number that `read` finds in each row, as a column. */
export function packNumbers<T>(rows: readonly T[], read: (row: T, index: number) => number): NumberColumn {
  const values = rows.map(read)
  const from = values[0] ?? 0
  const steps: number[] = []
  let isEven = true
  for (let i = 1; i < values.length; i++) {
    const step = (values[i] as number) - (values[i - 1] as number)
    if (!Number.isSafeInteger(step)) return { values }
    if (step !== steps[0] && i > 1) isEven = false
    steps.push(step)
  }
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(values.at(-1) ?? 0)) return { values }
  if (!isEven) return { from, steps }
  const [step = 0] = steps
  return step === 0 ? from : { from, step }
}

/** The numbers of `count` rows. */
export function unpackNumbers(column: NumberColumn, count: number): readonly number[] {
  if (typeof column === 'number') return new Array<number>(count).fill(column)
  if ('values' in column) return column.values
  return unpackSmall(column, count) ?? unpackLarge(column, count)
}

type Steps = Exclude<NumberColumn, number | { readonly values: readonly number[] }>

/**
 * Numbers of 32 bits; undefined if there are others. V8 boxes numbers that it believes to be fractions, and believes so of all that come
 * out of code that has met one: a million messages would take nearly twice the memory. `| 0` tells it otherwise.
 */
function unpackSmall({ from, step = 0, steps }: Steps, count: number): number[] | undefined {
  if (from !== (from | 0)) return undefined
  const numbers: number[] = []
  for (let i = 0, value = from | 0; i < count; i++) {
    numbers.push(value)
    const next = value + (steps === undefined ? step : (steps[i] ?? 0))
    if (next !== (next | 0)) return undefined
    value = next | 0
  }
  return numbers
}

function unpackLarge({ from, step = 0, steps }: Steps, count: number): number[] {
  const numbers: number[] = []
  for (let i = 0, value = from; i < count; i++) {
    numbers.push(value)
    value += steps === undefined ? step : (steps[i] ?? 0)
  }
  return numbers
}

/**
 * What `read` makes of each row, as a column. JSON has no undefined: use null. Values are the same if `keyOf` makes the same of them: by
 * default, if they are identical. Objects that one fold shares and another does not need a key, as both must be written alike.
 */
export function packValues<R, T>(
  rows: readonly R[],
  read: (row: R, index: number) => T,
  keyOf: (value: T) => unknown = (value) => value,
): ValueColumn<T> {
  const values = rows.map(read)
  const places = new Map<unknown, number>()
  const few: T[] = []
  for (const value of values) {
    const key = keyOf(value)
    if (places.has(key)) continue
    if (places.size > values.length * FEW) return { values }
    places.set(key, few.push(value) - 1)
  }
  const [first, ...others] = few
  if (first === undefined) return { values }
  if (others.length === 0) return { all: first }
  return { of: few, at: packNumbers(values, (value) => places.get(keyOf(value)) ?? 0) }
}

/** The values of `count` rows; equal ones may be one object. */
export function unpackValues<T>(column: ValueColumn<T>, count: number): readonly T[] {
  if ('values' in column) return column.values
  if ('all' in column) return new Array<T>(count).fill(column.all)
  return unpackNumbers(column.at, count).map((at) => column.of[at] as T)
}
