import { create, ifMatch, overwrite, type StoreError, UnknownOutcome } from '@s3queue/storage'
import { describe, expect, test } from 'vitest'
import { type ScriptedReply, s3Error } from './scripted-server.ts'
import { failureOf, scriptedStore } from './scripted-store.ts'

const body = new TextEncoder().encode('some bytes')
const stored: ScriptedReply = { headers: { etag: '"e1"', date: 'Tue, 24 Nov 2026 09:00:00 GMT' } }

describe('what is sent', () => {
  test('the bytes, signed and of known length, without chunks or trailers', async () => {
    const { server, store } = await scriptedStore({ prefix: 'team/a' })
    server.reply(stored)
    await store.put('log/000000000001', body, { condition: overwrite })
    const [request] = server.requests
    expect(request).toMatchObject({ method: 'PUT', path: '/bucket/team/a/log/000000000001', body: 'some bytes' })
    expect(request?.headers['content-length']).toBe('10')
    expect(request?.headers['x-amz-content-sha256']).toMatch(/^[0-9a-f]{64}$/)
    const names = Object.keys(request?.headers ?? {})
    expect(names.filter((name) => /^(if-|transfer-encoding|expect|x-amz-trailer|x-amz-checksum)/.test(name))).toEqual(
      [],
    )
  })

  test.each([
    ['create', create, true, { 'if-none-match': '*' }],
    ['if-match', ifMatch('"e1"'), true, { 'if-match': '"e1"' }],
    ['if-match without quotes', ifMatch('"e1"'), false, { 'if-match': 'e1' }],
  ])('the condition %s', async (_name, condition, quoteETags, headers) => {
    const { server, store } = await scriptedStore({ quoteETags })
    server.reply(stored)
    await store.put('k', body, { condition })
    expect(server.requests[0]?.headers).toMatchObject(headers)
  })

  test('an empty body', async () => {
    const { server, store } = await scriptedStore()
    server.reply(stored)
    await store.put('k', new Uint8Array(), { condition: create })
    expect(server.requests[0]?.headers['content-length']).toBe('0')
  })

  test('a body that is a window on a larger buffer', async () => {
    const { server, store } = await scriptedStore()
    server.reply(stored)
    await store.put('k', body.subarray(5, 10), { condition: create })
    expect(server.requests[0]?.body).toBe('bytes')
  })

  test('a checksum, for who wants one', async () => {
    const { server, store } = await scriptedStore({ requestChecksumCalculation: 'WHEN_SUPPORTED' })
    server.reply(stored)
    await store.put('k', body, { condition: create })
    expect(server.requests[0]?.headers['x-amz-checksum-crc32']).toEqual(expect.any(String))
  })

  test('nothing for a key that no store takes', async () => {
    const { server, store } = await scriptedStore()
    expect(await failureOf(store.put('a//b', body, { condition: create }))).toMatchObject({ code: 'INVALID_REQUEST' })
    expect(await failureOf(store.put('k'.repeat(1025), body, { condition: create }))).toMatchObject({
      code: 'INVALID_REQUEST',
    })
    expect(server.requests).toHaveLength(0)
  })
})

