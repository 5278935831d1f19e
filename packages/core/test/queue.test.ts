import { createMemoryStore } from '@s3queue/storage-memory'
import { describe, expect, it } from 'vitest'
import { createQueue } from '../src/index.ts'
import { createWorld, record } from './support.ts'

describe('a queue in one process', () => {
  it('hands each message to a handler once and counts it', async () => {
    const { open, run } = createWorld()
    const queue = open<{ n: number }>()
    const handled: number[] = []
    const { id } = await run(queue.enqueue({ n: 0 }))
    const ids = await run(queue.enqueueMany(Array.from({ length: 500 }, (_, n) => ({ n: n + 1 }))))
    expect(new Set([id, ...ids.map((enqueued) => enqueued.id)]).size).toBe(501)
    expect(await run(queue.getStats())).toEqual({
      waiting: 501,
      delayed: 0,
      active: 0,
      completed: 0,
      dead: 0,
      total: 501,
    })

    const worker = queue.process(({ payload }) => void handled.push(payload.n), { concurrency: 10 })
    await run(queue.drain())
    await run(worker.stop())
    expect(handled).toEqual(Array.from({ length: 501 }, (_, n) => n))
    expect(await run(queue.getStats())).toEqual({
      waiting: 0,
      delayed: 0,
      active: 0,
      completed: 501,
      dead: 0,
      total: 501,
    })
    await run(queue.close())
  })

  it('is in the store and nowhere else: a new process finds everything', async () => {
    const { open, run } = createWorld()
    const first = open<string>()
    await run(first.enqueueMany(['a', 'b', 'c']))
    await run(first.close())

    const second = open<string>()
    const handled: string[] = []
    second.process(({ payload }) => void handled.push(payload))
    await run(second.drain())
    expect(handled).toEqual(['a', 'b', 'c'])
    expect((await run(second.getStats())).completed).toBe(3)
    await run(second.close())
  })

  it('leaves no timer behind when it is closed', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<number>()
    queue.process(() => {}, { concurrency: 2 })
    await run(queue.enqueueMany([1, 2, 3]))
    await run(queue.drain())
    await run(queue.close())
    expect(clock.pendingTimers).toBe(0)
  })

  it('tells a handler all about its message', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<{ to: string }>({ visibilityTimeoutMs: 10_000, maxAttempts: 5 })
    const { id } = await run(queue.enqueue({ to: 'ada' }))
    const seen: unknown[] = []
    const worker = queue.process((message, context) => {
      seen.push(message, {
        ...{ id: context.id, attempt: context.attempt, maxAttempts: context.maxAttempts, workerId: context.workerId },
        ...{ enqueued: context.enqueuedAt <= clock.now(), claimed: context.claimedAt <= clock.now() },
        ...{ left: context.deadline - clock.now(), token: context.fencingToken, aborted: context.signal.aborted },
      })
    })
    await run(queue.drain())
    expect(seen).toEqual([
      { id, payload: { to: 'ada' } },
      {
        id,
        attempt: 1,
        maxAttempts: 5,
        workerId: worker.id,
        enqueued: true,
        claimed: true,
        left: expect.any(Number),
        token: 1,
        aborted: false,
      },
    ])
    await run(queue.close())
  })

  it('emits one event for each step, after it is durable', async () => {
    const { open, run } = createWorld()
    const queue = open<number>({ backoff: { baseMs: 100 } })
    const seen = record(queue, 'promoted', 'enqueued', 'claimed', 'started', 'retried', 'completed', 'demoted')
    await run(queue.enqueue(7))
    queue.process((_, { attempt }) => {
      if (attempt === 1) throw new TypeError('not yet')
    })
    await run(queue.drain())
    await run(queue.close())
    expect(seen.map(({ name }) => name)).toEqual([
      ...['promoted', 'enqueued', 'claimed', 'started', 'retried', 'claimed', 'started', 'completed', 'demoted'],
    ])
    expect(seen.find(({ name }) => name === 'retried')?.event).toMatchObject({
      attempt: 1,
      maxAttempts: 3,
      error: { name: 'TypeError', message: 'not yet' },
    })
  })

  it('lets the event loop turn while handlers do nothing but compute', async () => {
    const queue = createQueue<number>({ name: 'busy', store: createMemoryStore() })
    await queue.enqueueMany(Array.from({ length: 100 }, (_, n) => n))
    let turns = 0
    const count = (): void => {
      turns++
      turn = setImmediate(count)
    }
    let turn = setImmediate(count)
    queue.process(
      () => {
        const until = performance.now() + 2
        while (performance.now() < until);
      },
      { concurrency: 100 },
    )
    await queue.drain()
    clearImmediate(turn)
    await queue.close()
    // 200 ms of work, and a turn at least every 10 ms or so.
    expect(turns).toBeGreaterThan(10)
  })

  it('does not let a listener that throws do any harm', async () => {
    const { open, run } = createWorld()
    const errors: string[] = []
    const queue = open<number>({ logger: { warn: () => {}, error: (message) => errors.push(message) } })
    queue.on('enqueued', () => {
      throw new Error('clumsy')
    })
    await run(queue.enqueue(1))
    expect(errors).toEqual([expect.stringContaining('clumsy')])
    await run(queue.close())
  })
})

