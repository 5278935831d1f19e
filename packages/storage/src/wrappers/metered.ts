/**
 * Counts what goes to a store and what it costs. The state is the counters; what it prevents is a change that quietly multiplies the bill.
 */
import { assertKnownKeys, numberOption } from '../options/check-options.ts'
import { StoreError, Throttled } from '../port/errors.ts'
import type { ObjectStore, PutResult } from '../port/object-store.ts'
import type { Clock } from '../runtime/clock.ts'
import { createLatencyHistogram, type LatencyHistogram } from './metering/latency-histogram.ts'
import { S3_STANDARD_PRICES, type StorePrices } from './metering/prices.ts'
import { type KindMetrics, REQUEST_KINDS, type RequestKind, type StoreMetrics } from './metering/store-metrics.ts'

export interface MeteringOptions {
  readonly clock: Clock
  /** Default `S3_STANDARD_PRICES`. */
  readonly prices?: StorePrices | undefined
}

export interface MeteredStore extends ObjectStore {
  /** What was counted since the start or the last reset, as plain data. */
  metrics(): StoreMetrics
  /** Begins again at zero. */
  reset(): void
}

interface Counter {
  readonly histogram: LatencyHistogram
  outcomes: Map<string, number>
  throttled: number
}

/** Wraps `store` so that its requests are counted, timed and priced. A delete of no keys is no request, nor is a watch. */
export function withMetering(store: ObjectStore, options: MeteringOptions): MeteredStore {
  const { clock, prices } = resolveMeteringOptions(options)
  const counters: Record<RequestKind, Counter> = {
    get: createCounter(),
    put: createCounter(),
    delete: createCounter(),
    list: createCounter(),
  }
  let bytesIn = 0
  let bytesOut = 0

  const count = async <T>(
    kind: RequestKind,
    signal: AbortSignal | undefined,
    request: Promise<T>,
    outcomeOf: (answer: T) => string,
    causeOf: (answer: T) => unknown = () => undefined,
  ): Promise<T> => {
    const { histogram, outcomes } = counters[kind]
    const beganMs = clock.monotonic()
    const record = (outcome: string, cause: unknown): void => {
      histogram.record(clock.monotonic() - beganMs)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      if (cause instanceof Throttled) counters[kind].throttled++
    }
    try {
      const answer = await request
      record(outcomeOf(answer), causeOf(answer))
      return answer
    } catch (error) {
      record(nameFailure(error, signal), error)
      throw error
    }
  }
  return {
    description: store.description,
    needsProbe: store.needsProbe,
    async get(key, getOptions) {
      const answer = await count('get', getOptions?.signal, store.get(key, getOptions), (result) => result.outcome)
      if (answer.outcome === 'found') bytesIn += answer.body.byteLength
      return answer
    },
    put(key, body, putOptions) {
      bytesOut += body.byteLength
      const request = store.put(key, body, putOptions)
      // A write that the store refused for its rate is `unknown` like any other 503: only the cause tells.
      const causeOf = (result: PutResult): unknown => (result.outcome === 'unknown' ? result.error.cause : undefined)
      return count('put', putOptions.signal, request, (result) => result.outcome, causeOf)
    },
    delete(keys, deleteOptions) {
      const request = store.delete(keys, deleteOptions)
      return keys.length === 0 ? request : count('delete', deleteOptions?.signal, request, () => 'deleted')
    },
    list: (listOptions) => count('list', listOptions.signal, store.list(listOptions), () => 'listed'),
    watch: store.watch?.bind(store),
    metrics: () => summarize(counters, prices, bytesIn, bytesOut),
    reset() {
      for (const counter of Object.values(counters)) {
        counter.histogram.clear()
        counter.outcomes.clear()
        counter.throttled = 0
      }
      bytesIn = 0
      bytesOut = 0
    },
  }
}

function resolveMeteringOptions(options: MeteringOptions): { readonly clock: Clock; readonly prices: StorePrices } {
  assertKnownKeys('withMetering', options, ['clock', 'prices'])
  const prices = options.prices ?? S3_STANDARD_PRICES
  assertKnownKeys('withMetering (prices)', prices, REQUEST_KINDS)
  for (const kind of REQUEST_KINDS) numberOption('withMetering (prices)', kind, prices[kind] ?? Number.NaN, 0)
  return { clock: options.clock, prices }
}

function createCounter(): Counter {
  return { histogram: createLatencyHistogram(), outcomes: new Map(), throttled: 0 }
}

function nameFailure(error: unknown, signal: AbortSignal | undefined): string {
  if (signal?.aborted && error === signal.reason) return 'ABORTED'
  return error instanceof StoreError ? error.code : 'FAILED'
}

function summarize(
  counters: Record<RequestKind, Counter>,
  prices: StorePrices,
  bytesIn: number,
  bytesOut: number,
): StoreMetrics {
  const kindOf = (kind: RequestKind): KindMetrics => {
    const { histogram, outcomes, throttled } = counters[kind]
    const latency = histogram.summary()
    return {
      requests: latency.count,
      outcomes: Object.fromEntries(outcomes),
      throttled,
      latency,
      dollars: (latency.count * prices[kind]) / 1_000,
    }
  }
  const kinds = { get: kindOf('get'), put: kindOf('put'), delete: kindOf('delete'), list: kindOf('list') }
  return {
    requests: REQUEST_KINDS.reduce((sum, kind) => sum + kinds[kind].requests, 0),
    bytesIn,
    bytesOut,
    dollars: REQUEST_KINDS.reduce((sum, kind) => sum + kinds[kind].dollars, 0),
    kinds,
  }
}
