/** Suites that need the S3 server of the run: `describeOnS3('…', (server) => { … })`. */
import { describe, inject } from 'vitest'
import type { S3Address } from './test-bucket.ts'

/** What the global set-up hands to the test files. */
type ProvidedS3 = ({ readonly kind: 'ready' } & S3Address) | { readonly kind: 'missing'; readonly reason: string }

declare module 'vitest' {
  export interface ProvidedContext {
    s3: ProvidedS3
  }
}

/** A suite on the server of the run; if there is none, it is skipped and its name says so. */
export function describeOnS3(name: string, define: (server: S3Address) => void): void {
  const s3 = inject('s3')
  if (s3.kind === 'missing') {
    describe.skip(`${name} (skipped: no S3 server)`, () => define(NOWHERE))
  } else {
    describe(name, () => define(s3))
  }
}

/** Lets the tests of a skipped suite be counted. */
const NOWHERE: S3Address = {
  endpoint: 'http://127.0.0.1:9',
  region: 'nowhere',
  credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
}
