/** Checks that the options share. */
import { InvalidOption, numberOption } from '@s3queue/storage'

/** Who refuses an option. */
export const OWNER = 'S3QueuePlugin'

/** The value of an option with two names. */
export function alias<V>(name: string, value: V | undefined, other: string, same: V | undefined): V | undefined {
  if (value !== undefined && same !== undefined && value !== same)
    throw new InvalidOption(OWNER, other, `is another name of "${name}", and the two differ. Give one of them.`)
  return value ?? same
}

export function whole(option: string, value: number | undefined, fallback: number, min: number, max: number): number {
  return numberOption(OWNER, option, value, fallback, { min, max, integer: true })
}

export function flag(option: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value !== 'boolean') throw new InvalidOption(OWNER, option, `must be true or false, not ${String(value)}.`)
  return value
}
