/**
 * Asks again where a store gave no usable answer. The state is the count of attempts of each call; what it prevents is that a
 * moment of 503 becomes an error of the application.
 */
import { assertKnownKeys, numberOption } from '../options/check-options.ts'
import { StoreError, StoreUnavailable, Throttled } from '../port/errors.ts'
import type { ObjectStore } from '../port/object-store.ts'
import { type Clock, sleep } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'

export interface RetryOptions {
  readonly clock: Clock
  readonly random: Random
  /** How often a request is sent at most, the first time included. Default 6. */
  readonly attempts?: number | undefined
  /** The first pause is a random time up to this, and the bound doubles with each further one. In ms, default 50. */
  readonly baseMs?: number | undefined
  /** Bound of the bound, in ms. Default 2,000. A store that asks for a longer pause gets it, up to five times as much. */
  readonly maxMs?: number | undefined
}

interface ResolvedRetryOptions {
  readonly clock: Clock
  readonly random: Random
  readonly attempts: number
  readonly baseMs: number
  readonly maxMs: number
}

/** How much longer than `maxMs` a pause may be that the store itself asks for. */
const MOST_PATIENCE = 5

/**
 * Wraps `store` so that `get`, `list` and `delete` are tried again after `Throttled` and `StoreUnavailable`, with pauses that grow
 * exponentially and are drawn at random from zero up (full jitter: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog
 * 2015). The last error keeps its class and says how many attempts there were. A signal ends a pause at once.
 *
 * **Writes pass through untouched.** A write whose answer was lost may have taken place; sent again, a `create` would be refused by its
 * own first copy and an `if-match` by its own new version, and the caller would take its own success for a lost race. Only the
 * caller can tell, by reading the object and looking for its own mark. So `put` hands out `unknown` as it comes.
 *
 * A delete is repeated, since it has no condition to be turned around. But the object it takes away on a later attempt may be a new one: keys
 * that are deleted should belong to one life of one object, or their users must cope with a late delete, which the port allows anyway.
 */
export function withRetries(store: ObjectStore, options: RetryOptions): ObjectStore {
  const settings = resolveRetryOptions(options)
  return {
    description: store.description,
    needsProbe: store.needsProbe,
    get: (key, getOptions) => attempt(settings, getOptions?.signal, () => store.get(key, getOptions)),
    put: (key, body, putOptions) => store.put(key, body, putOptions),
    delete: (keys, deleteOptions) => attempt(settings, deleteOptions?.signal, () => store.delete(keys, deleteOptions)),
    list: (listOptions) => attempt(settings, listOptions.signal, () => store.list(listOptions)),
    watch: store.watch?.bind(store),
  }
}

function resolveRetryOptions(options: RetryOptions): ResolvedRetryOptions {
  const owner = 'withRetries'
  assertKnownKeys(owner, options, ['clock', 'random', 'attempts', 'baseMs', 'maxMs'])
  return {
    clock: options.clock,
    random: options.random,
    attempts: numberOption(owner, 'attempts', options.attempts, 6, { min: 1, integer: true }),
    baseMs: numberOption(owner, 'baseMs', options.baseMs, 50),
    maxMs: numberOption(owner, 'maxMs', options.maxMs, 2_000),
  }
}

async function attempt<T>(
  settings: ResolvedRetryOptions,
  signal: AbortSignal | undefined,
  request: () => Promise<T>,
): Promise<T> {
  const { clock, attempts } = settings
  const beganMs = clock.monotonic()
  for (let n = 1; ; n++) {
    try {
      return await request()
    } catch (error) {
      if (!(error instanceof StoreError) || !error.retriable) throw error
      if (n >= attempts) throw withHistory(error, n, clock.monotonic() - beganMs)
      await sleep(clock, pauseMs(settings, n, error), signal)
    }
  }
}

function pauseMs({ random, baseMs, maxMs }: ResolvedRetryOptions, attemptsSoFar: number, error: StoreError): number {
  const drawn = random.next() * Math.min(maxMs, baseMs * 2 ** (attemptsSoFar - 1))
  const asked = error instanceof Throttled ? (error.retryAfterMs ?? 0) : 0
  return Math.max(drawn, Math.min(asked, maxMs * MOST_PATIENCE))
}

/** The error again, of the same class, with how long it was tried. */
function withHistory(error: StoreError, attempts: number, elapsedMs: number): StoreError {
  const times = attempts === 1 ? 'one attempt' : `${attempts} attempts in ${Math.round(elapsedMs)} ms`
  const message = `${error.message} (gave up after ${times})`
  const options = { cause: error, key: error.key }
  if (error instanceof Throttled) return new Throttled(message, { ...options, retryAfterMs: error.retryAfterMs })
  if (error instanceof StoreUnavailable) return new StoreUnavailable(message, options)
  return error
}
