/**
 * The one rule for values that a queue stores: payloads, results, progress, and values in a message's log. What JSON keeps is stored, and what it would lose
 * or change without a word is refused. Without the rule a reader gets `null` for `NaN`, and `{}` for a `Map`, an error or a promise.
 *
 * Kept: null, booleans, finite numbers, strings, arrays, plain objects, dates (as text), whatever has a `toJSON`, and the public fields of an instance of a
 * class. `undefined` is left out of objects and becomes `null` in arrays, as it holds nothing; functions are left out of objects, as methods are.
 */

/** The text of `value`. Throws `NotJson`, whose message continues a sentence that names the value: "holds NaN at items[3].price, …". */
export function toJson(value: unknown): string {
  let text: string | undefined
  let isKept: boolean
  try {
    text = JSON.stringify(value)
    isKept = keeps(value)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new NotJson(`is not serialisable as JSON: ${why}`, { cause })
  }
  if (text === undefined) throw new NotJson(`is ${typeof value}, which JSON cannot carry. Use null or an object.`)
  if (isKept) return text
  const { what, path } = findLoss(value, '') ?? { what: 'a value', path: '' }
  const where = path === '' ? '' : ` at ${path}`
  throw new NotJson(`holds ${what}${where}, which JSON cannot carry. Make a JSON value of it first.`)
}

export class NotJson extends Error {}

/** Whether JSON keeps all of `value`. This runs for every payload, so it notes no path. */
function keeps(value: unknown): boolean {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value)
    case 'object':
      break
    default:
      return typeof value !== 'function' && typeof value !== 'symbol'
  }
  if (value === null) return true
  if (Array.isArray(value)) {
    for (const element of value) if (!keeps(element)) return false
    return true
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null && lossOfInstance(value) !== undefined) return false
  if (hasToJson(value)) return keeps(value.toJSON(''))
  for (const key of Object.keys(value)) {
    const field = (value as Fields)[key]
    if (typeof field !== 'function' && !keeps(field)) return false
  }
  return true
}

type Fields = Readonly<Record<string, unknown>>

interface Loss {
  readonly what: string
  /** Where in the value, as JavaScript would write it: `items[3].price`. Empty for the value itself. */
  readonly path: string
}

/** The first thing that JSON would lose. */
function findLoss(value: unknown, path: string): Loss | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : { what: String(value), path }
  if (typeof value === 'function' || typeof value === 'symbol') return { what: `a ${typeof value}`, path }
  if (typeof value !== 'object' || value === null) return undefined
  const what = lossOfInstance(value)
  if (what !== undefined) return { what, path }
  if (hasToJson(value)) return findLoss(value.toJSON(''), path)
  for (const [key, field] of Object.entries(value)) {
    if (typeof field === 'function' && !Array.isArray(value)) continue
    const loss = findLoss(field, Array.isArray(value) ? `${path}[${key}]` : below(path, key))
    if (loss !== undefined) return loss
  }
  return undefined
}

function below(path: string, key: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function'
}

/** Objects whose content is not in their own fields. Iterators and most objects of the platform have no own fields at all. */
const HOLDS_MORE =
  /^(Promise|Error|RegExp|(Weak)?(Map|Set)|WeakRef|(Shared)?ArrayBuffer|Blob|File|FormData|Headers|Re(quest|sponse)|Generator|AsyncGenerator|Arguments)$/
/** Objects that JSON writes as the primitive that they hold. */
const BOXED = /^(Number|String|Boolean|BigInt)$/

/** What JSON would lose of an object that is more than its own fields; undefined if nothing. */
function lossOfInstance(value: object): string | undefined {
  if (Array.isArray(value)) return undefined
  const kind = Object.prototype.toString.call(value).slice(8, -1)
  // A Buffer has a toJSON, and comes back as an object.
  if (ArrayBuffer.isView(value)) return `something of the kind ${kind}`
  if (kind === 'Date') return Number.isNaN((value as Date).getTime()) ? 'an invalid date' : undefined
  if (hasToJson(value) || BOXED.test(kind)) return undefined
  if (value instanceof Error || HOLDS_MORE.test(kind)) return `something of the kind ${kind}`
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return undefined
  const maker = value.constructor
  const name = typeof maker === 'function' && maker.name !== '' ? maker.name : kind
  if (Object.keys(value).length === 0) return `an instance of ${name} without own fields`
  return hasPrivateFields(prototype as object) ? `an instance of ${name} with private fields` : undefined
}

/** A private field that is declared, read or written, and not a private method; TypeScript writes them as functions for older targets. */
const PRIVATE_FIELD =
  /(?:[{;}]|\n)\s*#[\w$]+\s*(?:[=;}]|\n)|\bthis\s*\??\.\s*#[\w$]+(?![\w$]*\s*\()|__classPrivateFieldGet\(this/
const known = new WeakMap<object, boolean>()

/** Nothing tells from outside which private fields an object has, so this reads the source of its classes, once for each. */
function hasPrivateFields(prototype: object): boolean {
  const before = known.get(prototype)
  if (before !== undefined) return before
  const parent: unknown = Object.getPrototypeOf(prototype)
  const isInherited = typeof parent === 'object' && parent !== null && hasPrivateFields(parent)
  const has = isInherited || PRIVATE_FIELD.test(sourceOf(prototype))
  known.set(prototype, has)
  return has
}

function sourceOf(prototype: object): string {
  const maker = prototype.constructor
  return typeof maker === 'function' ? Function.prototype.toString.call(maker) : ''
}
