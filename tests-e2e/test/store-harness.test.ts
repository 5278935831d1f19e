/** The harness itself: where servers come from, and that none is left behind. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createS3Store } from '@s3queue/storage-s3'
import { expect, onTestFinished, test, vi } from 'vitest'
import { provideServer } from '../harness/global-setup.ts'
import { createTestBucket, NoS3Server, type S3Server, startMinio } from '../harness/index.ts'
import { existingBinary } from '../harness/minio-binary.ts'
import { minioContainer } from '../harness/minio-container.ts'

const log = (): void => undefined

async function answers({ endpoint }: Pick<S3Server, 'endpoint'>): Promise<boolean> {
  return fetch(`${endpoint}/minio/health/live`).then(
    (response) => response.ok,
    () => false,
  )
}

async function binaryServer(): Promise<S3Server | undefined> {
  const server = await existingBinary({ env: process.env, log })
  return typeof server === 'string' ? undefined : server
}

test('a server that is given is used as it is', async () => {
  const env = { E2E_S3_ENDPOINT: 'http://key:se%2Fcret@127.0.0.1:9000', E2E_S3_REGION: 'eu-west-1' }
  const server = await startMinio({ env, log })
  expect(server).toMatchObject({
    endpoint: 'http://127.0.0.1:9000',
    region: 'eu-west-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'se/cret' },
  })
  expect(server.source).not.toContain('cret')
})

test('wrong settings are an error, not a reason to look elsewhere', async () => {
  await expect(startMinio({ env: { E2E_S3_ENDPOINT: '127.0.0.1' }, log })).rejects.toThrow(/E2E_S3_ENDPOINT/)
  await expect(existingBinary({ env: { MINIO_BIN: '/nowhere/minio' }, log })).rejects.toThrow(/MINIO_BIN/)
})

test('a container, or a reason why there is none', async () => {
  const found = await minioContainer({ env: process.env, log })
  if (typeof found === 'string') return expect(found).toMatch(/container engine/)
  onTestFinished(() => found.stop())
  const store = createS3Store(await createTestBucket(found))
  expect(await store.list({ prefix: '' })).toMatchObject({ entries: [] })
  store.destroy()
})

test('a binary: a server of its own, which ends when it is told to', async ({ skip }) => {
  const server = await binaryServer()
  if (server === undefined) return skip('no MinIO binary')
  const store = createS3Store(await createTestBucket(server))
  expect(await store.list({ prefix: '' })).toMatchObject({ entries: [] })
  store.destroy()
  await server.stop()
  expect(await answers(server)).toBe(false)
})

test('a binary ends with the process that started it, also when that is killed', async ({ skip }) => {
  const child = fork(new URL('./start-and-wait.ts', import.meta.url), {
    execArgv: ['--conditions=@s3queue/source'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [message] = await once(child, 'message')
  if (message === 'none') return skip('no MinIO binary')
  const server = message as { endpoint: string }
  expect(await answers(server)).toBe(true)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await expect.poll(() => answers(server), { timeout: 10_000 }).toBe(false)
})

test("no server on a developer's machine: a line that says so, and suites that are skipped", async () => {
  const line = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  onTestFinished(() => line.mockRestore())
  const provide = vi.fn()
  await provideServer({ provide }, () => Promise.reject(new NoS3Server(['this', 'that'])), {})
  expect(provide).toHaveBeenCalledWith('s3', { kind: 'missing', reason: expect.stringContaining('Tried: this; that') })
  expect(line).toHaveBeenCalledWith(expect.stringMatching(/^SKIPPED.*E2E_S3_ENDPOINT/))
})

test('no server in CI: the run fails', async () => {
  const provide = vi.fn()
  const start = (): Promise<never> => Promise.reject(new NoS3Server(['this']))
  await expect(provideServer({ provide }, start, { CI: 'true' })).rejects.toThrow(/No S3 server/)
  expect(provide).not.toHaveBeenCalled()
})
