/** What a handler may return to say how its attempt ended, besides returning a result and throwing. */
import { assertKnownKeys } from '@s3queue/storage'
import { assertDuration } from './duration.ts'
import { InvalidResult } from './errors.ts'

/** The same in every copy of this package: an application may load several, and each makes its own class. */
const BRAND = Symbol.for('@s3queue/core.outcome')

/** A decision of a handler. Made by `complete`, `retry`, `deadLetter` and `snooze`. */
export class Outcome {
  readonly kind: 'complete' | 'retry' | 'dead-letter' | 'snooze'
  readonly result: unknown
  readonly ms: number | undefined
  readonly reason: string

  /** Use the functions of this file. */
  constructor(
    kind: Outcome['kind'],
    more: { readonly result?: unknown; readonly ms?: number | undefined; readonly reason?: string },
  ) {
    this.kind = kind
    this.result = more.result
    this.ms = more.ms
    this.reason = more.reason ?? ''
  }
}

Object.defineProperty(Outcome.prototype, BRAND, { value: true })

/** The message is done, with a result that `get` and `waitFor` return. The same as returning `result`. */
export function complete(result?: unknown): Outcome {
  return new Outcome('complete', { result })
}

/** The attempt failed; try again after `afterMs`, 0 to a year, or after the backoff. The attempt counts. Throws `InvalidOption`. */
export function retry(
  options: { readonly afterMs?: number | undefined; readonly reason?: string | undefined } = {},
): Outcome {
  assertKnownKeys('retry', options, ['afterMs', 'reason'])
  const { afterMs, reason = 'the handler asked for another attempt' } = options
  if (afterMs !== undefined) assertDuration('retry', 'afterMs', afterMs)
  return new Outcome('retry', { ms: afterMs, reason: String(reason) })
}

/** The message is beyond help: move it to the dead letters, whatever attempts are left. */
export function deadLetter(reason: string): Outcome {
  return new Outcome('dead-letter', { reason: String(reason) })
}

/** Not now: hand the message out again after `ms`, 0 to a year. The attempt does not count. With 0 it comes back at once, without end. Throws `InvalidOption`. */
export function snooze(ms: number): Outcome {
  assertDuration('snooze', 'ms', ms)
  return new Outcome('snooze', { ms })
}

/** A handler may return one of these functions instead of calling it. Of another copy of this package they are other functions of the same names. */
const MAKERS: ReadonlySet<string> = new Set(['complete', 'retry', 'deadLetter', 'snooze'])

const KINDS: ReadonlySet<unknown> = new Set(['complete', 'retry', 'dead-letter', 'snooze'])

/** What a handler returned, as an outcome: of this copy of the package or another one. Undefined for a result. Throws `InvalidResult` for what only looks like an outcome. */
export function asOutcome(returned: unknown): Outcome | undefined {
  if (typeof returned === 'function' && MAKERS.has(returned.name)) {
    const { name } = returned
    throw new InvalidResult(`The handler returned the function ${name} itself. Call it: return ${name}(…).`)
  }
  if (typeof returned !== 'object' || returned === null) return undefined
  if (returned instanceof Outcome && KINDS.has(returned.kind)) return returned
  if (BRAND in returned) return ofAnotherCopy(returned)
  if (looksLikeOutcome(returned)) {
    throw new InvalidResult(
      'The handler returned what looks like an outcome and is none, such as a copy of one. Return what complete(), retry(), deadLetter() or snooze() of ' +
        '@s3queue/core returned; a result of this shape goes as complete(result).',
    )
  }
  return undefined
}

function ofAnotherCopy(returned: object): Outcome {
  const { kind, result, ms, reason } = returned as Partial<Outcome>
  const isKnown = KINDS.has(kind) && (ms === undefined || typeof ms === 'number') && typeof reason === 'string'
  if (isKnown && kind !== undefined) return new Outcome(kind, { result, ms, reason })
  throw new InvalidResult(
    `The handler returned an outcome of the kind ${JSON.stringify(kind)}, which this version does not know. Use one version of @s3queue/core.`,
  )
}

/** JSON and structured clones leave the brand out. */
function looksLikeOutcome(returned: object): boolean {
  if (!('kind' in returned && 'reason' in returned)) return false
  if (!KINDS.has(returned.kind) || typeof returned.reason !== 'string') return false
  return Object.keys(returned).every((key) => key === 'kind' || key === 'result' || key === 'ms' || key === 'reason')
}