describe('what the answers mean', () => {
  test('200: stored, with the ETag as it came and the time of the store', async () => {
    const { server, store } = await scriptedStore()
    server.reply(stored)
    expect(await store.put('k', body, { condition: create })).toEqual({
      outcome: 'stored',
      etag: '"e1"',
      storeTimeMs: Date.UTC(2026, 10, 24, 9),
    })
  })

  test.each([
    ['create, 412', create, s3Error(412, 'PreconditionFailed')],
    ['create, 412 without a body', create, { status: 412 }],
    ['if-match, 412', ifMatch('"e1"'), s3Error(412, 'PreconditionFailed')],
    ['if-match, 404 NoSuchKey', ifMatch('"e1"'), s3Error(404, 'NoSuchKey')],
  ])('%s: precondition-failed', async (_name, condition, reply) => {
    const { server, store } = await scriptedStore()
    server.reply({ ...reply, headers: { date: 'Tue, 24 Nov 2026 09:00:01 GMT' } })
    expect(await store.put('k', body, { condition })).toEqual({
      outcome: 'precondition-failed',
      storeTimeMs: Date.UTC(2026, 10, 24, 9, 0, 1),
    })
  })

  test.each<[string, ScriptedReply, string]>([
    ['409 ConditionalRequestConflict', s3Error(409, 'ConditionalRequestConflict'), 'STORE_UNAVAILABLE'],
    ['409 OperationAborted', s3Error(409, 'OperationAborted'), 'STORE_UNAVAILABLE'],
    ['429', { status: 429 }, 'THROTTLED'],
    ['500 InternalError', s3Error(500, 'InternalError'), 'STORE_UNAVAILABLE'],
    ['502 of a proxy', { status: 502, body: '<html>bad gateway' }, 'STORE_UNAVAILABLE'],
    ['503 SlowDown', s3Error(503, 'SlowDown'), 'THROTTLED'],
    ['503 without a body', { status: 503 }, 'STORE_UNAVAILABLE'],
    ['507', s3Error(507, 'XMinioStorageFull'), 'STORE_UNAVAILABLE'],
    ['400 RequestTimeout', s3Error(400, 'RequestTimeout'), 'STORE_UNAVAILABLE'],
    ['400 BadDigest', s3Error(400, 'BadDigest'), 'STORE_UNAVAILABLE'],
    ['404 of something in between', { status: 404, body: '<html>' }, 'STORE_UNAVAILABLE'],
    ['307', { status: 307 }, 'STORE_UNAVAILABLE'],
    ['a broken connection', { reset: true }, 'STORE_UNAVAILABLE'],
    ['an error in a 200', { body: s3Error(500, 'InternalError').body ?? '' }, 'STORE_UNAVAILABLE'],
    ['200 without an ETag', {}, 'STORE_UNAVAILABLE'],
  ])('%s: unknown', async (_name, reply, code) => {
    const { server, store } = await scriptedStore()
    server.reply(reply)
    const result = await store.put('k', body, { condition: create })
    if (result.outcome !== 'unknown') throw new Error(`not unknown, but ${result.outcome}`)
    expect(result.error).toBeInstanceOf(UnknownOutcome)
    expect(result.error).toMatchObject({ code: 'UNKNOWN_OUTCOME', key: 'k', cause: { code } })
    expect(server.requests).toHaveLength(1)
  })

  test.each<[string, ScriptedReply, string]>([
    ['404 NoSuchBucket', s3Error(404, 'NoSuchBucket'), 'NO_SUCH_BUCKET'],
    ['403 AccessDenied', s3Error(403, 'AccessDenied'), 'ACCESS_DENIED'],
    ['501 NotImplemented', s3Error(501, 'NotImplemented'), 'UNSUPPORTED_STORE'],
    ['405', { status: 405 }, 'UNSUPPORTED_STORE'],
    ['400 InvalidArgument', s3Error(400, 'InvalidArgument'), 'INVALID_REQUEST'],
    ['400 EntityTooLarge', s3Error(400, 'EntityTooLarge'), 'INVALID_REQUEST'],
    ['413', { status: 413 }, 'INVALID_REQUEST'],
  ])('%s: thrown', async (_name, reply, code) => {
    const { server, store } = await scriptedStore()
    server.reply(reply)
    const error = (await failureOf(store.put('k', body, { condition: ifMatch('"e1"') }))) as StoreError
    expect(error).toMatchObject({ code, key: 'k', retriable: false })
    expect(server.requests).toHaveLength(1)
  })

  test('404 NoSuchKey to a create-only write is no lost condition', async () => {
    const { server, store } = await scriptedStore()
    server.reply(s3Error(404, 'NoSuchKey'))
    expect(await store.put('k', body, { condition: create })).toMatchObject({ outcome: 'unknown' })
  })

  test('412 to a write without a condition is no lost condition either', async () => {
    const { server, store } = await scriptedStore()
    server.reply(s3Error(412, 'PreconditionFailed'))
    expect(await failureOf(store.put('k', body, { condition: overwrite }))).toMatchObject({ code: 'INVALID_REQUEST' })
  })
})

describe('Retry-After', () => {
  test.each([
    ['seconds', '7', 7_000],
    ['a date, against the date of the answer', 'Tue, 24 Nov 2026 09:00:20 GMT', 20_000],
    ['a date that is over', 'Tue, 24 Nov 2026 08:00:00 GMT', 0],
    ['nonsense', 'soon', undefined],
    ['a negative number', '-5', undefined],
  ])('%s', async (_name, value, expected) => {
    const { server, store } = await scriptedStore()
    server.reply(s3Error(503, 'SlowDown', { 'retry-after': value, date: 'Tue, 24 Nov 2026 09:00:00 GMT' }))
    const result = await store.put('k', body, { condition: create })
    if (result.outcome !== 'unknown') throw new Error(`not unknown, but ${result.outcome}`)
    expect(result.error.retryAfterMs).toBe(expected)
    expect(result.storeTimeMs).toBe(Date.UTC(2026, 10, 24, 9))
  })
})
