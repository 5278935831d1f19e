import { AccessDenied, NoSuchBucket } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { InvalidPayload, NotAcknowledged, PayloadTooLarge } from '../src/index.ts'
import { createWorld, intercept, record } from './support.ts'

describe('payloads', () => {
  const cyclic: { self?: unknown } = {}
  cyclic.self = cyclic
  it.each([
    ['undefined', undefined],
    ['a function', () => {}],
    ['a symbol', Symbol('s')],
    ['a bigint', { n: 1n }],
    ['a cycle', cyclic],
    ['a number that is none', Number.NaN],
    ['a number without end, deep inside', { deep: [{ rate: Number.NEGATIVE_INFINITY }] }],
    ['a promise', Promise.resolve('forgotten')],
    ['a map', new Map([[1, 2]])],
    ['a set, deep inside', [{ seen: new Set([1]) }]],
    ['an error', { error: new Error('lost') }],
    ['a buffer', new ArrayBuffer(8)],
    ['numbers that are no bytes', Float64Array.of(1, 2)],
    ['bytes within an object', { bytes: Uint8Array.of(1) }],
    ['a Buffer within an object', { file: Buffer.from('abc') }],
    ['a Buffer in a list', [Buffer.alloc(0)]],
    ['a date that is none', { at: new Date(Number.NaN) }],
    ['a blob', { attachment: new Blob(['x']) }],
    ['the query of an address', new URLSearchParams('a=b')],
    ['a view', new DataView(new ArrayBuffer(4))],
  ])('refuses %s, and enqueues none of the batch', async (_, payload) => {
    const { open, run, store } = createWorld()
    const queue = open()
    await expect(queue.enqueueMany(['fine', payload])).rejects.toThrow(InvalidPayload)
    await expect(queue.enqueueMany(['fine', payload])).rejects.toThrow(/Payload 1/)
    expect(store.size).toBe(0)
    await run(queue.close())
  })

  it('refuses a hole in a batch, as undefined', async () => {
    const { open, run, store } = createWorld()
    const queue = open<number>()
    // biome-ignore lint/suspicious/noSparseArray: what this test is about
    await expect(queue.enqueueMany([1, , 3] as number[])).rejects.toThrow(/Payload 1 is undefined/)
    expect(store.size).toBe(0)
    await run(queue.close())
  })

  it('takes dates, what only looks like a Buffer, and what makes JSON of itself', async () => {
    const { open, run } = createWorld()
    const queue = open()
    const at = new Date(1e12)
    const itself = { toJSON: () => ({ type: 'Buffer', nothing: null }) }
    const payloads = [{ at, nothing: null }, { type: 'Buffer', data: [1] }, itself, [{}]]
    for (const payload of payloads) {
      const { id } = await run(queue.enqueue(payload))
      expect(await run(queue.getPayload(id))).toEqual(JSON.parse(JSON.stringify(payload)))
    }
    await run(queue.close())
  })

  it('says where in the payload JSON would lose something', async () => {
    const { open, run } = createWorld()
    const queue = open()
    await expect(queue.enqueue({ a: { rate: Number.NaN } })).rejects.toThrow(/Payload 0 holds NaN at a\.rate,/)
    await run(queue.close())
  })

  it('refuses what is over maxPayloadBytes, counted in UTF-8', async () => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxPayloadBytes: 100 })
    await run(queue.enqueue('x'.repeat(98)))
    await expect(queue.enqueue('x'.repeat(99))).rejects.toThrow(PayloadTooLarge)
    await expect(queue.enqueue('€'.repeat(33))).rejects.toThrow(/101 bytes, more than the 100 of maxPayloadBytes/)
    await run(queue.close())
  })

  it.each([
    ['JSON', { n: 1 } as { n: number } | Uint8Array, { n: 1 }],
    ['bytes', Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
  ])('of %s are new for each attempt, whatever a handler did to them', async (_, payload, expected) => {
    const { open, run } = createWorld()
    const queue = open<{ n: number } | Uint8Array>()
    const seen: unknown[] = []
    queue.process(({ payload: given }, { attempt }) => {
      seen.push(structuredClone(given))
      if (given instanceof Uint8Array) given.fill(9)
      else given.n = 9
      if (attempt < 2) throw new Error('again')
    })
    await run(queue.enqueue(payload))
    await run(queue.drain())
    expect(seen).toEqual([expected, expected])
    await run(queue.close())
  })

  it('refuses what is more than 64 MiB together', async () => {
    const { open, run, store } = createWorld()
    const queue = open<string>()
    const payloads = Array<string>(65).fill('x'.repeat((1 << 20) - 2))
    await expect(queue.enqueueMany(payloads)).rejects.toThrow(PayloadTooLarge)
    await expect(queue.enqueueMany(payloads)).rejects.toThrow(
      /65 payloads have 68157440 bytes together, more than the 67108864/,
    )
    expect(store.size).toBe(0)
    await run(queue.close())
  })

  it('is a copy: what changes afterwards changes nothing', async () => {
    const { open, run } = createWorld()
    const queue = open<{ to: string }>()
    const payload = { to: 'ada' }
    const enqueued = queue.enqueue(payload)
    payload.to = 'eve'
    await run(enqueued)
    const seen: string[] = []
    queue.process((message) => void seen.push(message.payload.to))
    await run(queue.drain())
    expect(seen).toEqual(['ada'])
    await run(queue.close())
  })

  it('takes every JSON value, also an empty batch', async () => {
    const { open, run } = createWorld()
    const queue = open<unknown>()
    const payloads = [
      null,
      0,
      '',
      false,
      [],
      {},
      { 0: 'a', n: null, e: {} },
      'null',
      '{}',
      'ü€😀\n\u2028',
      { deep: [{ a: 1 }] },
    ]
    expect(await run(queue.enqueueMany([]))).toEqual([])
    await run(queue.enqueueMany(payloads))
    const seen: unknown[] = []
    queue.process((message) => void seen.push(message.payload))
    await run(queue.drain())
    expect(seen).toEqual(payloads)
    await run(queue.close())
  })
})

