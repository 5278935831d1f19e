/** What a run cost: requests to the store by kind, and dollars, as the queue itself counts them. */
import type { Queue } from '@s3queue/core'
import { REQUEST_KINDS, type RequestKind } from '@s3queue/storage'

/** Requests by kind, and what S3 Standard in us-east-1 charges for them. */
export type Cost = Readonly<Record<RequestKind | 'dollars', number>>

export const NO_COST: Cost = { get: 0, put: 0, delete: 0, list: 0, dollars: 0 }

/** What `queue` cost so far in this process. */
export function costOf(queue: Pick<Queue<never>, 'getCost'>): Cost {
  const { metrics, dollars } = queue.getCost()
  const { get, put, delete: remove, list } = metrics.kinds
  return { get: get.requests, put: put.requests, delete: remove.requests, list: list.requests, dollars }
}

export function addCosts(a: Cost, b: Cost): Cost {
  return combine((key) => a[key] + b[key])
}

/** What came after `earlier`. */
export function since(earlier: Cost, later: Cost): Cost {
  return combine((key) => later[key] - earlier[key])
}

/** All kinds together. */
export function requestsOf(cost: Cost): number {
  return REQUEST_KINDS.reduce((sum, kind) => sum + cost[kind], 0)
}

function combine(of: (key: keyof Cost) => number): Cost {
  return { get: of('get'), put: of('put'), delete: of('delete'), list: of('list'), dollars: of('dollars') }
}
