/** Checks of values that any process, or a stranger, may have written into the store. */

/** An object or an array, of which nothing else is known. */
export type Fields = Readonly<Record<string, unknown>>

/** Whether `value` is an object or an array. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

/** Whether `value` is a string. */
export function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** Whether `value` is a whole number from 0 on that a double holds exactly. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

/** Whether `value` is a number from 0 to `most`. Default: to the largest safe integer. */
export function isWithin(value: unknown, most: number = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && value >= 0 && value <= most
}

/** Whether `value` is undefined or passes `check`. */
export function isOptional(value: unknown, check: (value: unknown) => boolean): boolean {
  return value === undefined || check(value)
}

/** Whether `values` is an array of objects that all pass `check`. */
export function isListOf(values: unknown, check: (fields: Fields) => boolean): boolean {
  return Array.isArray(values) && values.every((value) => isFields(value) && check(value))
}
