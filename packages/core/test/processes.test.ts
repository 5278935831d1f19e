import { sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { Cancelled, Released } from '../src/index.ts'
import { createWorld, mortalStore, record } from './support.ts'

describe('several processes on one queue', () => {
  it('produces through the inbox while another process writes', async () => {
    const { open, run, store } = createWorld()
    const writer = open<string>()
    const handled: string[] = []
    writer.process(({ payload }) => void handled.push(payload))
    await run(writer.enqueue('a'))
    const producer = open<string>()
    const seen = record(producer, 'promoted')
    await run(producer.enqueueMany(['b', 'c']))
    expect(seen).toEqual([])
    expect([...store.snapshot().keys()].filter((key) => key.includes('/inbox/'))).toHaveLength(1)
    expect(await run(producer.getStats())).toMatchObject({ total: 3 })
    await run(producer.drain())
    expect(handled).toEqual(['a', 'b', 'c'])
    expect(await run(writer.getStats())).toMatchObject({ completed: 3, total: 3 })
    await run(producer.close())
    await run(writer.close())
    expect([...store.snapshot().keys()].filter((key) => key.includes('/inbox/'))).toEqual([])
  })

  it('takes over from a process that died, after takeoverAfterMs', async () => {
    const { open, run, clock, store } = createWorld()
    const mortal = mortalStore(store)
    const first = open<string>({ store: mortal.store, takeoverAfterMs: 3000, visibilityTimeoutMs: 2000 })
    first.process(() => new Promise(() => {}))
    await run(first.enqueueMany(['a', 'b']))
    await clock.advance(50)
    const second = open<string>({ takeoverAfterMs: 3000, visibilityTimeoutMs: 2000 })
    const seen = record(second, 'promoted')
    const handled: string[] = []
    second.process(({ payload }, { attempt }) => void handled.push(`${payload}${attempt}`))
    await clock.advance(100)
    expect(seen).toEqual([])
    mortal.die()
    const before = clock.monotonic()
    await run(second.drain())
    expect(seen).toHaveLength(1)
    // The claim of the dead process runs out in full first; what was never claimed is handled at once.
    expect(handled).toEqual(['b1', 'a2'])
    expect(clock.monotonic() - before).toBeLessThan(3000 + 2000 + 3000)
    await run(second.close())
  })

  it('a process without a worker takes over from one that died, if it waits for what that one would have done', async () => {
    const { open, run, clock, store } = createWorld()
    const mortal = mortalStore(store)
    const first = open<string>({ store: mortal.store, takeoverAfterMs: 3000 })
    await run(first.enqueue('a', { id: 'a' }))
    mortal.die()
    const producer = open<string>({ takeoverAfterMs: 3000 })
    const before = clock.monotonic()
    await run(producer.enqueue('b', { id: 'b' }))
    // In the inbox, which nobody reads. What is known of it is known once somebody has.
    expect(await run(producer.get('b'))).toMatchObject({ id: 'b', status: 'waiting' })
    expect(await run(producer.cancel('a'))).toBe(true)
    expect(clock.monotonic() - before).toBeLessThan(3000 + 3000)
    expect(await run(producer.getStats())).toMatchObject({ waiting: 1 })
    await run(producer.close())
  })

  it.each([0, 3000, 7000, 9900])(
    'takes over in time however long after its last sign a process dies (%i ms)',
    async (afterMs) => {
      const { open, run, clock, store } = createWorld()
      const mortal = mortalStore(store)
      const first = open<string>({ store: mortal.store })
      first.process(() => {})
      await run(first.enqueue('a'))
      await run(first.drain())
      const second = open<string>()
      const seen = record(second, 'promoted')
      second.process(() => {})
      await clock.advance(40_000 + afterMs)
      expect(seen).toEqual([])
      mortal.die()
      await clock.advance(32_000)
      expect(seen).toHaveLength(1)
      await run(second.close())
    },
  )

  it('fences a writer that was paused: its late work is refused, nothing is lost', async () => {
    const { open, run, clock, store } = createWorld()
    let paused = false
    const held: (() => void)[] = []
    const pass = async (): Promise<void> => {
      if (paused) await new Promise<void>((resolve) => held.push(resolve))
    }
    const pausing: typeof store = {
      ...store,
      get: (key, options) => pass().then(() => store.get(key, options)),
      put: (key, body, options) => pass().then(() => store.put(key, body, options)),
      list: (options) => pass().then(() => store.list(options)),
      delete: (keys, options) => pass().then(() => store.delete(keys, options)),
    }
    const options = { takeoverAfterMs: 2000, visibilityTimeoutMs: 1000 }
    const first = open<string>({ ...options, store: pausing })
    const firstSaw = record(first, 'demoted', 'completed')
    first.process(async ({ payload }) => {
      if (payload === 'slow') await sleep(clock, 8000)
    })
    await run(first.enqueue('slow'))
    await clock.advance(10)
    paused = true
    const enqueued = first.enqueue('late')
    const second = open<string>(options)
    const handled: string[] = []
    second.process(({ payload }) => void handled.push(payload))
    await run(second.drain())
    expect(handled).toEqual(['slow'])
    paused = false
    for (const resume of held.splice(0)) resume()
    await run(enqueued)
    await run(second.drain())
    expect(handled).toEqual(['slow', 'late'])
    expect(firstSaw.map(({ name }) => name)).toEqual(['demoted'])
    expect(await run(second.getStats())).toMatchObject({ completed: 2, total: 2 })
    // What the first one said of "slow" came through the inbox, was refused, and is gone.
    await clock.advance(60_000)
    expect([...store.snapshot().keys()].filter((key) => key.includes('/inbox/'))).toEqual([])
    await run(second.close())
    await run(first.close())
  })

  it('gives way to a process that has a worker, when the writer has none', async () => {
    const { open, run } = createWorld()
    const producer = open<string>()
    await run(producer.enqueue('a'))
    const worker = open<string>()
    const handled: string[] = []
    worker.process(({ payload }) => void handled.push(payload))
    await run(worker.drain())
    expect(handled).toEqual(['a'])
    await run(producer.enqueue('b'))
    await run(worker.drain())
    expect(handled).toEqual(['a', 'b'])
    await run(producer.close())
    await run(worker.close())
  })

  it('takes a writer that died long ago for dead by the clock of the store', async () => {
    const { open, run, clock, store } = createWorld()
    const first = open<string>({ takeoverAfterMs: 10_000 })
    first.process(() => {})
    await run(first.enqueue('a'))
    await run(first.drain())
    const frozen = store.clone()
    await clock.advance(60_000)
    const second = open<string>({ store: frozen, takeoverAfterMs: 10_000 })
    const before = clock.monotonic()
    second.process(() => {})
    const seen = record(second, 'promoted')
    await run(second.enqueue('b'))
    await run(second.drain())
    expect(seen).toHaveLength(1)
    expect(clock.monotonic() - before).toBeLessThan(1000)
    await run(second.close())
    await run(first.close())
  })

  it('sees exact numbers without writing', async () => {
    const { open, run } = createWorld()
    const writer = open<number>()
    writer.process(({ payload }) => {
      if (payload === 3) throw Object.assign(new Error('no'), { retriable: false })
    })
    await run(writer.enqueueMany([1, 2, 3, 4]))
    await run(writer.drain())
    const reader = open<number>()
    expect(await run(reader.getStats())).toEqual({ waiting: 0, delayed: 0, active: 0, completed: 3, dead: 1, total: 4 })
    await run(reader.close())
    await run(writer.close())
  })
})

describe('an inbox that has filled up', () => {
  it('is counted exactly and taken in whole, however many objects there are', async () => {
    const { open, run, store } = createWorld()
    const writer = open<number>()
    writer.process(() => new Promise(() => {}), { maxPrefetch: 0 })
    await run(writer.enqueue(0))
    let listed = 0
    const producer = open<number>({
      store: { ...store, list: (options) => store.list({ ...options, limit: 20 }).finally(() => listed++) },
    })
    for (let n = 0; n < 90; n++) await run(producer.enqueue(n))
    expect((await run(producer.getStats())).total).toBe(91)
    expect(listed).toBeGreaterThan(4)
    expect((await run(writer.getStats())).total).toBe(91)
    await run(producer.close())
    expect((await run(writer.getStats())).total).toBe(91)
  })
})

describe('a process that does not write', () => {
  it('operates and looks as the writer does', async () => {
    const { open, run, clock } = createWorld()
    const writer = open<string>({ maxAttempts: 1 })
    const signals = new Map<string, AbortSignal>()
    writer.process(
      ({ payload }, { signal, attempt }) => {
        signals.set(`${payload}${attempt}`, signal)
        if (payload.startsWith('dead')) throw new Error('no')
        return payload.startsWith('long') && attempt === 1 ? new Promise(() => {}) : undefined
      },
      { concurrency: 3, maxPrefetch: 0 },
    )
    await run(writer.enqueueMany(['dead1', 'dead2', 'dead3'], (payload) => ({ id: payload })))
    await run(writer.drain())
    await run(writer.enqueueMany(['long1', 'long2', 'long3'], (id) => ({ id, maxAttempts: 2 })))
    await clock.advance(100)
    const elsewhere = open<string>()
    await run(elsewhere.enqueueMany(['wait1', 'wait2', 'wait3'], (id) => ({ id })))
    await run(elsewhere.enqueue('later', { id: 'later', delayMs: 3_600_000 }))

    expect(await run(elsewhere.get('long1'))).toMatchObject({ status: 'active', attempts: 1 })
    expect(await run(elsewhere.get('wait1'))).toMatchObject({ status: 'waiting' })
    expect(await run(elsewhere.getPayload('wait3'))).toBe('wait3')
    const dead = await run(elsewhere.list({ status: 'dead', limit: 2 }))
    expect(dead.messages.map(({ id }) => id)).toEqual(['dead1', 'dead2'])
    const rest = await run(elsewhere.list({ status: 'dead', after: dead.next }))
    expect(rest.messages.map(({ id }) => id)).toEqual(['dead3'])
    const stats = { waiting: 3, delayed: 1, active: 3, completed: 0, dead: 3, total: 10 }
    expect(await run(elsewhere.getStats())).toEqual(stats)

    for (const id of ['wait1', 'later', 'long1']) expect(await run(elsewhere.cancel(id))).toBe(true)
    expect(signals.get('long11')?.reason).toBeInstanceOf(Cancelled)
    expect(await run(elsewhere.release('long2'))).toBe(true)
    expect(signals.get('long21')?.reason).toBeInstanceOf(Released)
    for (const id of ['later', 'dead1', 'nobody']) expect(await run(elsewhere.cancel(id))).toBe(false)
    expect(await run(elsewhere.redrive(({ id }) => id === 'dead1'))).toBe(1)
    expect(await run(elsewhere.redrive(['dead2', 'nobody']))).toBe(1)
    expect(await run(elsewhere.forget('dead3'))).toBe(1)
    expect(await run(elsewhere.pause())).toBe(true)
    await run(elsewhere.enqueue('purged', { id: 'purged' }))
    expect(await run(elsewhere.purge())).toBe(1)
    expect(await run(elsewhere.resume())).toBe(true)
    expect(await run(elsewhere.release('long3'))).toBe(true)
    await run(elsewhere.drain())
    expect(await run(elsewhere.getStats())).toMatchObject({ completed: 4, dead: 2, total: 6 })
    await run(elsewhere.close())
    await run(writer.close())
  })
})
