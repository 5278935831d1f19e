/** Making the bucket: for tests, demos and first steps. In production that is a job for whoever owns the account. */
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { AccessDenied } from '@s3queue/storage'
import { attemptAt } from './attempt.ts'
import { createLink, exchange } from './exchange.ts'
import { resolveS3StoreOptions, type S3StoreOptions } from './options.ts'
import { toStoreError } from './store-error.ts'

/**
 * Creates the bucket of `options`, in their region; a bucket that is there already and is yours is fine. Throws
 * `AccessDenied` without the permission (`s3:CreateBucket`), and when the name belongs to another account.
 */
export async function createBucket(
  options: S3StoreOptions,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const link = createLink(resolveS3StoreOptions(options))
  try {
    const command = new CreateBucketCommand({ Bucket: options.bucket })
    const reply = await exchange(link, command, { signal }, () => undefined)
    if (reply.ok || reply.failure.code === 'BucketAlreadyOwnedByYou') return
    if (reply.failure.code === 'BucketAlreadyExists') {
      throw new AccessDenied(`The bucket ${options.bucket} belongs to another account. Choose another name.`)
    }
    throw toStoreError(reply.failure, attemptAt(link, 'CreateBucket'))
  } finally {
    if (options.client === undefined) link.client.destroy()
  }
}
