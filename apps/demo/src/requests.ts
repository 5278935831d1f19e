/** Requests to the store by kind, and their price. */
import type { Queue } from '@s3queue/core'
import { REQUEST_KINDS, type RequestKind, S3_STANDARD_PRICES } from '@s3queue/storage'

export type Requests = Readonly<Record<RequestKind, number>>

/** What `queue` asked of its store so far. */
export function countRequests(queue: Pick<Queue<never>, 'getCost'>): Requests {
  const { kinds } = queue.getCost().metrics
  return { get: kinds.get.requests, put: kinds.put.requests, delete: kinds.delete.requests, list: kinds.list.requests }
}

export function addRequests(a: Requests, b: Requests): Requests {
  return { get: a.get + b.get, put: a.put + b.put, delete: a.delete + b.delete, list: a.list + b.list }
}

/** What came after `earlier`. */
export function since(earlier: Requests, later: Requests): Requests {
  return {
    get: later.get - earlier.get,
    put: later.put - earlier.put,
    delete: later.delete - earlier.delete,
    list: later.list - earlier.list,
  }
}

export function totalOf(requests: Requests): number {
  return REQUEST_KINDS.reduce((sum, kind) => sum + requests[kind], 0)
}

/** What S3 Standard in us-east-1 charges for them, in dollars. */
export function priceOf(requests: Requests): number {
  return REQUEST_KINDS.reduce((sum, kind) => sum + (requests[kind] * S3_STANDARD_PRICES[kind]) / 1000, 0)
}
