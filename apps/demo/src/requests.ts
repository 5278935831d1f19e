/** Requests to the store by kind, and their price. */
import { REQUEST_KINDS, type RequestKind, S3_STANDARD_PRICES, type StoreMetrics } from '@s3queue/storage'

export type Requests = Readonly<Record<RequestKind, number>>

export function countRequests({ kinds }: StoreMetrics): Requests {
  return { get: kinds.get.requests, put: kinds.put.requests, delete: kinds.delete.requests, list: kinds.list.requests }
}

export function addRequests(a: Requests, b: Requests): Requests {
  return { get: a.get + b.get, put: a.put + b.put, delete: a.delete + b.delete, list: a.list + b.list }
}

export function totalOf(requests: Requests): number {
  return REQUEST_KINDS.reduce((sum, kind) => sum + requests[kind], 0)
}

/** What S3 Standard in us-east-1 charges for them, in dollars. */
export function priceOf(requests: Requests): number {
  return REQUEST_KINDS.reduce((sum, kind) => sum + (requests[kind] * S3_STANDARD_PRICES[kind]) / 1000, 0)
}
