/** Where the rows are tried: a database of the real s3db.js on memory, on files, and on an S3 server. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createTestBucket, type S3Address } from '@s3queue/e2e/harness'
import { Database } from 's3db.js'

export interface Place {
  readonly name: string
  /** Where nothing is yet: as connection strings have it. `folder`: the last part of the prefix. */
  location(folder?: string): Promise<string>
  dispose(): Promise<void>
}

export const memory: Place = {
  name: 'memory',
  location: async (folder = 'app') => `memory://bucket-${randomBytes(6).toString('hex')}/${folder}`,
  dispose: async () => {},
}

export function files(): Place {
  const directories: string[] = []
  return {
    name: 'files',
    async location(folder = '') {
      const directory = await mkdtemp(path.join(tmpdir(), 's3queue-plugin-'))
      directories.push(directory)
      return `file://${path.join(directory, folder)}`
    },
    async dispose() {
      await Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true })))
    },
  }
}

/** A prefix of its own each time, in one bucket. */
export function minio(server: S3Address): Place {
  let bucket: Promise<string> | undefined
  return {
    name: 'MinIO',
    async location(folder = 'app') {
      bucket ??= createTestBucket(server, 'plugin').then((options) => options.bucket)
      const { accessKeyId, secretAccessKey } = server.credentials
      const { host } = new URL(server.endpoint)
      return `http://${accessKeyId}:${secretAccessKey}@${host}/${await bucket}/${randomBytes(6).toString('hex')}/${folder}`
    },
    dispose: async () => {},
  }
}

/**
 * As in a process of its own. Without the library's repeats of answers that are final, which take it seven seconds, and without its HTTP handler, which
 * in the version of this workspace fails at each answer without a body.
 */
export async function connect(location: string, options: object = {}): Promise<Database> {
  const database = new Database({
    ...{ connectionString: location, logLevel: 'silent', executorPool: { retries: 0, concurrency: 50 } },
    clientOptions: { httpClientOptions: { useReckerHandler: false } },
    ...options,
  } as ConstructorParameters<typeof Database>[0])
  await database.connect()
  return database
}
