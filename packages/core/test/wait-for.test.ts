import { getEventListeners } from 'node:events'
import { createIds, seededRandom, sleep, withLatency } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { MessageDied, MessageNotFound, QueueClosed } from '../src/index.ts'
import { createWorld, intercept } from './support.ts'

const FORGETFUL = { retention: { completedCount: 0, deadCount: 0 } }

/** The error of a call that must fail. */
async function rejection(call: Promise<unknown>): Promise<MessageDied> {
  try {
    await call
  } catch (error) {
    return error as MessageDied
  }
  throw new Error('It did not fail.')
}

describe('waitFor', () => {
  it('gives the results of all, also where the queue remembers none of them', async () => {
    const { open, run } = createWorld()
    const queue = open<number>(FORGETFUL)
    const enqueued = await run(queue.enqueueMany(Array.from({ length: 3000 }, (_, n) => n)))
    const results = Promise.all(enqueued.map(({ id }) => queue.waitFor(id)))
    queue.process(({ payload }) => ({ twice: 2 * payload }), { concurrency: 100 })
    expect(await run(results)).toEqual(enqueued.map((_, n) => ({ twice: 2 * n })))
    await run(queue.close())
  })

  it.each([true, false])('says how a message died, where the queue remembers it (%s)', async (remembers) => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({
      maxAttempts: 2,
      backoff: { baseMs: 0 },
      visibilityTimeoutMs: 1000,
      ...(remembers ? {} : FORGETFUL),
    })
    const [thrown, hung] = await run(queue.enqueueMany(['throws', 'hangs']))
    const errors = Promise.all([thrown, hung].map((message) => rejection(queue.waitFor(message?.id ?? ''))))
    queue.process(
      ({ payload }, { attempt }) => {
        if (payload === 'throws') throw new TypeError(`no ${attempt}`)
        return sleep(clock, 60_000)
      },
      { concurrency: 2, autoExtend: false },
    )
    const [first, second] = await run(errors)
    expect(first).toBeInstanceOf(MessageDied)
    expect(first).toMatchObject({ code: 'MESSAGE_DIED', reason: 'attempts-used-up' })
    expect(first?.message).toMatch(/dead letters \(attempts-used-up\): TypeError: no 2/)
    expect(first?.failures).toMatchObject([
      { attempt: 1, message: 'no 1' },
      { attempt: 2, message: 'no 2' },
    ])
    expect(second).toMatchObject({ reason: 'timed-out', failures: [{}, {}] })
    await clock.advance(120_000)
    await run(queue.close())
  })

  it.each(['cancel', 'purge'] as const)('ends when the message is gone by %s', async (how) => {
    const { open, run } = createWorld()
    const queue = open<string>()
    const { id } = await run(queue.enqueue('a'))
    const outcome = rejection(queue.waitFor(id))
    await run<unknown>(how === 'cancel' ? queue.cancel(id) : queue.purge())
    expect(await run(outcome)).toBeInstanceOf(MessageNotFound)
    await run(queue.close())
  })

  it.each(['the writer', 'another process'])(
    'in %s hears of what another worker does, and of the end of the queue',
    async (where) => {
      const { open, run, clock } = createWorld()
      const writer = open<string>()
      await run(writer.enqueue('first'))
      const other = open<string>()
      const waiting = where === 'the writer' ? writer : other
      const { id } = await run(other.enqueue('a'))
      const { id: never } = await run(other.enqueue('later', { delayMs: 3_600_000 }))
      const result = waiting.waitFor(id)
      const end = rejection(waiting.waitFor(never))
      await clock.advance(1000)
      writer.process(({ payload }) => `${payload} is done`)
      expect(await run(result)).toBe('a is done')
      await run(waiting.close())
      expect(await run(end)).toBeInstanceOf(QueueClosed)
      await run(writer.close())
      await run(other.close())
    },
  )

  it('ends with its signal, also while the store does not answer', async () => {
    const { open, run, clock, store } = createWorld()
    let isDown = false
    const never = new Promise<never>(() => {})
    const queue = open<string>({
      store: intercept(store, '', {
        put: (key, body, options) => (isDown ? never : store.put(key, body, options)),
        list: (options) => (isDown ? never : store.list(options)),
      }),
    })
    const { id } = await run(queue.enqueue('a'))
    isDown = true
    void queue.enqueue('on its way').catch(() => {})
    await clock.advance(10)
    const why = new Error('enough')
    const [ended, before] = [new AbortController(), clock.monotonic()]
    clock.setTimer(1000, () => ended.abort(why))
    expect(await run(rejection(queue.waitFor(id, { signal: ended.signal })))).toBe(why)
    expect(await run(rejection(queue.drain({ signal: ended.signal })))).toBe(why)
    expect(clock.monotonic() - before).toBe(1000)
    // So does a deadline: no process of a few seconds learns of an outage after a minute.
    expect(await run(queue.drain({ deadlineMs: 1000 }))).toEqual({ drained: false, handled: 0 })
    expect(clock.monotonic() - before).toBe(2000)
  })

  it.each(['the process that enqueued it', 'the writer'])(
    'in %s gives the result of the message that has an id now, not that of one before it',
    async (where) => {
      const { open, run } = createWorld()
      const writer = open<string>({ deduplicationWindowMs: 0 })
      writer.process(({ payload }) => payload)
      await run(writer.enqueue('first', { id: 'report' }))
      expect(await run(writer.waitFor('report'))).toBe('first')
      const other = open<string>({ deduplicationWindowMs: 0 })
      await run(other.enqueue('second', { id: 'report' }))
      const queue = where === 'the writer' ? writer : other
      expect(await run(queue.waitFor('report'))).toBe('second')
      await run(other.enqueue('third', { id: 'report', delayMs: 60_000 }))
      expect(await run(queue.get('report'))).toMatchObject({ status: 'delayed' })
      for (const one of [other, writer]) await run(one.close())
    },
  )

  it('goes on through a change of the writer', async () => {
    const { open, run, clock } = createWorld()
    const first = open<string>({ takeoverAfterMs: 1000 })
    const { id } = await run(first.enqueue('a'))
    const second = open<string>({ takeoverAfterMs: 1000 })
    const result = second.waitFor(id)
    await clock.advance(500)
    await run(first.close())
    second.process(({ payload }) => payload.toUpperCase())
    expect(await run(result)).toBe('A')
    await run(second.close())
  })

  it.each(['the writer', 'another process'])(
    'in %s ends with its signal at once, and leaves nothing behind',
    async (where) => {
      const { open, run, clock } = createWorld()
      const writer = open<string>()
      const { id } = await run(writer.enqueue('a'))
      const queue = where === 'the writer' ? writer : open<string>()
      const abort = new AbortController()
      const outcomes = Promise.all(
        Array.from({ length: 50 }, () => rejection(queue.waitFor(id, { signal: abort.signal }))),
      )
      await clock.advance(10_000)
      const before = clock.monotonic()
      abort.abort(new Error('enough'))
      for (const outcome of await run(outcomes)) expect(outcome).toMatchObject({ message: 'enough' })
      expect(clock.monotonic() - before).toBeLessThan(10)
      expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0)
      await run(queue.close())
      await run(writer.close())
    },
  )

  const FEW_KEPT = [{ completedCount: 0 }, { completedCount: 1000 }]

  it.each(FEW_KEPT)(
    'in another process gives 5,000 results where the retention is %o, however they are waited for',
    async (retention) => {
      const { open, run, clock, store } = createWorld()
      const slow = { putMs: 30, getMs: 20, listMs: 30 }
      const writer = open<number>({ retention, store: withLatency(store, { clock, ...slow }) })
      await run(writer.enqueue(-1))
      writer.process(({ payload }) => ({ twice: 2 * payload }), { concurrency: 100 })
      await run(writer.drain())
      const other = open<number>({ store: withLatency(store, { clock, ...slow }) })
      const count = 5000
      const twice = Array.from({ length: count }, (_, n) => ({ twice: 2 * n }))
      const enqueued = await run(other.enqueueMany(Array.from({ length: count }, (_, n) => n)))
      expect(await run(Promise.all(enqueued.map(({ id }) => other.waitFor(id))))).toEqual(twice)
      const oneByOne = async (): Promise<unknown[]> => {
        const results: unknown[] = []
        for (const { id } of await other.enqueueMany(Array.from({ length: count }, (_, n) => n)))
          results.push(await other.waitFor(id))
        return results
      }
      expect(await run(oneByOne())).toEqual(twice)
      for (const one of [other, writer]) await run(one.close())
    },
  )

  it('in another process gives results while snapshots replace the commits that hold them', async () => {
    const { open, run, clock, store } = createWorld()
    const random = seededRandom(5)
    const runtime = { clock, random, ids: createIds(clock, random), snapshotAfterCommits: 2 }
    const writer = open<number>({ retention: { completedCount: 0, deadCount: 0 }, maxAttempts: 1, runtime })
    const other = open<number>({ store: withLatency(store, { clock, getMs: 20 }) })
    await run(writer.pause())
    await run(writer.resume())
    await run(other.getStats())
    const handled: number[] = []
    writer.process(({ payload }) => {
      handled.push(payload)
      if (payload % 10 === 3) throw new Error(`no ${payload}`)
      return payload
    })
    const ended: Promise<unknown>[] = []
    for (let n = 0; n < 100; n++) {
      const { id } = await run(writer.enqueue(n, { delayMs: 2000 }))
      ended.push(other.waitFor(id).catch((error: unknown) => error))
      await clock.advance(130)
    }
    const all = await run(Promise.all(ended))
    expect(handled).toHaveLength(100)
    for (const [n, end] of all.entries()) {
      if (n % 10 === 3) expect(end).toMatchObject({ code: 'MESSAGE_DIED', failures: [{ message: `no ${n}` }] })
      else expect(end).toBe(n)
    }
    for (const one of [other, writer]) await run(one.close())
  })

  it('in another process gives the end of the message that has an id now, where the queue remembers none', async () => {
    const { open, run, clock } = createWorld()
    const writer = open<string>({ retention: { completedCount: 0 }, deduplicationWindowMs: 0 })
    writer.process(({ payload }) => payload)
    const other = open<string>({ deduplicationWindowMs: 0 })
    for (const payload of ['first', 'second', 'third']) {
      await run(other.enqueue(payload, { id: 'report' }))
      expect(await run(other.waitFor('report'))).toBe(payload)
    }
    await run(other.enqueue('fourth', { id: 'report', delayMs: 60_000 }))
    const fourth = rejection(other.waitFor('report'))
    await clock.advance(10_000)
    expect(await run(other.cancel('report'))).toBe(true)
    expect(await run(fourth)).toBeInstanceOf(MessageNotFound)
    expect(await run(rejection(other.waitFor('report')))).toBeInstanceOf(MessageNotFound)
    for (const one of [other, writer]) await run(one.close())
  })

  it('costs a process that does not write a request for each look, however many wait', async () => {
    const { open, run, clock, store } = createWorld()
    const writer = open<string>()
    const enqueued = await run(writer.enqueueMany(Array.from({ length: 100 }, () => 'x')))
    const other = open<string>({ store: withLatency(store, { clock, getMs: 20 }) })
    const results = Promise.all(enqueued.map(({ id }) => other.waitFor(id)))
    await clock.advance(20_000)
    const before = other.getCost().requests
    await clock.advance(20_000)
    expect(other.getCost().requests - before).toBeLessThan(60)
    writer.process(() => 1)
    await run(results)
    await run(other.close())
    await run(writer.close())
  })
})
