/** What a queue object asks of its store, and what that comes to for each message. */
import type { StoreMetrics } from '@s3queue/storage'

/** What this queue object asked of its store since it was created. */
export interface QueueCost {
  readonly requests: number
  /** By kind, with bytes, latencies and dollars: see `@s3queue/storage`. */
  readonly metrics: StoreMetrics
  /** At the prices of S3 Standard. An estimate: what a request costs elsewhere, you know better. */
  readonly dollars: number
  /** Messages this object enqueued, and attempts its worker finished. */
  readonly enqueued: number
  readonly handled: number
  /** Requests and dollars by the larger of both; undefined while both are 0. */
  readonly requestsPerMessage: number | undefined
  readonly dollarsPerMillionMessages: number | undefined
}

/** `enqueued`, `handled`: as in `QueueCost`. */
export function costOf(
  metrics: StoreMetrics,
  { enqueued, handled }: Pick<QueueCost, 'enqueued' | 'handled'>,
): QueueCost {
  const { requests, dollars } = metrics
  const messages = Math.max(enqueued, handled)
  return {
    ...{ requests, metrics, dollars, enqueued, handled },
    requestsPerMessage: messages === 0 ? undefined : requests / messages,
    dollarsPerMillionMessages: messages === 0 ? undefined : (dollars / messages) * 1e6,
  }
}
