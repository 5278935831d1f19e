import { createServer } from 'node:net'
import { create, type PutResult } from '@s3queue/storage'
import { createManualClock } from '@s3queue/storage/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createS3Store } from '../src/index.ts'
import { startScriptedServer } from './scripted-server.ts'
import { CREDENTIALS, failureOf, scriptedStore } from './scripted-store.ts'

const body = new Uint8Array(4)

function messageOf(result: PutResult): string {
  if (result.outcome !== 'unknown') throw new Error(`not unknown, but ${result.outcome}`)
  return result.error.message
}

describe('requestTimeoutMs', () => {
  test('a read without an answer: unavailable', async () => {
    const { server, store } = await scriptedStore({ requestTimeoutMs: 40 })
    server.reply({ hang: true })
    const error = await failureOf(store.get('k'))
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(error).toMatchObject({ message: expect.stringContaining('no answer within 40 ms (requestTimeoutMs: 40)') })
  })

  test('a write without an answer: unknown', async () => {
    // Long enough for the request to arrive also on a busy machine.
    const { server, store } = await scriptedStore({ requestTimeoutMs: 1000 })
    server.reply({ hang: true })
    const result = await store.put('k', body, { condition: create })
    expect(messageOf(result)).toContain('no answer within 1000 ms (requestTimeoutMs: 1000)')
    expect(server.requests).toHaveLength(1)
  })

  test('a body that stops half way', async () => {
    const { server, store } = await scriptedStore({ requestTimeoutMs: 40 })
    server.reply({ headers: { etag: '"e"' }, body: 'hello world', cutAfter: 5, cutBy: 'silence' })
    expect(await failureOf(store.get('k'))).toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  test('a large body gets more time: 1 ms for each KiB', async () => {
    const { server, store } = await scriptedStore({ requestTimeoutMs: 10 })
    server.reply({ hang: true })
    const result = await store.put('k', new Uint8Array(100 * 1024), { condition: create })
    expect(messageOf(result)).toContain('no answer within 110 ms (requestTimeoutMs: 10, plus 1 ms per KiB of body)')
  })

  test('waiting for a free connection counts', async () => {
    const clock = createManualClock()
    const { server, store } = await scriptedStore({ clock, requestTimeoutMs: 150, maxConnections: 1 })
    server.reply({ hang: true })
    const errors = [failureOf(store.get('first'))]
    await server.seen(1)
    errors.push(failureOf(store.get('second')))
    await clock.advance(150)
    for (const error of await Promise.all(errors)) {
      expect(error).toMatchObject({
        message: expect.stringContaining('no answer within 150 ms (requestTimeoutMs: 150)'),
      })
    }
  })
})

describe('connectTimeoutMs', () => {
  test('a server that takes the connection and never says hello', async () => {
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void silent.close())
    const address = silent.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const endpoint = `https://127.0.0.1:${port}`
    const store = createS3Store({ bucket: 'bucket', endpoint, credentials: CREDENTIALS, connectTimeoutMs: 40 })
    const words = 'no connection within 40 ms (connectTimeoutMs)'
    expect(await failureOf(store.get('k'))).toMatchObject({ message: expect.stringContaining(words) })
    expect(messageOf(await store.put('k', body, { condition: create }))).toContain(words)
  })

  test('waiting for a free connection is no failure to connect', async () => {
    const clock = createManualClock()
    const { server, store } = await scriptedStore({ clock, connectTimeoutMs: 20, maxConnections: 1 })
    server.reply({ hang: true }, { headers: { etag: '"e"' } })
    const controller = new AbortController()
    const first = failureOf(store.get('first', { signal: controller.signal }))
    await server.seen(1)
    const second = store.get('second')
    await clock.advance(1_000)
    controller.abort()
    await first
    expect(await second).toMatchObject({ outcome: 'found' })
  })

  test('nothing listens', async () => {
    const server = await startScriptedServer()
    await server.close()
    const store = createS3Store({ bucket: 'bucket', endpoint: server.endpoint, credentials: CREDENTIALS })
    const error = await failureOf(store.get('k'))
    expect(error).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/ECONNREFUSED.*Nothing listens/),
    })
    expect(messageOf(await store.put('k', body, { condition: create }))).toContain('ECONNREFUSED')
  })
})

describe('signals', () => {
  const reason = new Error('enough')

  test('aborted before: nothing is sent', async () => {
    const { server, store } = await scriptedStore()
    const signal = AbortSignal.abort(reason)
    expect(await failureOf(store.get('k', { signal }))).toBe(reason)
    expect(await failureOf(store.put('k', body, { condition: create, signal }))).toBe(reason)
    expect(await failureOf(store.delete(['k'], { signal }))).toBe(reason)
    expect(await failureOf(store.delete([], { signal }))).toBe(reason)
    expect(await failureOf(store.list({ prefix: '', signal }))).toBe(reason)
    expect(server.requests).toHaveLength(0)
  })

  test('aborted while it runs: rejects with the reason', async () => {
    const { server, store } = await scriptedStore()
    server.reply({ hang: true })
    const controller = new AbortController()
    const put = store.put('k', body, { condition: create, signal: controller.signal })
    await server.seen(1)
    controller.abort(reason)
    expect(await failureOf(put)).toBe(reason)
  })

  test('aborted in the middle of a body', async () => {
    const { server, store } = await scriptedStore()
    server.reply({ headers: { etag: '"e"' }, body: 'hello world', cutAfter: 5, cutBy: 'silence' })
    const controller = new AbortController()
    const get = store.get('k', { signal: controller.signal })
    await server.seen(1)
    controller.abort(reason)
    expect(await failureOf(get)).toBe(reason)
  })

  test('aborted after the answer: no listener is left behind', async () => {
    const { server, store } = await scriptedStore()
    server.reply({ headers: { etag: '"e"' } })
    const controller = new AbortController()
    expect(await store.get('k', { signal: controller.signal })).toMatchObject({ outcome: 'found' })
    controller.abort(reason)
  })
})

test('destroy makes requests under way fail', async () => {
  const { server, store } = await scriptedStore()
  server.reply({ hang: true })
  const get = store.get('k')
  await server.seen(1)
  store.destroy()
  expect(await failureOf(get)).toMatchObject({ code: 'STORE_UNAVAILABLE' })
})
