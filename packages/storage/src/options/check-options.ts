/** Checks that every `resolveX()` makes: known keys only, and numbers within their bounds. */
import { InvalidOption } from './invalid-option.ts'
import { nearestName } from './nearest-name.ts'

/**
 * Throws `InvalidOption` unless `options` is an object with named fields. A promise, a `Map` or a `Date` has no own keys, so without this check it would
 * count as an object in which no option is set.
 */
export function assertOptionsObject(owner: string, options: unknown): asserts options is object {
  const kind = otherKind(options)
  if (kind === undefined) return
  const advice = kind === 'a Promise' ? ' Await it first.' : ''
  throw new InvalidOption(owner, 'options', `must be an object, not ${kind}.${advice}`)
}

/** What `value` is, such as `an array`, `a Map` or `null`; undefined if it is an object with named fields. */
export function otherKind(value: unknown): string | undefined {
  if (value === null) return 'null'
  if (typeof value !== 'object') return `a ${typeof value}`
  if (Array.isArray(value)) return 'an array'
  if ('then' in value && typeof value.then === 'function') return 'a Promise'
  const tag = Object.prototype.toString.call(value).slice(8, -1)
  return tag === 'Object' ? undefined : `${/^[AEIOU]/.test(tag) ? 'an' : 'a'} ${tag}`
}

/** The same, and throws for the first key of `options` that is not in `known`: the error names the known key nearest to it. */
export function assertKnownKeys(owner: string, options: object, known: readonly string[]): void {
  assertOptionsObject(owner, options)
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
