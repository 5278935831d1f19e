/** What a handler may return to say how its attempt ended, besides returning a result and throwing. */
import { assertKnownKeys } from '@s3queue/storage'
import { assertDuration } from './duration.ts'

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
