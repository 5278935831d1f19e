import { randomBytes } from 'node:crypto'
import { createBucket, type S3StoreOptions } from '@s3queue/storage-s3'
import type { S3Server } from './s3-server.ts'

/** How to reach a server: what `S3Server` has besides `stop`, and so what can be handed to another process. */
export type S3Address = Pick<S3Server, 'endpoint' | 'region' | 'credentials'>

/** A fresh bucket, as options for `createS3Store`. Its name begins with `name`. */
export async function createTestBucket(server: S3Address, name: string = 'test'): Promise<S3StoreOptions> {
  const { endpoint, region, credentials } = server
  const options = { bucket: `${name}-${randomBytes(6).toString('hex')}`, endpoint, region, credentials }
  await createBucket(options)
  return options
}
