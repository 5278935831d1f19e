/** Numbers about the requests to a store, as plain data: to print, to send off, and to subtract from one another. */
import { diffLatency, type LatencySummary } from './latency-histogram.ts'

export type RequestKind = 'get' | 'put' | 'delete' | 'list'

export const REQUEST_KINDS: readonly RequestKind[] = ['get', 'put', 'delete', 'list']

export interface KindMetrics {
  readonly requests: number
  /**
   * Requests by what came of them: the outcomes of the port (`found`, `stored` …), `deleted` and `listed`, the code of a `StoreError`,
   * `ABORTED` where the caller gave up, `FAILED` for anything else.
   */
  readonly outcomes: Readonly<Record<string, number>>
  /** Requests that the store refused for their rate. Of writes this is a part of those with outcome `unknown`. */
  readonly throttled: number
  readonly latency: LatencySummary
  /** Estimated, in dollars, by the prices given. */
  readonly dollars: number
}

export interface StoreMetrics {
  /** All requests. A delete is one request, however many keys it names. */
  readonly requests: number
  /** Bytes of the bodies that came from the store. */
  readonly bytesIn: number
  /** Bytes of the bodies that were sent to the store. */
  readonly bytesOut: number
  /** Estimated, in dollars. An upper bound: it also counts requests that S3 does not charge for, such as those it answers with 5xx. */
  readonly dollars: number
  readonly kinds: Readonly<Record<RequestKind, KindMetrics>>
}

/** What was counted after `earlier` and up to `later`; both from the same store, without a reset in between. */
export function diffMetrics(later: StoreMetrics, earlier: StoreMetrics): StoreMetrics {
  const diffKind = (kind: RequestKind): KindMetrics => {
    const [a, b] = [later.kinds[kind], earlier.kinds[kind]]
    const outcomes = Object.entries(a.outcomes).map(([name, n]) => [name, n - (b.outcomes[name] ?? 0)] as const)
    return {
      requests: a.requests - b.requests,
      outcomes: Object.fromEntries(outcomes.filter(([, n]) => n !== 0)),
      throttled: a.throttled - b.throttled,
      latency: diffLatency(a.latency, b.latency),
      dollars: a.dollars - b.dollars,
    }
  }
  return {
    requests: later.requests - earlier.requests,
    bytesIn: later.bytesIn - earlier.bytesIn,
    bytesOut: later.bytesOut - earlier.bytesOut,
    dollars: later.dollars - earlier.dollars,
    kinds: { get: diffKind('get'), put: diffKind('put'), delete: diffKind('delete'), list: diffKind('list') },
  }
}
