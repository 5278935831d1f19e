/** Waiting until a queue is empty, with bounds for those who cannot wait for ever. */
import { assertKnownKeys, type Clock, InvalidOption, numberOption, orAborted } from '@s3queue/storage'
import type { Engine } from './engine/engine.ts'
import { assertSignal } from './signal-option.ts'

/** What `Queue.drain` waits for, and how long. */
export interface DrainOptions {
  /** Resolve after this process's worker has finished so many more messages, from 1 on; it takes no more than that. Default: no bound. */
  readonly maxMessages?: number | undefined
  /** Resolve after so many ms in any case, up to a day. Default: no bound. */
  readonly deadlineMs?: number | undefined
  /** Whether to wait for messages that are not visible yet. Default true. */
  readonly includeDelayed?: boolean | undefined
  /** Ends the wait: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** How a `Queue.drain` ended. */
export interface DrainResult {
  /** Whether nothing was left; false if a bound came first. */
  readonly drained: boolean
  /** Attempts that this process's worker finished meanwhile. */
  readonly handled: number
}

interface DrainingWorker {
  readonly finishedCount: number
  limit(count: number): void
}

export async function drainQueue(
  engine: Engine,
  worker: DrainingWorker | undefined,
  clock: Clock,
  options: DrainOptions = {},
): Promise<DrainResult> {
  const who = 'drain'
  assertKnownKeys(who, options, ['maxMessages', 'deadlineMs', 'includeDelayed', 'signal'])
  const { includeDelayed = true, signal } = options
  if (typeof includeDelayed !== 'boolean')
    throw new InvalidOption(who, 'includeDelayed', `must be true or false, not ${String(includeDelayed)}.`)
  assertSignal(who, signal)
  const maxMessages = numberOption(who, 'maxMessages', options.maxMessages, Number.POSITIVE_INFINITY, {
    min: 1,
    integer: true,
  })
  const deadlineMs = numberOption(who, 'deadlineMs', options.deadlineMs, Number.POSITIVE_INFINITY, {
    max: 24 * 3_600_000,
  })
  const before = worker?.finishedCount ?? 0
  const handled = (): number => (worker?.finishedCount ?? 0) - before
  if (maxMessages < Number.POSITIVE_INFINITY) worker?.limit(maxMessages)
  const bound = new AbortController()
  const cancelDeadline =
    deadlineMs === Number.POSITIVE_INFINITY ? () => {} : clock.setTimer(deadlineMs, () => bound.abort())
  const either = signal === undefined ? bound.signal : AbortSignal.any([signal, bound.signal])
  try {
    for (let waitMs = 100; ; waitMs = Math.min(2000, waitMs * 2)) {
      signal?.throwIfAborted()
      if (bound.signal.aborted || handled() >= maxMessages) return { drained: false, handled: handled() }
      // A look may take as long as the store does.
      const stats = await orAborted(engine.views.stats(), either).catch((error: unknown) => {
        if (!either.aborted) throw error
      })
      if (stats === undefined) continue
      const { waiting, delayed, active } = stats
      if (waiting + active + (includeDelayed ? delayed : 0) === 0) return { drained: true, handled: handled() }
      await engine.views.whenDone(() => isEmpty(engine, includeDelayed) || handled() >= maxMessages, waitMs, either)
    }
  } finally {
    cancelDeadline()
    if (maxMessages < Number.POSITIVE_INFINITY) worker?.limit(Number.POSITIVE_INFINITY)
  }
}

function isEmpty(engine: Engine, includeDelayed: boolean): boolean {
  const stats = engine.views.peekStats()
  return stats !== undefined && stats.waiting + stats.active + (includeDelayed ? stats.delayed : 0) === 0
}
