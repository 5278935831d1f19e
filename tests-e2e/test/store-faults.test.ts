/** What the S3 store makes of a network and a server that misbehave. Nothing is ever repeated by itself: the proxy counts. */
import { create, ifMatch, type ObjectStore, overwrite, type PutResult } from '@s3queue/storage'
import { createS3Store, type S3Store, type S3StoreOptions } from '@s3queue/storage-s3'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createTestBucket, type FaultProxy, startFaultProxy } from '../harness/index.ts'
import { describeOnS3 } from '../harness/suite.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function read(store: ObjectStore, key: string): Promise<string | undefined> {
  const result = await store.get(key)
  return result.outcome === 'found' ? new TextDecoder().decode(result.body) : undefined
}

function etagOf(result: PutResult): string {
  if (result.outcome !== 'stored') throw new Error(`not stored, but ${result.outcome}`)
  return result.etag
}

describeOnS3('the S3 store behind a faulty network', (server) => {
  let bucket: S3StoreOptions
  let proxy: FaultProxy
  /** Straight to the server: tells what is really there. */
  let direct: S3Store
  let key: string
  let keys = 0

  function storeBehindProxy(options: Partial<S3StoreOptions> = {}): ObjectStore {
    const store = createS3Store({ ...bucket, endpoint: proxy.endpoint, ...options })
    onTestFinished(() => store.destroy())
    return store
  }

  beforeAll(async () => {
    bucket = await createTestBucket(server, 'faults')
    direct = createS3Store(bucket)
  })
  beforeEach(async () => {
    key = `object/${++keys}`
    proxy = await startFaultProxy(server.endpoint)
    onTestFinished(() => proxy.stop())
  })
  afterAll(() => direct.destroy())

  test('without a fault, signed requests pass', async () => {
    const store = storeBehindProxy()
    const etag = etagOf(await store.put(key, bytes('one'), { condition: create }))
    expect(await store.get(key, { ifNoneMatch: etag })).toMatchObject({ outcome: 'not-modified' })
    await store.put(key, bytes('two'), { condition: ifMatch(etag) })
    expect(await read(store, key)).toBe('two')
    expect((await store.list({ prefix: 'object/' })).entries.map((entry) => entry.key)).toContain(key)
    await store.delete([key, 'object/none'])
    expect(await read(store, key)).toBeUndefined()
    expect([proxy.requests.length, proxy.passedOn]).toEqual([7, 7])
  })

  test('a create whose answer is lost: unknown; reading shows that it took place', async () => {
    const store = storeBehindProxy()
    const { applied } = proxy.inject({ kind: 'drop-response' }, { method: 'PUT' })
    const result = await store.put(key, bytes('mine'), { condition: create })
    expect(result).toMatchObject({ outcome: 'unknown', error: { code: 'UNKNOWN_OUTCOME', key } })
    expect(await applied).toBe(200)
    expect(proxy.requests).toHaveLength(1)
    expect(await read(store, key)).toBe('mine')
    // What an SDK that retries would have made of it: a lost condition, though the write is one's own.
    expect(await store.put(key, bytes('mine'), { condition: create })).toMatchObject({ outcome: 'precondition-failed' })
  })

  test('an if-match write whose answer is lost: unknown, and done once', async () => {
    const store = storeBehindProxy()
    const etag = etagOf(await direct.put(key, bytes('one'), { condition: create }))
    proxy.inject({ kind: 'drop-response' }, { method: 'PUT' })
    expect(await store.put(key, bytes('two'), { condition: ifMatch(etag) })).toMatchObject({ outcome: 'unknown' })
    expect([proxy.requests.length, proxy.passedOn]).toEqual([1, 1])
    expect(await read(direct, key)).toBe('two')
  })

  test('a write that never arrived: unknown too, and nothing is there', async () => {
    const store = storeBehindProxy()
    proxy.inject({ kind: 'drop-request' }, { method: 'PUT' })
    expect(await store.put(key, bytes('lost'), { condition: create })).toMatchObject({ outcome: 'unknown' })
    expect([proxy.requests.length, proxy.passedOn]).toEqual([1, 0])
    expect(await read(direct, key)).toBeUndefined()
  })

  test('a write that lands after its time-out, and after a later request', async () => {
    const store = storeBehindProxy({ requestTimeoutMs: 100 })
    const gate = Promise.withResolvers<void>()
    const late = proxy.inject({ kind: 'hold', until: gate.promise }, { method: 'PUT' })
    const result = await store.put(key, bytes('late'), { condition: create })
    expect(result).toMatchObject({ outcome: 'unknown' })
    if (result.outcome === 'unknown') expect(result.error.message).toContain('requestTimeoutMs: 100')
    expect(await read(direct, key)).toBeUndefined()
    gate.resolve()
    expect(await late.applied).toBe(200)
    expect(await read(direct, key)).toBe('late')
  })

  test('a request that the network sends twice: the second answer is a lost condition against oneself', async () => {
    const store = storeBehindProxy()
    proxy.inject({ kind: 'send-twice' }, { method: 'PUT' })
    const result = await store.put(key, bytes('mine'), { condition: create })
    expect(result).toMatchObject({ outcome: 'precondition-failed' })
    expect([proxy.requests.length, proxy.passedOn]).toEqual([1, 2])
    expect(await read(direct, key)).toBe('mine')
  })

  test.each([
    { status: 409, applied: false },
    { status: 409, applied: true },
    { status: 429, applied: false },
    { status: 500, applied: false },
    { status: 500, applied: true },
    { status: 503, applied: false },
    { status: 503, applied: true },
  ])('a write answered with $status (done all the same: $applied) is unknown', async ({ status, applied }) => {
    const store = storeBehindProxy()
    proxy.inject({ kind: 'answer', status, applied, retryAfter: '2' }, { method: 'PUT' })
    const result = await store.put(key, bytes('maybe'), { condition: create })
    expect(result).toMatchObject({ outcome: 'unknown', error: { retryAfterMs: 2_000 } })
    expect(proxy.requests).toHaveLength(1)
    expect(await read(direct, key)).toBe(applied ? 'maybe' : undefined)
  })

  test('reads fail with what is wrong, once each', async () => {
    const store = storeBehindProxy()
    await direct.put(key, bytes('there'), { condition: overwrite })
    proxy.inject({ kind: 'answer', status: 503, retryAfter: '1' })
    await expect(store.get(key)).rejects.toMatchObject({ code: 'THROTTLED', retryAfterMs: 1_000 })
    proxy.inject({ kind: 'answer', status: 500 })
    await expect(store.get(key)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    proxy.inject({ kind: 'drop-response' })
    await expect(store.get(key)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    proxy.inject({ kind: 'answer', status: 503 })
    await expect(store.list({ prefix: '' })).rejects.toMatchObject({ code: 'THROTTLED' })
    expect(proxy.requests).toHaveLength(4)
    expect(await read(store, key)).toBe('there')
  })

  test('a body that breaks off is never taken for the object', async () => {
    const store = storeBehindProxy()
    await direct.put(key, new Uint8Array(300_000).fill(7), { condition: create })
    proxy.inject({ kind: 'cut-body', afterBytes: 200_000 }, { method: 'GET' })
    await expect(store.get(key)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    const whole = await store.get(key)
    expect(whole.outcome === 'found' && whole.body.byteLength).toBe(300_000)
  })

  test('a list that breaks off is never taken for a shorter one', async () => {
    const store = storeBehindProxy()
    proxy.inject({ kind: 'cut-body', afterBytes: 300 }, { method: 'GET' })
    await expect(store.list({ prefix: '' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  test('a delete whose answer is lost throws, and took place', async () => {
    const store = storeBehindProxy()
    await direct.put(key, bytes('there'), { condition: create })
    const { applied } = proxy.inject({ kind: 'drop-response' }, { method: 'DELETE' })
    await expect(store.delete([key])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await applied).toBe(204)
    expect(await read(direct, key)).toBeUndefined()
  })

  test('a server that is away for a while', async () => {
    const store = storeBehindProxy()
    etagOf(await store.put(key, bytes('one'), { condition: create }))
    await proxy.refuseConnections()
    expect(await store.put(key, bytes('two'), { condition: overwrite })).toMatchObject({ outcome: 'unknown' })
    await expect(store.get(key)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    })
    await proxy.acceptConnections()
    expect(await read(store, key)).toBe('one')
  })
})