describe('a listener that throws what has no text', () => {
  it.each(['at once', 'later'])('harms nobody (%s)', async (when) => {
    const { open, run } = createWorld()
    const queue = open<number>()
    queue.on('completed', () => {
      const nothing: unknown = Object.create(null)
      if (when === 'later') return Promise.reject(nothing)
      throw nothing
    })
    const demoted = record(queue, 'demoted')
    queue.process(({ payload }) => payload)
    const { id } = await run(queue.enqueue(1))
    expect(await run(queue.waitFor(id))).toBe(1)
    expect(demoted).toEqual([])
    await run(queue.close())
  })
})

describe('retries and dead letters', () => {
  it('retries with exponential backoff and moves to the dead letters after the last attempt', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ maxAttempts: 4, backoff: { baseMs: 1000, maxMs: 3000 } })
    const attempts: number[] = []
    const seen = record(queue, 'died')
    const { id } = await run(queue.enqueue('x'))
    queue.process((_, { attempt }) => {
      attempts.push(clock.now())
      throw new Error(`attempt ${attempt}`)
    })
    await run(queue.drain())
    const waits = attempts.slice(1).map((at, i) => at - (attempts[i] as number))
    for (const [i, wait] of [1000, 2000, 3000].entries()) expect(waits[i]).toBeGreaterThanOrEqual(wait)
    for (const [i, wait] of [1000, 2000, 3000].entries()) expect(waits[i]).toBeLessThan(wait + 50)
    expect(seen[0]?.event).toMatchObject({ id, attempt: 4, reason: 'attempts-used-up' })
    expect(seen[0]?.event).toHaveProperty('failures.length', 4)
    expect(await run(queue.getStats())).toMatchObject({ dead: 1, completed: 0, total: 1 })
    await run(queue.close())
  })

  it('does not try again what is not retriable', async () => {
    const { open, run } = createWorld()
    const queue = open<string>()
    const seen = record(queue, 'died', 'retried')
    await run(queue.enqueue('x'))
    queue.process(() => Promise.reject(Object.assign(new Error('no such mailbox'), { retriable: false })))
    await run(queue.drain())
    expect(seen).toEqual([{ name: 'died', event: expect.objectContaining({ reason: 'not-retriable', attempt: 1 }) }])
    await run(queue.close())
  })

  it.each([
    ['a string', 'boom'],
    ['nothing', undefined],
    [
      'a cycle',
      (() => {
        const o: { self?: unknown } = {}
        o.self = o
        return o
      })(),
    ],
    ['null', null],
    ['an error whose message is a number', Object.assign(new Error('x'), { message: 42 })],
    [
      'an error whose message cannot be read',
      Object.defineProperty(new Error('x'), 'message', {
        get() {
          throw new Error('no')
        },
      }),
    ],
    [
      'what tells nothing of itself',
      (() => {
        const { proxy, revoke } = Proxy.revocable({}, {})
        revoke()
        return proxy
      })(),
    ],
  ])('takes a handler that throws %s as a failed attempt', async (_, thrown) => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    const seen = record(queue, 'died')
    await run(queue.enqueue('x'))
    queue.process(() => {
      throw thrown
    })
    await run(queue.drain())
    expect(seen).toHaveLength(1)
    await run(queue.close())
  })
})
