import { describe, expect, test } from 'vitest'
import { type ScriptedReply, s3Error } from './scripted-server.ts'
import { failureOf, scriptedStore } from './scripted-store.ts'

test('found: the body, the ETag as it came, the time of the store', async () => {
  const { server, store } = await scriptedStore({ prefix: 'a/' })
  server.reply({ headers: { etag: '"e1"', date: 'Tue, 24 Nov 2026 09:00:00 GMT' }, body: 'bytes' })
  const result = await store.get('k')
  expect(result).toStrictEqual({
    outcome: 'found',
    body: new TextEncoder().encode('bytes'),
    etag: '"e1"',
    storeTimeMs: Date.UTC(2026, 10, 24, 9),
  })
  expect(server.requests[0]).toMatchObject({ method: 'GET', path: '/bucket/a/k' })
})

test('an empty object', async () => {
  const { server, store } = await scriptedStore()
  server.reply({ headers: { etag: '"e1"' } })
  expect(await store.get('k')).toMatchObject({ outcome: 'found', body: new Uint8Array() })
})

test('304 to If-None-Match: not-modified', async () => {
  const { server, store } = await scriptedStore()
  server.reply({ status: 304, headers: { date: 'Tue, 24 Nov 2026 09:00:00 GMT' } })
  const result = await store.get('k', { ifNoneMatch: '"e1"' })
  expect(result).toEqual({ outcome: 'not-modified', storeTimeMs: Date.UTC(2026, 10, 24, 9) })
  expect(server.requests[0]?.headers['if-none-match']).toBe('"e1"')
})

test('404 NoSuchKey: not-found', async () => {
  const { server, store } = await scriptedStore()
  server.reply(s3Error(404, 'NoSuchKey', { date: 'Tue, 24 Nov 2026 09:00:00 GMT' }))
  expect(await store.get('k')).toEqual({ outcome: 'not-found', storeTimeMs: Date.UTC(2026, 10, 24, 9) })
})

describe('what is thrown', () => {
  test.each<[string, ScriptedReply, string, RegExp]>([
    ['404 NoSuchBucket', s3Error(404, 'NoSuchBucket'), 'NO_SUCH_BUCKET', /create-bucket --bucket bucket/],
    ['404 of something in between', { status: 404, body: '<html>' }, 'STORE_UNAVAILABLE', /check the endpoint/],
    ['404 without a body', { status: 404 }, 'STORE_UNAVAILABLE', /404, without an S3 error/],
    ['304 that nobody asked for', { status: 304 }, 'STORE_UNAVAILABLE', /304/],
    ['403 AccessDenied', s3Error(403, 'AccessDenied'), 'ACCESS_DENIED', /s3:ListBucket/],
    ['403 without a body', { status: 403 }, 'ACCESS_DENIED', /403, without an S3 error/],
    ['403 InvalidAccessKeyId', s3Error(403, 'InvalidAccessKeyId'), 'ACCESS_DENIED', /access key and its secret/],
    ['403 SignatureDoesNotMatch', s3Error(403, 'SignatureDoesNotMatch'), 'ACCESS_DENIED', /access key and its secret/],
    ['400 ExpiredToken', s3Error(400, 'ExpiredToken'), 'ACCESS_DENIED', /temporary credentials/],
    ['401', { status: 401 }, 'ACCESS_DENIED', /401/],
    ['429', { status: 429, headers: { 'retry-after': '2' } }, 'THROTTLED', /429/],
    [
      '503 SlowDown',
      s3Error(503, 'SlowDown'),
      'THROTTLED',
      /503 SlowDown: Words about SlowDown \(request id REQUEST1\)/,
    ],
    ['503 with Retry-After', { status: 503, headers: { 'retry-after': '2' } }, 'THROTTLED', /503/],
    ['503', { status: 503 }, 'STORE_UNAVAILABLE', /503/],
    ['500 InternalError', s3Error(500, 'InternalError'), 'STORE_UNAVAILABLE', /500 InternalError/],
    ['409', s3Error(409, 'OperationAborted'), 'STORE_UNAVAILABLE', /409/],
    ['400 InvalidArgument', s3Error(400, 'InvalidArgument'), 'INVALID_REQUEST', /400 InvalidArgument/],
    ['501', s3Error(501, 'NotImplemented'), 'UNSUPPORTED_STORE', /conditional writes/],
    [
      '301 to another region',
      s3Error(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-1' }),
      'INVALID_REQUEST',
      /The bucket is in eu-west-1/,
    ],
    ['400 for another region', s3Error(400, 'AuthorizationHeaderMalformed'), 'INVALID_REQUEST', /option "region"/],
    ['a broken connection', { reset: true }, 'STORE_UNAVAILABLE', /ECONNRESET/],
    [
      'a body that breaks off',
      { headers: { etag: '"e1"' }, body: 'hello world', cutAfter: 5 },
      'STORE_UNAVAILABLE',
      /unusable answer/,
    ],
    ['an object without an ETag', { body: 'hello' }, 'STORE_UNAVAILABLE', /without an ETag/],
  ])('%s', async (_name, reply, code, words) => {
    const { server, store } = await scriptedStore()
    server.reply(reply)
    const error = await failureOf(store.get('k'))
    expect(error).toMatchObject({ code, key: 'k', message: expect.stringMatching(words) })
    expect(error).toMatchObject({
      message: expect.stringContaining(`s3://bucket (${server.endpoint}): GetObject of "k"`),
    })
    expect(server.requests).toHaveLength(1)
  })

  test('how long to wait, where the store says it', async () => {
    const { server, store } = await scriptedStore()
    server.reply(s3Error(503, 'SlowDown', { 'retry-after': '2' }))
    expect(await failureOf(store.get('k'))).toMatchObject({ retryAfterMs: 2_000 })
  })

  test('by how much the clock is wrong', async () => {
    const clock = { now: () => Date.UTC(2026, 10, 24, 9, 20), monotonic: () => 0, setTimer: () => () => undefined }
    const { server, store } = await scriptedStore({ clock })
    const skewed = s3Error(403, 'RequestTimeTooSkewed', { date: 'Tue, 24 Nov 2026 09:00:00 GMT' })
    server.reply(skewed, skewed)
    const error = await failureOf(store.get('k'))
    expect(error).toMatchObject({ code: 'ACCESS_DENIED', message: expect.stringMatching(/1200 s ahead.*NTP/) })
  })
})

test('a chunked body has no length to check, and comes whole', async () => {
  const { server, store } = await scriptedStore()
  server.reply({ headers: { etag: '"e1"', 'transfer-encoding': 'chunked' }, body: 'hello' })
  expect(await store.get('k')).toMatchObject({ outcome: 'found', body: new TextEncoder().encode('hello') })
})
