import { InvalidOption, sleep } from '@s3queue/storage'
import { describe, expect, it, vi } from 'vitest'
import {
  complete,
  deadLetter,
  type HandlerContext,
  MessageDied,
  MessageNotFound,
  retry,
  snooze,
  TimeLimitExceeded,
} from '../src/index.ts'
import { createWorld, record } from './support.ts'

describe('outcomes of a handler', () => {
  it('complete with a result, returned or said', async () => {
    const { open, run } = createWorld()
    const queue = open<string>()
    const [a, b, c] = await run(queue.enqueueMany(['plain', 'said', 'none']))
    queue.process(({ payload }) =>
      payload === 'plain' ? { sent: 1 } : payload === 'said' ? complete({ sent: 2 }) : undefined,
    )
    expect(await run(queue.waitFor(a?.id ?? ''))).toEqual({ sent: 1 })
    expect(await run(queue.waitFor(b?.id ?? ''))).toEqual({ sent: 2 })
    expect(await run(queue.waitFor(c?.id ?? ''))).toBeUndefined()
    expect(await run(queue.get(a?.id ?? ''))).toMatchObject({ status: 'completed', attempts: 1, result: { sent: 1 } })
    await run(queue.close())
  })

  it('retry after a wait of its own, counting the attempt', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ backoff: { baseMs: 60_000 } })
    await run(queue.enqueue('x'))
    const at: number[] = []
    queue.process((_, { attempt }) => {
      at.push(clock.now())
      return attempt < 3 ? retry({ afterMs: 100, reason: 'not ready' }) : undefined
    })
    await run(queue.drain())
    expect((at[2] ?? 0) - (at[0] ?? 0)).toBeLessThan(1000)
    await run(queue.close())
  })

  it('retry until the attempts are used up', async () => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 2 })
    const seen = record(queue, 'died')
    await run(queue.enqueue('x'))
    queue.process(() => retry({ afterMs: 0 }))
    await run(queue.drain())
    expect(seen[0]?.event).toMatchObject({ attempt: 2, reason: 'attempts-used-up' })
    await run(queue.close())
  })

  it('go to the dead letters with a reason', async () => {
    const { open, run } = createWorld()
    const queue = open<string>()
    const { id } = await run(queue.enqueue('x'))
    queue.process(() => deadLetter('no such customer'))
    await run(queue.drain())
    expect(await run(queue.get(id))).toMatchObject({
      status: 'dead',
      reason: 'rejected',
      failures: [{ attempt: 1, message: 'no such customer' }],
    })
    await expect(run(queue.waitFor(id))).rejects.toThrow(MessageDied)
    await run(queue.close())
  })

  it('snooze without costing an attempt', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    await run(queue.enqueue('x'))
    const attempts: number[] = []
    const start = clock.now()
    queue.process((_, { attempt }) => {
      attempts.push(attempt)
      return attempts.length < 4 ? snooze(1000) : undefined
    })
    await run(queue.drain())
    expect(attempts).toEqual([1, 1, 1, 1])
    expect(clock.now() - start).toBeGreaterThanOrEqual(3000)
    expect((await run(queue.getStats())).completed).toBe(1)
    await run(queue.close())
  })

  it.each([
    () => snooze(-1),
    () => snooze(undefined as never),
    () => retry({ afterMs: -1 }),
    () => snooze(1.5),
    () => retry({ afterMs: Number.NaN }),
    () => snooze('5' as never),
  ])('refuse durations that are none', (make) => {
    expect(make).toThrow(InvalidOption)
  })

  it('keep so much of an error, and no more', async () => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    const { id } = await run(queue.enqueue('x'))
    queue.process(() => {
      throw Object.assign(new Error('m'.repeat(5000)), { name: 'n'.repeat(1_000_000) })
    })
    await run(queue.drain())
    const { failures } = (await run(queue.get(id))) ?? {}
    expect(failures).toMatchObject([{ name: 'n'.repeat(100), message: 'm'.repeat(2000) }])
    await run(queue.close())
  })

  it.each([
    ['a function', () => () => {}, 'is function'],
    [
      'a cycle',
      () => {
        const o: { o?: unknown } = {}
        o.o = o
        return o
      },
      'circular',
    ],
    ['a bigint', () => 5n, 'BigInt'],
    ['too much', () => 'x'.repeat(70_000), 'has 70002 characters of JSON, more than 65536'],
    ['a Map within', () => ({ counts: [new Map()] }), 'holds something of the kind Map at counts[0]'],
    ['an error within complete()', () => complete({ error: new Error('x') }), 'the kind Error at error'],
  ])('fail the attempt for good if the result is %s', async (_, make, why) => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 5 })
    const { id } = await run(queue.enqueue('x'))
    queue.process(() => make())
    await run(queue.drain())
    const failure = { name: 'InvalidResult', message: expect.stringContaining(why) }
    expect(await run(queue.get(id))).toMatchObject({ status: 'dead', reason: 'not-retriable', failures: [failure] })
    await run(queue.close())
  })

  it('are those of any copy of the package, which an application may load twice', async () => {
    vi.resetModules()
    const another = await import('../src/index.ts')
    expect(another.retry).not.toBe(retry)
    const { open, run } = createWorld()
    const queue = open<string>()
    const outcomes: Record<string, () => unknown> = {
      ...{ retry: () => another.retry({ afterMs: 5, reason: 'later' }), snooze: () => another.snooze(10) },
      ...{ dead: () => another.deadLetter('no'), complete: () => another.complete(1) },
    }
    const seen = record(queue, 'retried', 'snoozed', 'died', 'completed')
    const ids = await run(queue.enqueueMany(Object.keys(outcomes)))
    const visited = new Set<string>()
    queue.process(({ payload }) => {
      const isFirst = !visited.has(payload)
      visited.add(payload)
      return isFirst ? outcomes[payload]?.() : undefined
    })
    await run(queue.drain())
    const nameOf = (id: string) => seen.find(({ event }) => 'id' in event && event.id === id)?.name
    expect(ids.map(({ id }) => nameOf(id))).toEqual(['retried', 'snoozed', 'died', 'completed'])
    await run(queue.close())
  })

  it.each<[string, () => unknown, string]>([
    ['the function retry itself', () => retry, 'returned the function retry itself. Call it: return retry(…)'],
    ['the function snooze itself', () => snooze, 'returned the function snooze itself'],
    ['a copy of one', () => ({ ...retry() }), 'looks like an outcome and is none'],
    ['one that went through JSON', () => JSON.parse(JSON.stringify(deadLetter('no'))), 'looks like an outcome'],
    ['one of a later version', () => Object.assign(retry(), { kind: 'fork' }), 'kind'],
  ])('fail the attempt if the handler returns %s', async (_, make, why) => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    const { id } = await run(queue.enqueue('x'))
    queue.process(make)
    await run(queue.drain())
    const failure = { name: 'InvalidResult', message: expect.stringContaining(why) }
    expect(await run(queue.get(id))).toMatchObject({ status: 'dead', failures: [failure] })
    await run(queue.close())
  })

  it('take a promise of a promise as what it becomes, and a thenable that settles twice once', async () => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    await run(queue.enqueueMany(['a', 'b']))
    queue.process(({ payload }) =>
      payload === 'a'
        ? Promise.resolve(Promise.resolve(null))
        : {
            // biome-ignore lint/suspicious/noThenProperty: a careless thenable is what this test is about
            then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
              resolve('first')
              resolve('second')
              reject(new Error('third'))
            },
          },
    )
    await run(queue.drain())
    expect(await run(queue.getStats())).toMatchObject({ completed: 2, dead: 0 })
    await run(queue.close())
  })

  it('fail the attempt if what the handler returns cannot even be looked at', async () => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    const seen = record(queue, 'died')
    await run(queue.enqueue('x'))
    queue.process(
      () =>
        new Proxy(
          {},
          {
            getPrototypeOf() {
              throw new Error('no')
            },
          },
        ),
    )
    await run(queue.drain())
    expect(seen).toHaveLength(1)
    await run(queue.close())
  })

  it('may fail ten thousand at once', async () => {
    const { open, run } = createWorld()
    const queue = open<number>({ maxAttempts: 2, backoff: { baseMs: 10 } })
    await run(queue.enqueueMany(Array.from({ length: 10_000 }, (_, n) => n)))
    queue.process(() => Promise.reject(new Error('down')), { concurrency: 10_000 })
    await run(queue.drain())
    expect(await run(queue.getStats())).toMatchObject({ dead: 10_000, waiting: 0, active: 0 })
    await run(queue.close())
    // The test runner maps each of the stacks to its source, which takes most of the time.
  }, 60_000)
})

