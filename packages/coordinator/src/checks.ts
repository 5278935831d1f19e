/** Checks of values that any process, or a stranger, may have written into the store. */

export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

export function isText(value: unknown): value is string {
  return typeof value === 'string'
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

/** A number from 0 to `most`. */
export function isWithin(value: unknown, most: number = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && value >= 0 && value <= most
}

export function isOptional(value: unknown, check: (value: unknown) => boolean): boolean {
  return value === undefined || check(value)
}

export function isListOf(values: unknown, check: (fields: Fields) => boolean): boolean {
  return Array.isArray(values) && values.every((value) => isFields(value) && check(value))
}
