import { InvalidOption, sleep } from '@s3queue/storage'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createQueue, InvalidPayload } from '../src/index.ts'
import { createWorld, intercept, record } from './support.ts'

describe('delays', () => {
  it('hands out after delayMs, or at a moment, and not before', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>()
    const start = clock.now()
    await run(queue.enqueue('now'))
    await run(queue.enqueue('later', { delayMs: 60_000 }))
    await run(queue.enqueue('at', { at: new Date(start + 120_000) }))
    await run(queue.enqueue('past', { at: start - 5000 }))
    expect(await run(queue.getStats())).toMatchObject({ waiting: 2, delayed: 2 })
    const handled: [string, number][] = []
    queue.process(({ payload }) => void handled.push([payload, clock.now() - start]))
    await run(queue.drain())
    expect(handled.map(([payload]) => payload)).toEqual(['now', 'past', 'later', 'at'])
    expect(handled[2]?.[1]).toBeGreaterThanOrEqual(60_000)
    expect(handled[2]?.[1]).toBeLessThan(60_100)
    expect(handled[3]?.[1]).toBeGreaterThanOrEqual(120_000)
    await run(queue.close())
  })
})

describe('lifo', () => {
  it('puts a message before those that wait with its priority, delayed ones once their time has come, also behind a snapshot', async () => {
    const { open, run, clock } = createWorld()
    const first = open<string>()
    await run(first.enqueue('late', { lifo: true, delayMs: 1000 }))
    for (const payload of ['a', 'b']) await run(first.enqueue(payload))
    for (const payload of ['c', 'd']) await run(first.enqueue(payload, { lifo: true }))
    await run(first.enqueue('urgent', { priority: 1 }))
    await run(first.close())
    const queue = open<string>()
    await clock.advance(2000)
    const handled: string[] = []
    queue.process(({ payload }) => void handled.push(payload), { maxPrefetch: 0 })
    await run(queue.drain())
    expect(handled).toEqual(['urgent', 'late', 'd', 'c', 'a', 'b'])
    await run(queue.close())
    await expect(open().enqueue('', { lifo: 1 as never })).rejects.toThrow('true or false')
  })
})

describe('priority', () => {
  it('comes first, and does not change the order among equals', async () => {
    const { open, run } = createWorld()
    const queue = open<string>()
    await run(queue.enqueueMany(['a', 'b']))
    await run(queue.enqueueMany(['x', 'y'], { priority: 5 }))
    await run(queue.enqueue('z', { priority: -1 }))
    await run(queue.enqueue('top', { priority: 1000 }))
    const handled: string[] = []
    queue.process(({ payload }) => void handled.push(payload))
    await run(queue.drain())
    expect(handled).toEqual(['top', 'x', 'y', 'a', 'b', 'z'])
    await run(queue.close())
  })
})

describe('ids of the caller', () => {
  it('make enqueueing idempotent while the message is known, and for a while after its end', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ deduplicationWindowMs: 10_000 })
    expect(await run(queue.enqueue('a', { id: 'order-1' }))).toEqual({ id: 'order-1', duplicate: false })
    expect(await run(queue.enqueue('b', { id: 'order-1' }))).toEqual({ id: 'order-1', duplicate: true })
    const handled: string[] = []
    queue.process(({ id, payload }) => void handled.push(`${id}:${payload}`))
    await run(queue.drain())
    await clock.advance(9000)
    expect(await run(queue.enqueue('c', { id: 'order-1' }))).toMatchObject({ duplicate: true })
    await clock.advance(2000)
    expect(await run(queue.enqueue('d', { id: 'order-1' }))).toMatchObject({ duplicate: false })
    await run(queue.drain())
    expect(handled).toEqual(['order-1:a', 'order-1:d'])
    await run(queue.close())
  })

  it('hold across a lost reply and a new process', async () => {
    const { open, run } = createWorld()
    const first = open<string>()
    await run(first.enqueue('a', { id: 'x' }))
    await run(first.close())
    const second = open<string>()
    expect(await run(second.enqueue('a', { id: 'x' }))).toMatchObject({ duplicate: true })
    expect((await run(second.getStats())).total).toBe(1)
    await run(second.close())
  })

  it('are known through the inbox as well', async () => {
    const { open, run } = createWorld()
    const writer = open<string>()
    writer.process(() => {})
    await run(writer.enqueue('a', { id: 'x' }))
    const producer = open<string>()
    expect(await run(producer.enqueue('b', { id: 'x' }))).toEqual({ id: 'x' })
    await run(producer.drain())
    expect((await run(writer.getStats())).total).toBe(1)
    await run(producer.close())
    await run(writer.close())
  })

  it('can be made for each message of a batch', async () => {
    const { open, run } = createWorld()
    const queue = open<{ n: number }>()
    const payloads = [{ n: 1 }, { n: 2 }, { n: 1 }]
    const enqueued = await run(queue.enqueueMany(payloads, ({ n }) => ({ id: `n${n}` })))
    expect(enqueued.map(({ id, duplicate }) => [id, duplicate])).toEqual([
      ['n1', false],
      ['n2', false],
      ['n1', true],
    ])
    expect((await run(queue.getStats())).total).toBe(2)
    await run(queue.close())
  })
})