describe('progress and log', () => {
  it('are seen while the handler runs, and kept with the result', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>()
    const { id } = await run(queue.enqueue('x'))
    const finish = Promise.withResolvers<void>()
    queue.process(async (_, context) => {
      context.progress({ percent: 10 })
      context.progress({ percent: 50 })
      context.log('half-way')
      await finish.promise
      context.log('done')
    })
    await clock.advance(1000)
    expect(await run(queue.get(id))).toMatchObject({ status: 'active', progress: { percent: 50 }, log: ['half-way'] })
    finish.resolve()
    await run(queue.drain())
    expect(await run(queue.get(id))).toMatchObject({
      status: 'completed',
      progress: { percent: 50 },
      log: ['half-way', 'done'],
    })
    await run(queue.close())
  })

  it('work as functions on their own, and so does extend', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ visibilityTimeoutMs: 1000 })
    const { id } = await run(queue.enqueue('x'))
    const deadlines: number[] = []
    queue.process(async (_, { log, progress, extend }) => {
      log('begun')
      progress(50)
      deadlines.push((await extend(60_000)) - clock.now())
    })
    await run(queue.drain())
    expect(deadlines[0]).toBeGreaterThan(50_000)
    expect(await run(queue.get(id))).toMatchObject({ status: 'completed', progress: 50, log: ['begun'] })
    await run(queue.close())
  })

  it('are kept up to 100 lines of 1,000 characters, the last ones', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>()
    const { id } = await run(queue.enqueue('x'))
    queue.process(async (_, { log }) => {
      // In two reports: each for itself is within the bounds.
      for (let line = 0; line < 80; line++) log(`first ${line}`)
      await sleep(clock, 5000)
      for (let line = 0; line < 80; line++) log(`${line} ${'x'.repeat(1100)}`)
    })
    await run(queue.drain())
    const { log = [] } = (await run(queue.get(id))) ?? {}
    expect(log).toHaveLength(100)
    expect(log[0]).toBe('first 60')
    expect(log[99]).toBe(`79 ${'x'.repeat(997)}`)
    await run(queue.close())
  })

  it.each([
    ['16,384 characters are taken', 16_384, 'completed'],
    ['one more is refused', 16_385, 'dead'],
  ])('of progress: %s', async (_, length, status) => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    const { id } = await run(queue.enqueue('x'))
    queue.process((_, { progress }) => progress('x'.repeat(length - 2)))
    await run(queue.drain())
    expect(await run(queue.get(id))).toMatchObject({ status })
    await run(queue.close())
  })

  it('fail the attempt when they are no JSON', async () => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    const seen = record(queue, 'died')
    await run(queue.enqueue('x'))
    queue.process((_, context) => context.progress(undefined))
    await run(queue.drain())
    expect(seen[0]?.event).toMatchObject({ failures: [{ name: 'InvalidOption' }] })
    await run(queue.close())
  })
})

