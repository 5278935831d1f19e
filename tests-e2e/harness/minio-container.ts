/** MinIO in a container, where there is a container engine. Testcontainers ends it with this process, whatever happens. */
import { randomBytes } from 'node:crypto'
import type { S3Server, StartOptions } from './s3-server.ts'

/** The last image that was published before the project ended; Docker Hub no longer has it. */
const DEFAULT_IMAGE = 'quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z'

export async function minioContainer({ env, log }: StartOptions): Promise<S3Server | string> {
  const engine = await findEngine()
  if (engine !== undefined) return engine
  const image = env.E2E_MINIO_IMAGE ?? DEFAULT_IMAGE
  log(`Starting ${image} (the first time, its image is fetched)`)
  try {
    const { MinioContainer } = await import('@testcontainers/minio')
    const [username, password] = ['s3queue-tests', randomBytes(16).toString('hex')]
    const container = await new MinioContainer(image).withUsername(username).withPassword(password).start()
    return {
      endpoint: container.getConnectionUrl(),
      region: 'us-east-1',
      credentials: { accessKeyId: username, secretAccessKey: password },
      source: `the container engine (${image})`,
      stop: async () => {
        await container.stop()
      },
    }
  } catch (error) {
    return `the container engine could not start ${image} (${wordsOf(error)})`
  }
}

/** Undefined if there is an engine that answers, else why not. */
async function findEngine(): Promise<string | undefined> {
  try {
    const { getContainerRuntimeClient } = await import('testcontainers')
    await getContainerRuntimeClient()
    return undefined
  } catch (error) {
    return `no container engine (${wordsOf(error)})`
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
