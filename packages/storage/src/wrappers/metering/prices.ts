import type { RequestKind } from './store-metrics.ts'

/** Dollars for 1,000 requests of each kind. */
export type StorePrices = Readonly<Record<RequestKind, number>>

/**
 * S3 Standard in US East (N. Virginia): PUT, COPY, POST and LIST $0.005 for 1,000, GET and all others $0.0004, DELETE free.
 * Source: the Amazon S3 pricing page (aws.amazon.com/s3/pricing), requests and data retrieval. Storage and traffic come on top.
 */
export const S3_STANDARD_PRICES: StorePrices = { get: 0.0004, put: 0.005, delete: 0, list: 0.005 }
