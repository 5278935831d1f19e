/**
 * Latencies in buckets of five per cent: the memory is bounded however many are recorded, quantiles are right to five per cent, and one
 * snapshot can be taken from another to see what lies between.
 */
const GROWTH = 1.05
const SMALLEST_MS = 0.01

export interface LatencySummary {
  readonly count: number
  readonly sumMs: number
  readonly maxMs: number
  /** Half were at most so long; 0 if there are none. Right to five per cent, as are the next two. */
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  /** How many lie in each bucket: bucket `i` ends at 0.01 ms × 1.05^i. Only buckets that are not empty. */
  readonly buckets: Readonly<Record<number, number>>
}

export interface LatencyHistogram {
  record(ms: number): void
  summary(): LatencySummary
  clear(): void
}

export function createLatencyHistogram(): LatencyHistogram {
  let buckets: Record<number, number> = {}
  let sumMs = 0
  let maxMs = 0
  return {
    record(ms) {
      const bucket = ms <= SMALLEST_MS ? 0 : Math.ceil(Math.log(ms / SMALLEST_MS) / Math.log(GROWTH))
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
      sumMs += ms
      maxMs = Math.max(maxMs, ms)
    },
    summary: () => summarize({ ...buckets }, sumMs, maxMs),
    clear() {
      buckets = {}
      sumMs = 0
      maxMs = 0
    },
  }
}

/** What was recorded after `earlier` and up to `later`. The maximum is that of the highest bucket that got something, so right to five per cent. */
export function diffLatency(later: LatencySummary, earlier: LatencySummary): LatencySummary {
  const buckets: Record<number, number> = {}
  for (const [bucket, count] of Object.entries(later.buckets)) {
    const added = count - (earlier.buckets[Number(bucket)] ?? 0)
    if (added > 0) buckets[Number(bucket)] = added
  }
  const highest = Math.max(...Object.keys(buckets).map(Number))
  const maxMs = highest === Number.NEGATIVE_INFINITY ? 0 : Math.min(later.maxMs, upperEndMs(highest))
  return summarize(buckets, later.sumMs - earlier.sumMs, maxMs)
}

function summarize(buckets: Record<number, number>, sumMs: number, maxMs: number): LatencySummary {
  // Keys that are whole numbers come in ascending order.
  const rows = Object.entries(buckets)
  const count = rows.reduce((sum, [, n]) => sum + n, 0)
  const quantile = (share: number): number => {
    let left = share * count
    for (const [bucket, n] of rows) {
      left -= n
      if (left <= 1e-9) return Math.min(maxMs, upperEndMs(Number(bucket)))
    }
    return maxMs
  }
  return { count, sumMs, maxMs, p50Ms: quantile(0.5), p90Ms: quantile(0.9), p99Ms: quantile(0.99), buckets }
}

function upperEndMs(bucket: number): number {
  return SMALLEST_MS * GROWTH ** bucket
}