describe('a store that is in trouble', () => {
  it.each([
    ['the bucket is not there', new NoSuchBucket('There is no bucket "mail".')],
    ['the credentials are wrong', new AccessDenied('The store refuses these credentials.')],
  ])('says so when %s, and works when that is mended', async (_, error) => {
    const { open, run, store, clock } = createWorld()
    let broken = true
    const refuse = (): Promise<never> => Promise.reject(error)
    const queue = open<string>({
      store: intercept(store, '', {
        get: (key, options) => (broken ? refuse() : store.get(key, options)),
        put: (key, body, options) => (broken ? refuse() : store.put(key, body, options)),
        list: (options) => (broken ? refuse() : store.list(options)),
      }),
    })
    const seen = record(queue, 'trouble')
    await expect(run(queue.enqueue('x'))).rejects.toBe(error)
    await expect(run(queue.getStats())).rejects.toBe(error)
    queue.process(() => {})
    await clock.advance(20_000)
    expect(seen.map(({ event }) => (event as { error: unknown }).error)).toContain(error)
    broken = false
    await run(queue.enqueue('y'))
    await run(queue.drain())
    expect(await run(queue.getStats())).toMatchObject({ completed: 1, total: 1 })
    await run(queue.close())
  })

  it('never looks like an empty queue when it is gone: calls wait, then say that nobody knows', async () => {
    const { open, run, store, clock } = createWorld()
    let gone = false
    const { StoreUnavailable, UnknownOutcome } = await import('@s3queue/storage')
    const unavailable = (): Promise<never> => Promise.reject(new StoreUnavailable('connection refused'))
    const queue = open<string>({
      acknowledgeTimeoutMs: 5000,
      store: intercept(store, '', {
        get: (key, options) => (gone ? unavailable() : store.get(key, options)),
        list: (options) => (gone ? unavailable() : store.list(options)),
        put: (key, body, options) =>
          gone
            ? Promise.resolve({ outcome: 'unknown', error: new UnknownOutcome('connection refused') })
            : store.put(key, body, options),
      }),
    })
    queue.on('trouble', () => {})
    await run(queue.enqueue('a'))
    gone = true
    const error = await run(queue.enqueue('b').catch((thrown: unknown) => thrown))
    expect(error).toBeInstanceOf(NotAcknowledged)
    expect(String(error)).toContain('connection refused')
    await expect(run(queue.getStats())).rejects.toThrow(NotAcknowledged)
    gone = false
    await clock.advance(60_000)
    expect(await run(queue.getStats())).toMatchObject({ waiting: 2, total: 2 })
    await run(queue.close())
  })
})
