/** Fresh places for queues. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createTestBucket, type S3Address } from '../harness/index.ts'
import type { Place } from './place.ts'

/** A bucket on this server. `through`: the endpoint that the queue uses instead, such as a proxy's. */
export async function bucketOf(server: S3Address, through?: string): Promise<Place> {
  const options = await createTestBucket(server)
  return { kind: 'bucket', options: { ...options, endpoint: through ?? options.endpoint } }
}

/** A directory that is removed after the test. */
export async function temporaryDirectory(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 's3queue-torture-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return { kind: 'directory', directory }
}
