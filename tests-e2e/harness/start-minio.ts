/**
 * Finds or starts the S3 server for tests, benchmarks and the demo. The ways are tried in turn; the first that leads
 * anywhere wins. Knows nothing of a test runner, so that programs can use it as well.
 */

import { givenServer } from './given-server.ts'
import { builtBinary, existingBinary } from './minio-binary.ts'
import { minioContainer } from './minio-container.ts'
import { NoS3Server, type S3Server, type StartOptions, type WayToServer } from './s3-server.ts'

const WAYS: readonly WayToServer[] = [givenServer, minioContainer, existingBinary, builtBinary]

/** Resolves with a server that answers; rejects with `NoS3Server` if there is no way to one. */
export async function startMinio(options: Partial<StartOptions> = {}): Promise<S3Server> {
  const { env = process.env, log = (line) => process.stderr.write(`${line}\n`) } = options
  const tried: string[] = []
  for (const way of WAYS) {
    const found = await way({ env, log })
    if (typeof found !== 'string') return found
    tried.push(found)
  }
  throw new NoS3Server(tried)
}