describe('the time limit', () => {
  it('ends an attempt that takes too long, whatever the handler still does', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ backoff: { baseMs: 100 } })
    const contexts: HandlerContext[] = []
    const seen = record(queue, 'retried', 'completed')
    await run(queue.enqueue('x'))
    queue.process(
      (_, context) => {
        contexts.push(context)
        return context.attempt === 1 ? new Promise(() => {}) : undefined
      },
      { timeLimitMs: 5000 },
    )
    await clock.advance(100)
    const signal = contexts[0]?.signal
    await run(queue.drain())
    expect(signal?.reason).toBeInstanceOf(TimeLimitExceeded)
    expect(seen.map(({ name }) => name)).toEqual(['retried', 'completed'])
    expect(seen[0]?.event).toMatchObject({ error: { name: 'TimeLimitExceeded' } })
    await run(queue.close())
  })
})

describe('backoff', () => {
  const jittered = { backoff: { baseMs: 10_000, jitter: 0.5 } }
  it.each([
    ['of the queue', jittered, {}],
    ['of the message', { backoff: { baseMs: 50, jitter: 0 } }, jittered],
  ])('has jitter within its bounds: that %s', async (_, ofQueue, ofMessage) => {
    const { open, run, clock } = createWorld()
    const queue = open<number>(ofQueue)
    await run(
      queue.enqueueMany(
        Array.from({ length: 50 }, (_, n) => n),
        ofMessage,
      ),
    )
    const failedAt = new Map<string, number>()
    const waits: number[] = []
    queue.process(
      ({ id }, { attempt }) => {
        if (attempt > 1) return void waits.push(clock.now() - (failedAt.get(id) ?? 0))
        failedAt.set(id, clock.now())
        throw new Error('no')
      },
      { concurrency: 50 },
    )
    await run(queue.drain())
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(5000)
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_100)
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(1000)
    await run(queue.close())
  })

  it('may be a function, and one that fails falls back to the numbers', async () => {
    const { open, run } = createWorld()
    const queue = open<string>({
      maxAttempts: 3,
      backoff: (attempt, error) => (error.message === 'odd' ? -1 : attempt * 10),
    })
    const seen = record(queue, 'retried', 'trouble')
    await run(queue.enqueue('x'))
    queue.process((_, { attempt }) => {
      throw new Error(attempt === 1 ? 'plain' : 'odd')
    })
    await run(queue.drain())
    expect(seen.map(({ name }) => name)).toEqual(['retried', 'trouble', 'retried'])
    await run(queue.close())
  })
})

