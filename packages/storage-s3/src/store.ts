/** The store: the port's four methods over one client. */
import type { ObjectStore } from '@s3queue/storage'
import { createDeleteObjects } from './delete.ts'
import { createLink } from './exchange.ts'
import { getObject } from './get.ts'
import { listObjects } from './list.ts'
import { resolveS3StoreOptions, type S3StoreOptions } from './options.ts'
import { putObject } from './put.ts'

/** An object store in a bucket. */
export interface S3Store extends ObjectStore {
  /** Closes the connections. Requests under way fail. A client that was given as an option stays open. */
  destroy(): void
}

/**
 * An object store in a bucket on S3, or on a server that speaks its protocol and keeps conditional writes. Opens no
 * connection before the first call, and repeats no request but one that the server refused for its signature, or for want of a checksum.
 *
 * Throws `InvalidOption` for options it cannot have, `UnsupportedStore` for buckets that cannot keep the port's promises.
 * Whether a server does, only a probe can tell (`needsProbe`): queues probe each bucket once by themselves; others call `probeStore` of `@s3queue/storage`.
 */
export function createS3Store(options: S3StoreOptions): S3Store {
  const link = createLink(resolveS3StoreOptions(options))
  return {
    description: link.description,
    needsProbe: true,
    get: (key, getOptions) => getObject(link, key, getOptions),
    put: (key, body, putOptions) => putObject(link, key, body, putOptions),
    delete: createDeleteObjects(link),
    list: (listOptions) => listObjects(link, listOptions),
    destroy() {
      if (options.client === undefined) link.client.destroy()
    },
  }
}
