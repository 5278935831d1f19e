import { expect, test } from 'vitest'
import { type ScriptedReply, s3Error } from './scripted-server.ts'
import { failureOf, scriptedStore } from './scripted-store.ts'

const gone: ScriptedReply = { status: 204 }

function bulkAnswer(...errors: readonly [key: string, code: string][]): ScriptedReply {
  const parts = errors.map(([key, code]) => `<Error><Key>${key}</Key><Code>${code}</Code><Message>no</Message></Error>`)
  return { body: `<?xml version="1.0" encoding="UTF-8"?><DeleteResult>${parts.join('')}</DeleteResult>` }
}

test('one key: DeleteObject', async () => {
  const { server, store } = await scriptedStore({ prefix: 'p' })
  server.reply(gone)
  await store.delete(['a'])
  expect(server.requests).toMatchObject([{ method: 'DELETE', path: '/bucket/p/a' }])
})

test('no key: no request', async () => {
  const { server, store } = await scriptedStore()
  await store.delete([])
  expect(server.requests).toHaveLength(0)
})

test('a server that reports a missing key as an error', async () => {
  const { server, store } = await scriptedStore()
  server.reply(s3Error(404, 'NoSuchKey'), bulkAnswer(['a', 'NoSuchKey']))
  await store.delete(['a'])
  await store.delete(['a', 'b'])
  expect(server.requests).toHaveLength(2)
})

test('several keys: one DeleteObjects, quiet, with the checksum it requires', async () => {
  const { server, store } = await scriptedStore({ prefix: 'p' })
  server.reply(bulkAnswer())
  await store.delete(['a', 'b/c'])
  const [request] = server.requests
  expect(request).toMatchObject({ method: 'POST', path: '/bucket/' })
  expect(request?.query.has('delete')).toBe(true)
  expect(request?.body).toContain('<Key>p/a</Key>')
  expect(request?.body).toContain('<Key>p/b/c</Key>')
  expect(request?.body).toContain('<Quiet>true</Quiet>')
  expect(request?.headers['x-amz-checksum-crc32']).toEqual(expect.any(String))
})

test.each([
  ['AccessDenied', 'ACCESS_DENIED'],
  ['SlowDown', 'THROTTLED'],
  ['InternalError', 'STORE_UNAVAILABLE'],
  ['SomethingNew', 'STORE_UNAVAILABLE'],
])('a key that could not be deleted for %s', async (s3Code, code) => {
  const { server, store } = await scriptedStore()
  server.reply(bulkAnswer(['b', s3Code], ['c', s3Code]))
  const error = await failureOf(store.delete(['a', 'b', 'c']))
  expect(error).toMatchObject({ code, key: 'b', message: expect.stringContaining('2 of 3 keys failed') })
})

test('a server without DeleteObjects gets single deletes, and is not asked again', async () => {
  const { server, store } = await scriptedStore()
  server.reply(s3Error(501, 'NotImplemented'), gone, gone, gone, gone)
  await store.delete(['a', 'b'])
  await store.delete(['c', 'd'])
  expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'DELETE', 'DELETE', 'DELETE', 'DELETE'])
  expect(
    server.requests
      .slice(1)
      .map(({ path }) => path)
      .sort(),
  ).toEqual(['/bucket/a', '/bucket/b', '/bucket/c', '/bucket/d'])
})

test('single deletes stop at the first that fails', async () => {
  const { server, store } = await scriptedStore()
  const keys = Array.from({ length: 500 }, (_, i) => `k${i}`)
  server.reply(s3Error(501, 'NotImplemented'), ...keys.map(() => s3Error(500, 'InternalError')))
  expect(await failureOf(store.delete(keys))).toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(server.requests.length).toBeLessThanOrEqual(1 + 16)
})

test('an error of the whole request', async () => {
  const { server, store } = await scriptedStore()
  server.reply(s3Error(503, 'SlowDown'))
  expect(await failureOf(store.delete(['a', 'b']))).toMatchObject({ code: 'THROTTLED' })
})

test('more keys than one request takes are refused', async () => {
  const { server, store } = await scriptedStore()
  const keys = Array.from({ length: 1001 }, (_, i) => `k${i}`)
  expect(await failureOf(store.delete(keys))).toMatchObject({ code: 'INVALID_REQUEST' })
  expect(server.requests).toHaveLength(0)
})