describe('deduplication keys', () => {
  it('drop what comes within the window, to the millisecond', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>()
    const options = { deduplicationKey: 'k', deduplicationWindowMs: 5000 }
    const first = await run(queue.enqueue('a', options))
    const enteredAt = (await run(queue.get(first.id)))?.enqueuedAt ?? 0
    await clock.advance(enteredAt + 4999 - clock.now())
    expect(await run(queue.enqueue('b', options))).toEqual({ id: first.id, duplicate: true })
    await clock.advance(enteredAt + 5000 - clock.now())
    expect(await run(queue.enqueue('c', options))).toMatchObject({ duplicate: false })
    expect((await run(queue.getStats())).total).toBe(2)
    await run(queue.close())
  })
})

describe('payloads', () => {
  it('are bytes when they are given as bytes', async () => {
    const { open, run } = createWorld()
    const queue = open<Uint8Array | string>()
    const bytes = Uint8Array.from([0, 10, 13, 255, 128])
    await run(queue.enqueueMany([bytes, 'text', new Uint8Array(0)]))
    bytes.fill(7)
    const handled: unknown[] = []
    queue.process(({ payload }) => void handled.push(payload))
    await run(queue.drain())
    expect(handled).toEqual([Uint8Array.from([0, 10, 13, 255, 128]), 'text', new Uint8Array(0)])
    await run(queue.close())
  })

  it('are copied also when they are a Buffer, whose slice() is none', async () => {
    const { open, run } = createWorld()
    const queue = open<Uint8Array>()
    const buffer = Buffer.from([1, 2, 3])
    const enqueued = queue.enqueue(buffer)
    buffer.fill(9)
    await run(enqueued)
    const handled: unknown[] = []
    queue.process(({ payload }) => void handled.push(payload))
    await run(queue.drain())
    expect(handled).toEqual([Uint8Array.from([1, 2, 3])])
    await run(queue.close())
  })

  it('go into objects of their own when they are large, and are deleted when their message is done', async () => {
    const { open, run, store, clock } = createWorld()
    const queue = open<string | Uint8Array>({ offloadAboveBytes: 1000 })
    const large = 'ü'.repeat(5000)
    const { id } = await run(queue.enqueue(large))
    await run(queue.enqueueMany(['small', new Uint8Array(2000).fill(9)]))
    const objects = (): string[] => [...store.snapshot().keys()].filter((key) => key.includes('/payloads/'))
    expect(objects()).toHaveLength(2)
    expect(await run(queue.getPayload(id))).toBe(large)
    await run(queue.close())

    const other = open<string | Uint8Array>({ offloadAboveBytes: 1000 })
    const handled: unknown[] = []
    other.process(({ payload }) => void handled.push(payload))
    await run(other.drain())
    expect(new Set(handled)).toEqual(new Set([large, 'small', new Uint8Array(2000).fill(9)]))
    await clock.advance(5000)
    expect(objects()).toEqual([])
    await run(other.close())
  })

  it('that are large are deleted as well when their message turns out to be a duplicate', async () => {
    const { open, run, store, clock } = createWorld()
    const queue = open<string>({ offloadAboveBytes: 100 })
    await run(queue.enqueue('x'.repeat(500), { id: 'once' }))
    expect(await run(queue.enqueue('y'.repeat(500), { id: 'once' }))).toMatchObject({ duplicate: true })
    await clock.advance(5000)
    expect([...store.snapshot().keys()].filter((key) => key.includes('/payloads/'))).toHaveLength(1)
    await run(queue.close())
  })

  const schemas = [
    ['zod', z.object({ to: z.string().email(), times: z.number().default(1) })],
    ['valibot', v.object({ to: v.pipe(v.string(), v.email()), times: v.optional(v.number(), 1) })],
  ] as const
  it.each(schemas)(
    'are checked by a schema of %s when they are enqueued, and made by it for the handler',
    async (_, schema) => {
      const { open, run, store, clock } = createWorld()
      const queue = createQueue({ name: 'mail', store, schema, runtime: { clock } })
      await expect(run(queue.enqueue({ to: 'nobody' }))).rejects.toThrow(InvalidPayload)
      await expect(run(queue.enqueueMany([{ to: 'ada@example.org' }, { to: 'nobody' }]))).rejects.toThrow(
        /^The payload does not fit the schema: to: /,
      )
      await run(queue.enqueue({ to: 'ada@example.org' }))
      const handled: unknown[] = []
      queue.process(({ payload }) => void handled.push(payload))
      await run(queue.drain())
      expect(handled).toEqual([{ to: 'ada@example.org', times: 1 }])
      await run(queue.close())
      await run(open().close())
    },
  )

  it('have the type that goes in where they are enqueued, and the one that the schema makes of it where they are handled', async () => {
    const { run, store, clock } = createWorld()
    const schema = z.object({ due: z.iso.datetime().transform((text) => new Date(text)) })
    const queue = createQueue({ name: 'mail', store, schema, runtime: { clock } })
    const due = '2030-01-01T00:00:00.000Z'
    const { id } = await run(queue.enqueue({ due }))
    expectTypeOf(await run(queue.getPayload(id))).toEqualTypeOf<{ due: string }>()
    queue.process(({ payload }) => {
      expectTypeOf(payload).toEqualTypeOf<{ due: Date }>()
      return payload.due.getFullYear()
    })
    expect(await run(queue.waitFor(id))).toBe(2030)
    await run(queue.close())
  })

  it.each([
    ['zod', z.object({ to: z.string() })],
    ['valibot', v.object({ to: v.string() })],
  ])('that a schema of %s does not take any more go to the dead letters at once', async (_, schema) => {
    const { open, run, store, clock } = createWorld()
    const old = open<unknown>()
    await run(old.enqueue({ to: 5 }))
    await run(old.close())
    const queue = createQueue({ name: 'jobs', store, schema, runtime: { clock } })
    const seen = record(queue, 'died')
    queue.process(() => {
      throw new Error('never called')
    })
    await run(queue.drain())
    expect(seen[0]?.event).toMatchObject({
      attempt: 1,
      reason: 'not-retriable',
      failures: [{ name: 'InvalidPayload', message: expect.stringContaining('to: ') }],
    })
    await run(queue.close())
  })

  /** A Standard Schema of one function. */
  const schemaOf = (validate: (value: unknown) => unknown): StandardSchemaV1 => ({
    '~standard': { version: 1, vendor: 'test', validate: validate as StandardSchemaV1['~standard']['validate'] },
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('schema is broken')
      },
    ],
    ['rejects', () => Promise.reject(new Error('schema is broken'))],
  ])('whose schema %s are refused with its reason, and before the handler buried', async (_, validate) => {
    const { open, run, store } = createWorld()
    const queue = open({ schema: schemaOf(validate) })
    await expect(run(queue.enqueue('x'))).rejects.toThrow(/schema threw.*schema is broken/)
    await expect(run(queue.enqueueMany(['x', 'y']))).rejects.toThrow(InvalidPayload)
    expect(store.size).toBe(0)
    await run(queue.close())
    const old = open()
    await run(old.enqueue('x'))
    await run(old.close())
    const worker = open({ schema: schemaOf(validate) })
    const seen = record(worker, 'died')
    worker.process(() => 'never called')
    await run(worker.drain())
    expect(seen[0]?.event).toMatchObject({ failures: [{ message: expect.stringContaining('schema is broken') }] })
    await run(worker.close())
  })

  it('whose schema never answers are refused after a while, and keep nobody from closing', async () => {
    const { open, run, clock, store } = createWorld()
    const queue = open({ schema: schemaOf(() => new Promise(() => {})), acknowledgeTimeoutMs: 5000 })
    const refused = Promise.allSettled([queue.enqueue('x'), queue.enqueueMany(['x', 'y'])])
    const before = clock.monotonic()
    await run(queue.close())
    expect(clock.monotonic() - before).toBe(5000)
    for (const { status, ...why } of await run(refused)) {
      expect(status).toBe('rejected')
      expect(why).toMatchObject({ reason: { code: 'INVALID_PAYLOAD', message: expect.stringContaining('5000 ms') } })
    }
    expect(store.size).toBe(0)
  })

  it('are gone once their messages are done, also where that happens while one is read', async () => {
    const { open, run, clock, store } = createWorld()
    let delay: Promise<void> | undefined
    const slow = intercept(store, '/payloads/', {
      get: async (key, options) => {
        await delay
        return store.get(key, options)
      },
    })
    const queue = open<string>({ store: slow, offloadAboveBytes: 10 })
    const { id } = await run(queue.enqueue('x'.repeat(100)))
    queue.process(() => sleep(clock, 1000))
    await clock.advance(500)
    delay = sleep(clock, 10_000)
    const error = {
      code: 'MESSAGE_NOT_FOUND',
      message: expect.stringContaining('is completed, and its payload is gone'),
    }
    await expect(run(queue.getPayload(id))).rejects.toMatchObject(error)
    await expect(run(queue.getPayload(id))).rejects.toMatchObject(error)
    await expect(run(queue.getPayload('nobody'))).rejects.toThrow(/knows no message "nobody"/)
    await run(queue.close())
  })

  it('are all checked before any is written', async () => {
    const { open, run, store } = createWorld()
    const isShort = (value: unknown): boolean => typeof value === 'string' && value.length < 1000
    const schema = schemaOf(async (value) => (isShort(value) ? { value } : { issues: [{ message: 'too long' }] }))
    const queue = open({ schema, offloadAboveBytes: 100 })
    await expect(run(queue.enqueueMany(['x'.repeat(500), 'y'.repeat(5000)]))).rejects.toThrow(/too long/)
    expect(store.size).toBe(0)
    await run(queue.close())
  })

  it('may be checked by a schema that takes its time, and are then as they were when they were enqueued', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<{ to: string }>({
      schema: schemaOf(async (value) => {
        await sleep(clock, 100)
        return { value }
      }),
    })
    const payload = { to: 'ada' }
    const enqueued = Promise.all([queue.enqueue(payload), queue.enqueueMany([payload])])
    payload.to = 'eve'
    await run(enqueued)
    const handled: string[] = []
    queue.process((message) => void handled.push(message.payload.to))
    await run(queue.drain())
    expect(handled).toEqual(['ada', 'ada'])
    await run(queue.close())
  })

  it('that are bytes are checked, too, as copies', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<Uint8Array>({
      schema: schemaOf(async (value) => {
        await sleep(clock, 100)
        const fits = value instanceof Uint8Array && value[0] === 1
        return fits ? { value } : { issues: [{ message: 'begins with another byte' }] }
      }),
    })
    const bytes = Uint8Array.from([1, 2])
    const enqueued = queue.enqueue(bytes)
    bytes.fill(9)
    await run(enqueued)
    await expect(run(queue.enqueue(bytes))).rejects.toThrow(/begins with another byte/)
    await run(queue.close())
  })
})

