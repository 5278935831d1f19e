/**
 * Before the first test that needs an S3 server: one server for the whole run. Without one, a developer gets a line that says so and
 * skipped suites; where `CI` is set the run fails, because a suite that skips itself there proves nothing.
 */
import type { TestProject } from 'vitest/node'
import { NoS3Server, type S3Server } from './s3-server.ts'
import { startMinio } from './start-minio.ts'

type Provide = Pick<TestProject, 'provide'>

export default async function setup(project: Provide): Promise<(() => Promise<void>) | undefined> {
  return provideServer(project, startMinio, process.env)
}

/** The set-up with its surroundings as parameters. */
export async function provideServer(
  project: Provide,
  start: () => Promise<S3Server>,
  env: NodeJS.ProcessEnv,
): Promise<(() => Promise<void>) | undefined> {
  try {
    const server = await start()
    const { endpoint, region, credentials, source } = server
    process.stderr.write(`S3 server: ${endpoint}, from ${source}\n`)
    project.provide('s3', { kind: 'ready', endpoint, region, credentials })
    return () => server.stop()
  } catch (error) {
    if (!(error instanceof NoS3Server) || isSet(env.CI)) throw error
    process.stderr.write(`SKIPPED, all tests on an S3 server: ${error.message}\n`)
    project.provide('s3', { kind: 'missing', reason: error.message })
    return undefined
  }
}

export function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false' && value !== '0'
}
