/**
 * Where a database keeps its objects, so that a queue can keep its own beside them. The library's client itself will not do: it merges
 * reads that run at the same time, repeats answers that are final, and has no conditions on what it deletes.
 */
import type { S3dbClient } from './database.ts'
import { encodePrefix } from './key-segment.ts'

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export type StoreLocation =
  | { readonly kind: 'memory'; readonly storage: object; readonly prefix: string }
  | { readonly kind: 'file'; readonly directory: string }
  | {
      readonly kind: 's3'
      readonly bucket: string
      readonly prefix: string
      readonly region: string | undefined
      /** Undefined for Amazon's own. */
      readonly endpoint: string | undefined
      readonly forcePathStyle: boolean | undefined
      /** Undefined: as the SDK finds them. */
      readonly credentials: Keys | undefined
    }
  /** A database on something that has no conditional writes. */
  | { readonly kind: 'unknown'; readonly description: string }

const AMAZON = /^https:\/\/(?:[^/]+\.)?s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com\/?$/

/** Where the objects of the database behind `client` are, with a prefix that every store takes: see `encodeKeySegment`. Makes no request. */
export function locateStore(client: S3dbClient): StoreLocation {
  const { config, basePath, storage } = client
  const { endpoint, bucket } = config
  const prefix = encodePrefix((config.keyPrefix ?? '').replace(/^\/+|\/+$/g, ''))
  if (endpoint?.startsWith('memory://') && storage !== undefined) return { kind: 'memory', storage, prefix }
  if (basePath !== undefined && endpoint?.startsWith('file://')) return { kind: 'file', directory: basePath }
  if (bucket === undefined || endpoint === undefined || !/^https?:/.test(endpoint)) {
    return { kind: 'unknown', description: endpoint ?? 'a client without an endpoint' }
  }
  return {
    ...{ kind: 's3', bucket, prefix, region: config.region, credentials: keysOf(config) },
    endpoint: AMAZON.test(endpoint) ? undefined : endpoint,
    forcePathStyle: config.forcePathStyle,
  }
}

function keysOf({ accessKeyId, secretAccessKey, sessionToken }: S3dbClient['config']): Keys | undefined {
  if (!accessKeyId || !secretAccessKey) return undefined
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
}
