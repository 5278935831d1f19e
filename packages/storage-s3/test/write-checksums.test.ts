/** Buckets that refuse writes without a checksum: object lock with a default retention. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { create, overwrite } from '@s3queue/storage'
import { expect, test } from 'vitest'
import { type ScriptedReply, s3Error } from './scripted-server.ts'
import { failureOf, scriptedStore } from './scripted-store.ts'

const STORED = { headers: { etag: '"e"' } }
const BODY = new TextEncoder().encode('a commit')

/** What Amazon S3 answers to a write without a checksum, and what older servers do. */
function demand(headers: string): ScriptedReply {
  const { body = '', ...rest } = s3Error(400, 'InvalidRequest')
  const words = `${headers} HTTP header is required for Put Object requests with Object Lock parameters`
  return { ...rest, body: body.replace('Words about InvalidRequest', words) }
}

test('a bucket with object lock: the refused write is sent again with a CRC-32, and so are all later ones', async () => {
  const { server, store } = await scriptedStore()
  server.reply(demand('Content-MD5 OR x-amz-checksum-'), STORED, STORED, STORED)
  expect(await store.put('a', BODY, { condition: create })).toMatchObject({ outcome: 'stored' })
  expect(await store.put('b', BODY, { condition: overwrite })).toMatchObject({ outcome: 'stored' })
  await store.get('b')
  const checksums = server.requests.map(({ headers }) => headers['x-amz-checksum-crc32'])
  const base64 = Buffer.from(crc32(BODY).toString(16).padStart(8, '0'), 'hex').toString('base64')
  expect(checksums).toEqual([undefined, base64, base64, undefined])
  expect(server.requests.map(({ headers }) => headers['if-none-match'])).toEqual(['*', '*', undefined, undefined])
})

test('a server that knows Content-MD5 alone gets that', async () => {
  const { server, store } = await scriptedStore()
  server.reply(demand('Content-MD5'), STORED)
  expect(await store.put('a', BODY, { condition: create })).toMatchObject({ outcome: 'stored' })
  const md5 = createHash('md5').update(BODY).digest('base64')
  expect(server.requests.map(({ headers }) => headers['content-md5'])).toEqual([undefined, md5])
})

test('a server that demands no checksum gets none', async () => {
  const { server, store } = await scriptedStore()
  server.reply(STORED)
  await store.put('a', BODY, { condition: create })
  const names = Object.keys(server.requests[0]?.headers ?? {})
  expect(names.filter((name) => /md5|checksum/.test(name))).toEqual([])
})

test('a bucket that refuses the checksum as well: the error names the option', async () => {
  const { server, store } = await scriptedStore()
  server.reply(demand('Content-MD5 OR x-amz-checksum-'), demand('Content-MD5 OR x-amz-checksum-'))
  expect(await failureOf(store.put('a', BODY, { condition: create }))).toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringContaining('requestChecksumCalculation'),
  })
  expect(server.requests).toHaveLength(2)
})

test('another invalid request is not repeated', async () => {
  const { server, store } = await scriptedStore()
  server.reply(s3Error(400, 'InvalidRequest'))
  expect(await failureOf(store.put('a', BODY, { condition: create }))).toMatchObject({ code: 'INVALID_REQUEST' })
  expect(server.requests).toHaveLength(1)
})

test('a key with as many versions as the server keeps: the error says what to do', async () => {
  const { server, store } = await scriptedStore()
  server.reply(s3Error(400, 'MaxVersionsExceeded'))
  expect(await failureOf(store.put('a', BODY, { condition: overwrite }))).toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringContaining('noncurrent versions'),
  })
  const { body = '', ...internal } = s3Error(500, 'InternalError')
  const words = `Io error: You've exceeded the limit on the number of versions you can create on this object`
  server.reply({ ...internal, body: body.replace('Words about InternalError', words) })
  expect(await store.put('a', BODY, { condition: overwrite })).toMatchObject({
    outcome: 'unknown',
    error: { message: expect.stringContaining('noncurrent versions') },
  })
})
