import { inspect } from 'node:util'
import { create } from '@s3queue/storage'
import { expect, test } from 'vitest'
import { createS3Store, parseS3Url } from '../src/index.ts'
import { type ScriptedReply, s3Error } from './scripted-server.ts'
import { CREDENTIALS, failureOf, scriptedStore } from './scripted-store.ts'

const SECRETS = [CREDENTIALS.secretAccessKey, encodeURIComponent(CREDENTIALS.secretAccessKey), CREDENTIALS.sessionToken]

function expectNoSecretIn(value: unknown): void {
  const text = inspect(value, {
    depth: Number.POSITIVE_INFINITY,
    showHidden: true,
    maxArrayLength: null,
    maxStringLength: null,
  })
  for (const secret of SECRETS) expect(text).not.toContain(secret)
}

/** AWS repeats what was signed when a signature is wrong, headers and all. */
const signatureAnswer: ScriptedReply = {
  status: 403,
  body:
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>SignatureDoesNotMatch</Code><Message>wrong</Message>' +
    `<CanonicalRequest>GET\nx-amz-security-token:${CREDENTIALS.sessionToken}</CanonicalRequest></Error>`,
}

test('the check finds a secret that is there', () => {
  expect(() => expectNoSecretIn(new Error('x', { cause: { deep: [CREDENTIALS] } }))).toThrow()
})

test.each<[string, ScriptedReply]>([
  ['a wrong signature', signatureAnswer],
  ['access denied', s3Error(403, 'AccessDenied')],
  ['throttling', s3Error(503, 'SlowDown')],
  ['a server error', { status: 500, body: '<html>' }],
  ['a broken connection', { reset: true }],
  ['a time-out', { hang: true }],
  ['a broken body', { headers: { etag: '"e"' }, body: 'hello world', cutAfter: 5 }],
  ['no list', { body: 'hello' }],
])('errors hold no secret: %s', async (_name, reply) => {
  const { server, store } = await scriptedStore({ requestTimeoutMs: 100 })
  server.reply(reply, reply, reply, reply)
  expectNoSecretIn(await failureOf(store.get('k')))
  expectNoSecretIn(await failureOf(store.list({ prefix: '' })))
  const put = store.put('k', new Uint8Array(1), { condition: create })
  expectNoSecretIn(await put.catch((error: unknown) => error))
})

test('the description holds no secret', () => {
  const { secretAccessKey, accessKeyId } = CREDENTIALS
  const url = `http://${accessKeyId}:${encodeURIComponent(secretAccessKey)}@127.0.0.1:9000/bucket/team`
  const store = createS3Store(parseS3Url(url))
  expect(store.description).toBe('s3://bucket/team (http://127.0.0.1:9000)')
  expectNoSecretIn(store.description)
})

test.each([
  `s3://AKIA:${CREDENTIALS.secretAccessKey}@host:9000/bucket`,
  `s3://AKIA:${encodeURIComponent(CREDENTIALS.secretAccessKey)}@host:9000`,
  `ftp://AKIA:${encodeURIComponent(CREDENTIALS.secretAccessKey)}@host:9000/bucket`,
  `s3://AKIA:${encodeURIComponent(CREDENTIALS.secretAccessKey)}@host:9000/bucket?rgeion=x`,
  `s3://AKIA:${encodeURIComponent(CREDENTIALS.secretAccessKey)}@host:99999/bucket`,
  `s3://:${encodeURIComponent(CREDENTIALS.secretAccessKey)}@bucket`,
])('a URL that is refused is not repeated: %#', (url) => {
  let error: unknown
  try {
    parseS3Url(url)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toMatchObject({ code: 'INVALID_OPTION' })
  expectNoSecretIn(error)
})

test('an endpoint with credentials in it is refused, not repeated', () => {
  const endpoint = `http://AKIA:${encodeURIComponent(CREDENTIALS.secretAccessKey)}@host`
  let error: unknown
  try {
    createS3Store({ bucket: 'b', endpoint })
  } catch (thrown) {
    error = thrown
  }
  expect(error).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining('credentials') })
  expectNoSecretIn(error)
})
