/** Answers and errors of the transport that no HTTP server can be made to give: a handler of the test's own stands in for it. */
import { Readable } from 'node:stream'
import { S3Client } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { createS3Store, type S3Store } from '../src/index.ts'
import { CREDENTIALS, failureOf, scriptedStore } from './scripted-store.ts'

function storeOver(handle: () => Promise<unknown>): S3Store {
  const requestHandler = { handle }
  const client = new S3Client({ region: 'eu-west-1', credentials: CREDENTIALS, requestHandler, maxAttempts: 3 })
  return createS3Store({ bucket: 'bucket', client })
}

test('a body shorter than it was said to be is no object', async () => {
  const headers = { 'content-length': '11', etag: '"e"' }
  const store = storeOver(async () => ({
    response: { statusCode: 200, headers, body: Readable.from([Buffer.from('hello')]) },
  }))
  expect(await failureOf(store.get('k'))).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('the body broke off after 5 of 11 bytes'),
  })
})

test.each([
  ['ENOTFOUND', /cannot be resolved/],
  ['EAI_AGAIN', /cannot be resolved/],
  ['ECONNREFUSED', /Nothing listens there/],
  ['EPROTO', /does not speak TLS/],
  ['EHOSTUNREACH', /failed with EHOSTUNREACH: words$/],
])('%s: unavailable, with a hint where there is one', async (code, words) => {
  const store = storeOver(() => Promise.reject(Object.assign(new Error('words'), { code })))
  const error = await failureOf(store.get('k'))
  expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect((error as Error).message.replace(/\.$/, '')).toMatch(words)
})

test('several addresses, none of which answers: the words of each', async () => {
  const parts = ['connect ECONNREFUSED ::1:9000', 'connect ECONNREFUSED 127.0.0.1:9000']
  const error = Object.assign(new AggregateError(parts.map((part) => new Error(part))), { code: 'ECONNREFUSED' })
  const store = storeOver(() => Promise.reject(error))
  expect(await failureOf(store.get('k'))).toMatchObject({ message: expect.stringContaining(parts.join('; ')) })
})

test('https to a server that speaks http', async () => {
  const { server } = await scriptedStore()
  const endpoint = server.endpoint.replace('http:', 'https:')
  const store = createS3Store({ bucket: 'bucket', endpoint, credentials: CREDENTIALS })
  expect(await failureOf(store.get('k'))).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('does not speak TLS'),
  })
  store.destroy()
})