describe('options of a message', () => {
  it.each([
    [{ delayMs: -1 }, /delayMs/],
    [{ delayMs: 1.5 }, /delayMs/],
    [{ delayMs: Number.POSITIVE_INFINITY }, /delayMs/],
    [{ at: Number.NaN }, /"at"/],
    [{ at: new Date('nonsense') }, /"at"/],
    [{ at: 5, delayMs: 5 }, /together/],
    [{ priority: 1001 }, /"priority"/],
    [{ priority: 0.5 }, /"priority"/],
    [{ id: '' }, /"id"/],
    [{ id: 'x'.repeat(201) }, /one of 201/],
    [{ id: '0123456789ABCDEF-1a' }, /looks like an id/],
    [{ deduplicationKey: '' }, /"deduplicationKey"/],
    [{ deduplicationKey: 'x'.repeat(201) }, /one of 201/],
    [{ id: 'x', deduplicationWindowMs: -1 }, /"deduplicationWindowMs"/],
    [{ id: 'x', deduplicationWindowMs: 31 * 24 * 3_600_000 + 1 }, /"deduplicationWindowMs"/],
    [{ backoff: [] }, /must be an object, not an array/],
    [{ backoff: { baseMs: 500, maxMs: 400 } }, /"maxMs" must be at least baseMs/],
    [{ deduplicationWindowMs: 5 }, /means nothing/],
    [{ maxAttempts: 0 }, /"maxAttempts"/],
    [{ backoff: { baseMs: -1 } }, /"baseMs"/],
    [{ backoff: { jitter: 2 } }, /"jitter"/],
    [{ prority: 3 }, /Did you mean "priority"/],
    [Promise.resolve({ id: 'x' }), /not a Promise\. Await it first/],
    [new Map([['id', 'x']]), /not a Map/],
    [new Date(), /not a Date/],
    [null, /not null/],
  ])('refuses %o', async (options, message) => {
    const { open, run, store } = createWorld()
    const queue = open()
    await expect(run(queue.enqueue('x', options as never))).rejects.toThrow(message)
    expect(store.size).toBe(0)
    await run(queue.close())
  })

  it('refuses the promises of an async function for many messages', async () => {
    const { open, run, store } = createWorld()
    const queue = open<string>()
    const options = async (payload: string) => ({ id: payload })
    await expect(run(queue.enqueueMany(['a', 'b'], options as never))).rejects.toThrow('Await it first')
    expect(store.size).toBe(0)
    await run(queue.close())
  })

  it('refuses one id for several messages', async () => {
    const { open, run } = createWorld()
    const queue = open()
    await expect(run(queue.enqueueMany(['a', 'b'], { id: 'x' }))).rejects.toThrow(InvalidOption)
    await run(queue.close())
  })

  it('go before those of the queue', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ maxAttempts: 1, backoff: { baseMs: 1000 } })
    await run(queue.enqueue('x', { maxAttempts: 3, backoff: { baseMs: 50, maxMs: 50 } }))
    const at: number[] = []
    queue.process(() => {
      at.push(clock.now())
      throw new Error('no')
    })
    await run(queue.drain())
    expect(at).toHaveLength(3)
    expect((at[2] ?? 0) - (at[0] ?? 0)).toBeLessThan(300)
    await run(queue.close())
  })
})

describe('calls of one turn of the event loop', () => {
  it('share a commit and a run', async () => {
    const { open, run, store } = createWorld()
    const queue = open<number>()
    const ids = await run(Promise.all(Array.from({ length: 1000 }, (_, n) => queue.enqueue(n))))
    expect(new Set(ids.map(({ id }) => id)).size).toBe(1000)
    const commits = [...store.snapshot().keys()].filter((key) => key.includes('/log/'))
    expect(commits.length).toBeLessThanOrEqual(3)
    await run(queue.close())
  })
})
