import { S3Client } from '@aws-sdk/client-s3'
import { create } from '@s3queue/storage'
import { afterEach, expect, test, vi } from 'vitest'
import { createBucket, createS3Store } from '../src/index.ts'
import { s3Error, startScriptedServer } from './scripted-server.ts'
import { CREDENTIALS, failureOf, scriptedStore } from './scripted-store.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

/** An environment in which the SDK's chain finds nothing, and asks nobody over a network. */
function stubNoCredentials(): void {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE']) {
    vi.stubEnv(name, undefined)
  }
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', undefined)
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', undefined)
  vi.stubEnv('AWS_REGION', undefined)
  vi.stubEnv('AWS_DEFAULT_REGION', undefined)
  vi.stubEnv('AWS_CONFIG_FILE', '/nowhere/config')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere/credentials')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
}

test('requests share connections that stay open', async () => {
  const { server, store } = await scriptedStore({ maxConnections: 2 })
  const ports = new Set<string | undefined>()
  for (let round = 0; round < 3; round++) {
    server.reply({ headers: { etag: '"e"' } }, { headers: { etag: '"e"' } }, { headers: { etag: '"e"' } })
    await Promise.all(['a', 'b', 'c'].map((key) => store.get(key)))
  }
  for (const { clientPort } of server.requests) ports.add(String(clientPort))
  expect(server.requests).toHaveLength(9)
  expect(ports.size).toBe(2)
})

test('a connection that is not used is closed after idleTimeoutMs, and a slow answer is waited for', async () => {
  const { server, store } = await scriptedStore({ idleTimeoutMs: 30 })
  const answer = Promise.withResolvers<void>()
  server.reply({ headers: { etag: '"e"' }, until: answer.promise })
  const first = store.get('a')
  await server.seen(1)
  await new Promise((resolve) => setTimeout(resolve, 100))
  answer.resolve()
  expect(await first).toMatchObject({ outcome: 'found' })
  await server.disconnected(1)
  server.reply({ headers: { etag: '"e"' } })
  await store.get('b')
  expect(new Set(server.requests.map(({ clientPort }) => clientPort)).size).toBe(2)
})

test('a client of the user: its settings hold, its retries do not, and it stays open', async () => {
  const server = await startScriptedServer()
  const client = new S3Client({
    endpoint: server.endpoint,
    region: 'eu-central-1',
    forcePathStyle: true,
    credentials: CREDENTIALS,
    maxAttempts: 5,
  })
  const store = createS3Store({ bucket: 'bucket', client })
  server.reply(s3Error(500, 'InternalError'), s3Error(503, 'SlowDown'), { headers: { etag: '"e"' } })
  expect(await store.put('k', new Uint8Array(1), { condition: create })).toMatchObject({ outcome: 'unknown' })
  expect(await failureOf(store.get('k'))).toMatchObject({ code: 'THROTTLED' })
  expect(server.requests).toHaveLength(2)
  expect(server.requests[0]?.headers.authorization).toContain('/eu-central-1/s3/')
  store.destroy()
  expect(await store.get('k')).toMatchObject({ outcome: 'found' })
  client.destroy()
  await server.close()
})

test('no credentials: what to do about it, and nothing is sent', async () => {
  stubNoCredentials()
  const { server, store } = await scriptedStore({ credentials: undefined })
  const put = failureOf(store.put('k', new Uint8Array(1), { condition: create }))
  for (const error of [await failureOf(store.get('k')), await put]) {
    expect(error).toMatchObject({ code: 'ACCESS_DENIED', message: expect.stringMatching(/AWS_ACCESS_KEY_ID.*IRSA/) })
  }
  expect(server.requests).toHaveLength(0)
})

test('credentials that worked and cannot be renewed are an outage', async () => {
  let works = true
  const credentials = async () => {
    if (!works) throw Object.assign(new Error('metadata service'), { name: 'CredentialsProviderError' })
    return { accessKeyId: 'a', secretAccessKey: 'b', expiration: new Date(0) }
  }
  const { server, store } = await scriptedStore({ credentials })
  server.reply({ headers: { etag: '"e"' } })
  await store.get('k')
  works = false
  expect(await failureOf(store.get('k'))).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('worked before'),
  })
})

test('no region: what to do about it', async () => {
  stubNoCredentials()
  const store = createS3Store({ bucket: 'bucket', credentials: CREDENTIALS })
  const error = await failureOf(store.get('k'))
  expect(error).toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('AWS_REGION') })
})

test('createBucket: created, there already, taken by others', async () => {
  const { server } = await scriptedStore()
  const options = { bucket: 'bucket', endpoint: server.endpoint, credentials: CREDENTIALS, region: 'eu-west-1' }
  server.reply(
    {},
    s3Error(409, 'BucketAlreadyOwnedByYou'),
    s3Error(409, 'BucketAlreadyExists'),
    s3Error(403, 'AccessDenied'),
  )
  await createBucket(options)
  await createBucket(options)
  expect(await failureOf(createBucket(options))).toMatchObject({ code: 'ACCESS_DENIED', message: /another account/ })
  expect(await failureOf(createBucket(options))).toMatchObject({ code: 'ACCESS_DENIED' })
  expect(server.requests[0]).toMatchObject({ method: 'PUT', path: '/bucket/' })
  expect(server.requests[0]?.body).toContain('<LocationConstraint>eu-west-1</LocationConstraint>')
})
