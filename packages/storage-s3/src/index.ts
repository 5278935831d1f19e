export { createBucket } from './bucket.ts'
export type { ChecksumPolicy, S3StoreOptions } from './options.ts'
export { parseS3Url } from './s3-url.ts'
export { createS3Store, type S3Store } from './store.ts'
