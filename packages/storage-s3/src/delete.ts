/**
 * Removes objects: one with DeleteObject, more with DeleteObjects, which is one request and free on AWS. A server that does not
 * know the latter (Google Cloud Storage) is remembered, and gets single deletes.
 */
import { DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3'
import { assertDeleteKeys, assertKey, type DeleteOptions } from '@s3queue/storage'
import { attemptAt } from './attempt.ts'
import { exchange, type Link } from './exchange.ts'
import { type Failure, partialFailure } from './failure.ts'
import { toStoreError } from './store-error.ts'

/** How many single deletes run at once where the server knows no other. */
const SINGLE_DELETES_AT_ONCE = 16

export type DeleteObjects = (keys: readonly string[], options?: DeleteOptions) => Promise<void>

export function createDeleteObjects(link: Link): DeleteObjects {
  const { keyPrefix } = link.options
  let bulkIsOffered = true
  return async (keys, { signal } = {}) => {
    assertDeleteKeys(keys)
    const objectKeys = keys.map((key) => keyPrefix + key)
    for (const objectKey of objectKeys) assertKey(objectKey)
    const [first] = objectKeys
    if (first === undefined) return signal?.throwIfAborted()
    if (objectKeys.length === 1) return deleteOne(link, first, signal)
    if (bulkIsOffered) bulkIsOffered = await deleteTogether(link, objectKeys, signal)
    if (!bulkIsOffered) await deleteSingly(link, objectKeys, signal)
  }
}

async function deleteOne(link: Link, objectKey: string, signal: AbortSignal | undefined): Promise<void> {
  const command = new DeleteObjectCommand({ Bucket: link.options.bucket, Key: objectKey })
  const reply = await exchange(link, command, { signal }, () => undefined)
  if (reply.ok || reply.failure.code === 'NoSuchKey') return
  throw toStoreError(reply.failure, attemptAt(link, 'DeleteObject', objectKey))
}

/** False if the server does not offer this request. */
async function deleteTogether(
  link: Link,
  objectKeys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const command = new DeleteObjectsCommand({
    Bucket: link.options.bucket,
    Delete: { Objects: objectKeys.map((Key) => ({ Key })), Quiet: true },
  })
  const reply = await exchange(link, command, { signal }, ({ Errors = [] }) =>
    Errors.filter(({ Code }) => Code !== 'NoSuchKey'),
  )
  if (!reply.ok) {
    if (isNotOffered(reply.failure)) return false
    throw toStoreError(reply.failure, attemptAt(link, `DeleteObjects (${objectKeys.length} keys)`))
  }
  const [first] = reply.value
  if (first === undefined) return true
  const failure = partialFailure(first.Code ?? 'InternalError', first.Message ?? '', reply.storeTimeMs)
  const operation = `DeleteObjects (${reply.value.length} of ${objectKeys.length} keys failed, this the first)`
  throw toStoreError(failure, attemptAt(link, operation, first.Key))
}

async function deleteSingly(link: Link, objectKeys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const left = objectKeys.values()
  let failed = false
  const lane = async (): Promise<void> => {
    for (const objectKey of left) {
      if (failed) return
      try {
        await deleteOne(link, objectKey, signal)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: SINGLE_DELETES_AT_ONCE }, lane))
  for (const result of lanes) if (result.status === 'rejected') throw result.reason
}

function isNotOffered({ status, code }: Failure): boolean {
  return status === 501 || status === 405 || code === 'NotImplemented' || code === 'MissingContentMD5'
}
