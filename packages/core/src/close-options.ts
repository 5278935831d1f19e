/** How long closing a queue may take: for its handlers, and for the store to take what is left. */
import { assertKnownKeys, numberOption } from '@s3queue/storage'

/** How a queue is closed. */
export interface CloseOptions {
  /**
   * How long closing takes at most, in ms, up to 12 hours. Running handlers get all of it but a quarter, at most 5 s, which is left for recording what they
   * did. Default: `visibilityTimeoutMs` for the handlers, and up to 30 s for the store afterwards.
   */
  readonly timeoutMs?: number | undefined
}

export interface CloseTimes {
  /** For running handlers. */
  readonly handlersMs: number
  /** For the store after the handlers. */
  readonly storeMs: number
  /** In all; undefined: the sum of both, whenever the handlers end. */
  readonly totalMs: number | undefined
}

/** A store that is back within this time still gets everything; one that is down for longer should not keep a process. */
const STORE_MS = 30_000
const MOST_RESERVED_MS = 5_000

/** Throws `InvalidOption`. */
export function resolveCloseOptions(
  options: CloseOptions = {},
  defaults: { readonly visibilityTimeoutMs: number; readonly acknowledgeTimeoutMs: number },
): CloseTimes {
  assertKnownKeys('close', options, ['timeoutMs'])
  if (options.timeoutMs === undefined) {
    const { visibilityTimeoutMs, acknowledgeTimeoutMs } = defaults
    return {
      handlersMs: visibilityTimeoutMs,
      storeMs: Math.min(STORE_MS, acknowledgeTimeoutMs),
      totalMs: undefined,
    }
  }
  const totalMs = numberOption('close', 'timeoutMs', options.timeoutMs, 0, { max: 12 * 3_600_000 })
  const storeMs = Math.min(MOST_RESERVED_MS, totalMs / 4)
  return { handlersMs: totalMs - storeMs, storeMs, totalMs }
}

/** When closing ends at the latest, if the handlers have ended at `now`. Both monotonic, as is `startedAt`. */
export function closeBy({ storeMs, totalMs }: CloseTimes, startedAt: number, now: number): number {
  return totalMs === undefined ? now + storeMs : startedAt + totalMs
}
