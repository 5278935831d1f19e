/** The port's conformance suite on a real server: the one that the set-up of the run found or started. */
import { randomBytes } from 'node:crypto'
import { describeObjectStore } from '@s3queue/storage/testing'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import { createBucket, createS3Store, type S3Store } from '../src/index.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    s3:
      | {
          readonly kind: 'ready'
          readonly endpoint: string
          readonly region: string
          readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
        }
      | { readonly kind: 'missing'; readonly reason: string }
  }
}

const s3 = inject('s3')

describe.skipIf(s3.kind === 'missing')('on the S3 server of the run', () => {
  const { endpoint, region, credentials } =
    s3.kind === 'ready' ? s3 : { endpoint: undefined, region: undefined, credentials: undefined }
  const options = { bucket: `conformance-${randomBytes(6).toString('hex')}`, endpoint, region, credentials }
  const opened: S3Store[] = []
  const open = (changes: object = {}): S3Store => {
    const store = createS3Store({ ...options, ...changes })
    opened.push(store)
    return store
  }
  const shared = open({ prefix: 'team/a' })

  beforeAll(() => createBucket(options))
  afterAll(() => {
    for (const store of opened) store.destroy()
  })

  describeObjectStore('the S3 store', () => shared, {
    storeTime: true,
    maxKeyBytes: 1_024 - 'team/a/'.length,
    maxBodyBytes: 5 * 1024 * 1024,
    broken: {
      NO_SUCH_BUCKET: () => open({ bucket: 'conformance-nowhere' }),
      ACCESS_DENIED: () => open({ credentials: { accessKeyId: 'NOBODY', secretAccessKey: 'not-the-secret' } }),
      // Port 9 is "discard": nothing listens there.
      STORE_UNAVAILABLE: () => open({ endpoint: 'http://127.0.0.1:9' }),
    },
  })
})
