/** What a worker can be told: options as users write them, and the same with every default filled in. */
import { assertKnownKeys, type Ids, InvalidOption, numberOption } from '@s3queue/storage'
import { keySegment } from './options.ts'

/** What a worker can be told. */
export interface ProcessOptions {
  /** A name for this worker in events, claims and the registry, 1 to 60 of the characters of a queue's name; made unique by a suffix. Default: the suffix alone. */
  readonly workerId?: string | undefined
  /** How many handlers run at once, 1 to 10,000. Default 1. */
  readonly concurrency?: number | undefined
  /** Extend claims while their handlers run. Default true. Without it a handler has `visibilityTimeoutMs`, and `context.extend()`. */
  readonly autoExtend?: boolean | undefined
  /** How long one attempt may take, in ms: then its signal is aborted and it has failed, whatever it still does. Default: no limit. */
  readonly timeLimitMs?: number | undefined
  /** How many messages may be claimed ahead of the handlers, beyond `concurrency`. Default 20,000; it takes about a second's worth of work at most. */
  readonly maxPrefetch?: number | undefined
}

/** How a worker stops. */
export interface StopOptions {
  /** How long to wait for running handlers, in ms. Default: the queue's `visibilityTimeoutMs`. */
  readonly timeoutMs?: number | undefined
}

export interface ResolvedProcessOptions {
  readonly workerId: string | undefined
  readonly concurrency: number
  readonly autoExtend: boolean
  /** `Infinity` for none. */
  readonly timeLimitMs: number
  readonly maxPrefetch: number
}

/** Fills in the defaults of `process()`. Throws `InvalidOption`. */
export function resolveProcessOptions(options: ProcessOptions = {}): ResolvedProcessOptions {
  const who = 'process'
  assertKnownKeys(who, options, ['workerId', 'concurrency', 'autoExtend', 'timeLimitMs', 'maxPrefetch'])
  const { autoExtend = true, workerId } = options
  if (typeof autoExtend !== 'boolean')
    throw new InvalidOption(who, 'autoExtend', `must be true or false, not ${String(autoExtend)}.`)
  return {
    workerId: workerId === undefined ? undefined : keySegment(who, 'workerId', workerId, 60),
    concurrency: numberOption(who, 'concurrency', options.concurrency, 1, { min: 1, max: 10_000, integer: true }),
    autoExtend,
    timeLimitMs: numberOption(who, 'timeLimitMs', options.timeLimitMs, Number.POSITIVE_INFINITY, {
      min: 1,
      max: 24 * 3_600_000,
      integer: true,
    }),
    maxPrefetch: numberOption(who, 'maxPrefetch', options.maxPrefetch, 20_000, { max: 100_000, integer: true }),
  }
}

/** How long a worker that is stopped waits for its handlers, in ms; without a word of it `fallbackMs`. Throws `InvalidOption`. */
export function resolveStopOptions(options: StopOptions = {}, fallbackMs: number): number {
  assertKnownKeys('stop', options, ['timeoutMs'])
  return numberOption('stop', 'timeoutMs', options.timeoutMs, fallbackMs, { max: 12 * 3_600_000 })
}

/** The name of a worker in claims and events: unlike any other's, whatever its user calls it. */
export function makeWorkerId(name: string | undefined, ids: Ids): string {
  return name === undefined ? ids.nonce(10) : `${name}.${ids.nonce(6)}`
}