describe('a backoff function', () => {
  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('cannot say')
      },
    ],
    ['returns nothing', () => undefined],
    ['returns less than nothing', () => -1],
    ['returns no number', () => '10'],
    ['returns NaN', () => Number.NaN],
    ['returns infinity', () => Number.POSITIVE_INFINITY],
    ['returns a promise', () => Promise.resolve(10)],
    ['returns more than a year', () => 400 * 24 * 3_600_000],
  ])('that %s is told of, and the default numbers hold', async (_, backoff) => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ maxAttempts: 2, backoff: backoff as never })
    const seen = record(queue, 'retried', 'trouble')
    const at: number[] = []
    await run(queue.enqueue('x'))
    queue.process(() => {
      at.push(clock.now())
      throw new Error('no')
    })
    await run(queue.drain())
    expect(seen.map(({ name }) => name)).toEqual(['trouble', 'retried'])
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(1000)
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeLessThan(1100)
    expect(await run(queue.getStats())).toMatchObject({ dead: 1, total: 1 })
    await run(queue.close())
  })

  it('is told the attempt and the error; a wait of the message, or of the handler, comes first', async () => {
    const { open, run } = createWorld()
    const asked: unknown[] = []
    const queue = open<string>({
      maxAttempts: 3,
      backoff: (attempt, { name, message }) => asked.push([attempt, name, message]),
    })
    await run(queue.enqueue('plain'))
    await run(queue.enqueue('own', { backoff: { baseMs: 1 } }))
    await run(queue.enqueue('asks'))
    queue.process(({ payload }, { attempt }) => {
      if (attempt === 3) return 'enough'
      if (payload === 'asks') return retry({ afterMs: 1 })
      throw new RangeError(payload)
    })
    await run(queue.drain())
    expect(asked).toEqual([
      [1, 'RangeError', 'plain'],
      [2, 'RangeError', 'plain'],
    ])
    await run(queue.close())
  })
})

describe('waiting for a result', () => {
  it('works from a process that is not the writer, also for what is in the inbox', async () => {
    const { open, run } = createWorld()
    const writer = open<number>()
    writer.process(({ payload }) => payload * 2)
    await run(writer.enqueue(1))
    const other = open<number>()
    const { id } = await run(other.enqueue(21))
    expect(await run(other.waitFor(id))).toBe(42)
    await run(other.close())
    await run(writer.close())
  })

  it('says that it does not know the message', async () => {
    const { open, run } = createWorld()
    const queue = open()
    await run(queue.enqueue('x'))
    await expect(run(queue.waitFor('nobody'))).rejects.toThrow(MessageNotFound)
    expect(await run(queue.get('nobody'))).toBeUndefined()
    await run(queue.close())
  })

  it.each(['writes', 'does not write'])('can be given up at once, in a process that %s', async (which) => {
    const { open, run, clock } = createWorld()
    const writer = open()
    const { id } = await run(writer.enqueue('x'))
    const other = open()
    const abort = new AbortController()
    const waiting = (which === 'writes' ? writer : other).waitFor(id, { signal: abort.signal })
    const failed = expect(waiting).rejects.toThrow('enough')
    await clock.advance(60_000)
    const before = clock.monotonic()
    abort.abort(new Error('enough'))
    await run(failed)
    expect(clock.monotonic()).toBe(before)
    await run(other.close())
    await run(writer.close())
  })
})
