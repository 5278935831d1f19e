/** Requests whose signature the store refuses, and that succeed when they are sent once more. */
import { create, overwrite } from '@s3queue/storage'
import { createManualClock } from '@s3queue/storage/testing'
import { expect, test } from 'vitest'
import { s3Error, s3List } from './scripted-server.ts'
import { CREDENTIALS, failureOf, scriptedStore } from './scripted-store.ts'

const STORED = { headers: { etag: '"e"' } }
const BODY = new Uint8Array(3)

const SESSION_CODES = [
  [400, 'ExpiredToken'],
  [400, 'InvalidToken'],
  [403, 'InvalidTokenId'],
  [400, 'TokenRefreshRequired'],
  [403, 'InvalidAccessKeyId'],
  [403, 'SignatureDoesNotMatch'],
] as const

/** A function that returns a new session at each call, without an expiration. */
function sessions(): { readonly get: () => Promise<typeof CREDENTIALS>; readonly calls: () => number } {
  let calls = 0
  return {
    get: async () => ({ ...CREDENTIALS, sessionToken: `session-${++calls}` }),
    calls: () => calls,
  }
}

test.each(SESSION_CODES)(
  '%i %s: asks the credentials function again and repeats the request once',
  async (status, code) => {
    const { get, calls } = sessions()
    const { server, store } = await scriptedStore({ credentials: get })
    server.reply(STORED, s3Error(status, code), STORED, STORED)
    await store.get('a')
    expect(await store.put('b', BODY, { condition: create })).toMatchObject({ outcome: 'stored' })
    expect(await store.get('c')).toMatchObject({ outcome: 'found' })
    expect(calls()).toBe(2)
    const tokens = server.requests.map(({ path, headers }) => `${path} ${headers['x-amz-security-token']}`)
    expect(tokens).toEqual(['/bucket/a session-1', '/bucket/b session-1', '/bucket/b session-2', '/bucket/c session-2'])
  },
)

test('lists and deletes are repeated with a new session as well', async () => {
  const clock = createManualClock()
  const { server, store } = await scriptedStore({ credentials: sessions().get, clock })
  server.reply(s3Error(400, 'ExpiredToken'), s3List(['a']))
  expect((await store.list({ prefix: '' })).entries).toHaveLength(1)
  await clock.advance(1_000)
  server.reply(s3Error(400, 'ExpiredToken'), { status: 204 })
  await store.delete(['a'])
  expect(server.requests).toHaveLength(4)
})

test('requests that are refused together share one call of the credentials function', async () => {
  const { get, calls } = sessions()
  const { server, store } = await scriptedStore({ credentials: get })
  server.reply(STORED)
  await store.get('a')
  server.replyBy(({ headers }) => {
    const isOver = headers['x-amz-security-token'] === 'session-1'
    return isOver ? s3Error(400, 'ExpiredToken') : STORED
  })
  await Promise.all(Array.from({ length: 8 }, (_, index) => store.get(`k${index}`)))
  expect(calls()).toBe(2)
  expect(server.requests).toHaveLength(17)
})

test('refused credentials that stay the same are not sent again, and the function is asked at most once a second', async () => {
  let calls = 0
  const credentials = async () => {
    calls++
    return CREDENTIALS
  }
  const clock = createManualClock()
  const { server, store } = await scriptedStore({ credentials, clock })
  server.reply(...Array(3).fill(s3Error(400, 'ExpiredToken')))
  for (let round = 0; round < 2; round++) {
    expect(await failureOf(store.put('k', BODY, { condition: create }))).toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('The session has ended'),
    })
  }
  expect({ calls, requests: server.requests.length }).toEqual({ calls: 2, requests: 2 })
  await clock.advance(1_000)
  await failureOf(store.get('k'))
  expect({ calls, requests: server.requests.length }).toEqual({ calls: 3, requests: 3 })
})

test('a session that ended and cannot be renewed is an outage, not a denial', async () => {
  let calls = 0
  const credentials = async () => {
    if (++calls > 1) throw Object.assign(new Error('metadata service'), { name: 'CredentialsProviderError' })
    return CREDENTIALS
  }
  const { server, store } = await scriptedStore({ credentials })
  server.reply(s3Error(400, 'ExpiredToken'))
  expect(await failureOf(store.get('k'))).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('worked before'),
  })
})

/** Milliseconds since 1970 of a request's `x-amz-date`, such as 20261130T223415Z. */
function signedAtMs(headers: NodeJS.Dict<string | string[]>): number {
  const text = String(headers['x-amz-date'])
  return Date.parse(text.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

test.each([7_200_000, -7_200_000])(
  'a clock that is %i ms off: the request is signed again with the time of the store',
  async (offsetMs) => {
    const { server, store } = await scriptedStore()
    const date = new Date(Date.now() + offsetMs).toUTCString()
    server.reply(s3Error(403, 'RequestTimeTooSkewed', { date }), { headers: { etag: '"e"', date } })
    expect(await store.put('k', BODY, { condition: create })).toMatchObject({ outcome: 'stored' })
    const [first, second] = server.requests.map(({ headers }) => signedAtMs(headers))
    expect(Math.abs((first ?? 0) + offsetMs - Date.parse(date))).toBeLessThan(10_000)
    expect(Math.abs((second ?? 0) - Date.parse(date))).toBeLessThan(10_000)
  },
)

test('a clock that the store keeps refusing: denied after the second request, with the reason', async () => {
  const { server, store } = await scriptedStore()
  server.reply(s3Error(403, 'RequestTimeTooSkewed'), s3Error(403, 'RequestTimeTooSkewed'))
  expect(await failureOf(store.put('k', BODY, { condition: create }))).toMatchObject({
    code: 'ACCESS_DENIED',
    message: expect.stringContaining('clock of this machine'),
  })
  expect(server.requests).toHaveLength(2)
})

test('a repeated write whose answer is lost has an unknown outcome and is not sent a third time', async () => {
  const { server, store } = await scriptedStore()
  server.reply(s3Error(403, 'RequestTimeTooSkewed'), { reset: true })
  expect(await store.put('k', BODY, { condition: create })).toMatchObject({ outcome: 'unknown' })
  expect(server.requests).toHaveLength(2)
})

test('a write whose answer was lost is never repeated, whatever the next one would be told', async () => {
  const { server, store } = await scriptedStore({ credentials: sessions().get })
  server.reply({ reset: true }, s3Error(403, 'RequestTimeTooSkewed'))
  expect(await store.put('k', BODY, { condition: create })).toMatchObject({ outcome: 'unknown' })
  expect(server.requests).toHaveLength(1)
})

test('a wrong clock and an ended session together: each is overcome once', async () => {
  const { server, store } = await scriptedStore({ credentials: sessions().get })
  server.reply(s3Error(403, 'RequestTimeTooSkewed'), s3Error(400, 'ExpiredToken'), STORED)
  expect(await store.put('k', BODY, { condition: overwrite })).toMatchObject({ outcome: 'stored' })
  expect(server.requests).toHaveLength(3)
})

test('RequestExpired, which may mean either: a new signature first, then new credentials', async () => {
  const { get, calls } = sessions()
  const { server, store } = await scriptedStore({ credentials: get })
  server.reply(s3Error(400, 'RequestExpired'), s3Error(400, 'RequestExpired'), STORED)
  expect(await store.get('k')).toMatchObject({ outcome: 'found' })
  expect(calls()).toBe(2)
})
