/** Checks that every `resolveX()` makes: known keys only, and numbers within their bounds. */
import { InvalidOption } from './invalid-option.ts'
import { nearestName } from './nearest-name.ts'

/** Throws `InvalidOption` unless `options` is an object, and for its first key that is not in `known`: it names the known key nearest to that. */
export function assertKnownKeys(owner: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const given = options === null ? 'null' : Array.isArray(options) ? 'an array' : `a ${typeof options}`
    throw new InvalidOption(owner, 'options', `must be an object, not ${given}.`)
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue
    const nearest = nearestName(key, known)
    const advice = nearest === undefined ? '' : ` Did you mean ${JSON.stringify(nearest)}?`
    throw new InvalidOption(owner, key, `is not known.${advice} Known: ${known.join(', ')}.`)
  }
}

export interface NumberBounds {
  /** Smallest value. Default 0. */
  readonly min?: number | undefined
  /** Greatest value. Default: any finite number. */
  readonly max?: number | undefined
  /** Only whole numbers. Default false. */
  readonly integer?: boolean | undefined
}

/** `value`, or `fallback` where it is undefined; throws `InvalidOption` for what is no number within `bounds`. */
export function numberOption(
  owner: string,
  option: string,
  value: number | undefined,
  fallback: number,
  bounds: NumberBounds = {},
): number {
  if (value === undefined) return fallback
  const { min = 0, max = Number.MAX_VALUE, integer = false } = bounds
  const fits = typeof value === 'number' && value >= min && value <= max && (!integer || Number.isInteger(value))
  if (fits) return value
  const upTo = max === Number.MAX_VALUE ? `of at least ${min}` : `from ${min} to ${max}`
  throw new InvalidOption(owner, option, `must be a${integer ? ' whole' : ''} number ${upTo}, not ${String(value)}.`)
}
