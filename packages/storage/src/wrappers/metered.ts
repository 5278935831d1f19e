/**
 * Counts what goes to a store and what it costs. The state is the counters; what it prevents is a change that quietly multiplies the bill.
 */
import { assertKnownKeys, numberOption } from '../options/check-options.ts'
import { StoreError } from '../port/errors.ts'
import type { ObjectStore } from '../port/object-store.ts'
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
}

/** Wraps `store` so that its requests are counted, timed and priced. A delete of no keys is no request. */
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
  ): Promise<T> => {
    const { histogram, outcomes } = counters[kind]
    const beganMs = clock.monotonic()
    const record = (outcome: string): void => {
      histogram.record(clock.monotonic() - beganMs)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    try {
      const answer = await request
      record(outcomeOf(answer))
      return answer
    } catch (error) {
      record(nameFailure(error, signal))
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
      return count('put', putOptions.signal, store.put(key, body, putOptions), (result) => result.outcome)
    },
    delete(keys, deleteOptions) {
      const request = store.delete(keys, deleteOptions)
      return keys.length === 0 ? request : count('delete', deleteOptions?.signal, request, () => 'deleted')
    },
    list: (listOptions) => count('list', listOptions.signal, store.list(listOptions), () => 'listed'),
    metrics: () => summarize(counters, prices, bytesIn, bytesOut),
    reset() {
      for (const counter of Object.values(counters)) {
        counter.histogram.clear()
        counter.outcomes.clear()
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
  return { histogram: createLatencyHistogram(), outcomes: new Map() }
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
    const latency = counters[kind].histogram.summary()
    const outcomes = Object.fromEntries(counters[kind].outcomes)
    return { requests: latency.count, outcomes, latency, dollars: (latency.count * prices[kind]) / 1_000 }
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
