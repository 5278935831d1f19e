/** The examples of the documentation that need S3, on a real server: as they are, but for the names of their buckets. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBucket } from '../../packages/storage-s3/src/index.ts'
import { describeOnS3 } from '../../tests-e2e/harness/suite.ts'
import { readPages } from '../docs/documents.ts'
import { writePrograms } from '../docs/programs.ts'
import { runProgram } from '../docs/run-program.ts'

const root = path.resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(path.join(tmpdir(), 's3queue-docs-s3-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The server may have been there before, with the buckets of another run. */
const suffix = randomBytes(6).toString('hex')
const buckets = new Set<string>()
const ownBucket = (code: string): string =>
  code.replaceAll(/bucket: '([^']+)'/g, (_, name: string) => {
    buckets.add(`${name}-${suffix}`)
    return `bucket: '${name}-${suffix}'`
  })
const examples = readPages(root)
  .flatMap((page) => page.examples)
  .filter(({ onS3, typesOnly }) => onS3 && !typesOnly)
  .map((example) => ({ ...example, code: ownBucket(example.code) }))
const programs = writePrograms(folder, examples)

describeOnS3('the examples that need S3', ({ endpoint, region, credentials }) => {
  /** The SDK takes all of it from here, so that the examples name neither server nor keys. */
  const env = {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: region,
  }

  beforeAll(async () => {
    for (const bucket of buckets) await createBucket({ bucket, endpoint, region, credentials })
  })

  test('there are some', () => {
    expect(programs.length).toBeGreaterThan(2)
  })

  test.each(programs.map((program) => [`${program.example.page}:${program.example.line}`, program] as const))(
    '%s',
    async (_, program) => {
      await runProgram(program, env)
    },
  )
})
