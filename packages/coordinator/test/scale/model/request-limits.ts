/**
 * What S3 does to a prefix that gets too many requests: 3,500 writes and 5,500 reads a second, and 503 beyond that ("Best practices design patterns:
 * optimizing Amazon S3 performance"). Read as strictly as it can be: all keys of a queue are one prefix that is never split, a list is a read, and
 * a delete counts once for each key it names.
 */
import { type Clock, type ObjectStore, type PutResult, Throttled, UnknownOutcome } from '@s3queue/storage'

export interface RequestLimits {
  readonly writesPerSecond: number
  readonly readsPerSecond: number
}

export const S3_LIMITS: RequestLimits = { writesPerSecond: 3500, readsPerSecond: 5500 }

/** What came since the start or the last reset. */
export interface Load {
  /** Requests that were refused. */
  readonly refused: number
  /** The most that came in any second of the clock. */
  readonly mostWrites: number
  readonly mostReads: number
}

export interface LimitedStore extends ObjectStore {
  load(): Load
  reset(): void
}

/** A bucket of tokens: a second's worth of requests at once, and then as many as come back. */
class Allowance {
  readonly #perSecond: number
  readonly #clock: Clock
  #left: number
  #at: number
  #second = 0
  #inSecond = 0
  #most = 0

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#left = perSecond
    this.#at = clock.monotonic()
  }

  get most(): number {
    return this.#most
  }

  reset(): void {
    this.#most = 0
    this.#inSecond = 0
  }

  /** False if there is not enough left: then nothing is taken. */
  take(count: number): boolean {
    const now = this.#clock.monotonic()
    this.#note(now, count)
    this.#left = Math.min(this.#perSecond, this.#left + ((now - this.#at) / 1000) * this.#perSecond)
    this.#at = now
    if (this.#left < count) return false
    this.#left -= count
    return true
  }

  #note(now: number, count: number): void {
    const second = Math.floor(now / 1000)
    if (second !== this.#second) this.#inSecond = 0
    this.#second = second
    this.#inSecond += count
    this.#most = Math.max(this.#most, this.#inSecond)
  }
}

export function withRequestLimits(store: ObjectStore, clock: Clock, limits: RequestLimits): LimitedStore {
  const writes = new Allowance(clock, limits.writesPerSecond)
  const reads = new Allowance(clock, limits.readsPerSecond)
  let refused = 0
  const refuse = (): string => {
    refused++
    return `${store.description} answers 503 SlowDown: more than ${limits.writesPerSecond} writes or ${limits.readsPerSecond} reads a second.`
  }
  const admitted = <T>(allowance: Allowance, count: number, request: () => Promise<T>): Promise<T> =>
    allowance.take(count) ? request() : Promise.reject(new Throttled(refuse()))
  return {
    description: store.description,
    get: (key, options) => admitted(reads, 1, () => store.get(key, options)),
    list: (options) => admitted(reads, 1, () => store.list(options)),
    delete: (keys, options) => admitted(writes, keys.length, () => store.delete(keys, options)),
    put(key, body, options): Promise<PutResult> {
      if (writes.take(1)) return store.put(key, body, options)
      return Promise.resolve({ outcome: 'unknown', error: new UnknownOutcome(refuse(), { key }) })
    },
    load: () => ({ refused, mostWrites: writes.most, mostReads: reads.most }),
    reset() {
      refused = 0
      writes.reset()
      reads.reset()
    },
  }
}
