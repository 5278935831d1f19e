/** Handlers as careless as they can be: what they do wrong harms their own message at most. */
import { sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { ClaimLost, complete, deadLetter, type HandlerContext, retry, snooze } from '../src/index.ts'
import { createWorld, record } from './support.ts'

describe('a handler that never returns', () => {
  it('keeps its message while it is extended, does not keep others waiting, and is ended by release, by cancel, or by close', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ visibilityTimeoutMs: 2000 })
    const ids = (await run(queue.enqueueMany(['hangs1', 'hangs2', 'hangs3', 'works']))).map(({ id }) => id)
    const seen = record(queue, 'expired')
    const handled: string[] = []
    queue.process(
      ({ payload }, { attempt }) => {
        handled.push(`${payload} ${attempt}`)
        return payload === 'works' || attempt > 1 ? undefined : new Promise(() => {})
      },
      { concurrency: 4 },
    )
    await clock.advance(3_600_000)
    expect(seen).toEqual([])
    expect(await run(queue.getStats())).toMatchObject({ active: 3, completed: 1 })
    expect(await run(queue.release(ids[0] ?? ''))).toBe(true)
    expect(await run(queue.cancel(ids[1] ?? ''))).toBe(true)
    await clock.advance(1000)
    expect(handled).toContain('hangs1 2')
    expect(await run(queue.getStats())).toMatchObject({ active: 1, completed: 2, total: 3 })
    await run(queue.close())
    const next = open<string>()
    expect(await run(next.getStats())).toMatchObject({ waiting: 1, active: 0 })
    await run(next.close())
  })
})

describe('a handler that settles twice', () => {
  it('has said it once: what it returned, whatever else it made', async () => {
    const { open, run } = createWorld()
    const queue = open<string>()
    const seen = record(queue, 'completed', 'retried', 'snoozed', 'died')
    const { id } = await run(queue.enqueue('x'))
    queue.process(() => {
      retry({ afterMs: 5 })
      deadLetter('no')
      snooze(10)
      return complete('yes')
    })
    await run(queue.drain())
    expect(seen.map(({ name }) => name)).toEqual(['completed'])
    expect(await run(queue.waitFor(id))).toBe('yes')
    await run(queue.close())
  })

  it('throws, if it throws after all', async () => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    const seen = record(queue, 'completed', 'died')
    await run(queue.enqueue('x'))
    queue.process(async () => {
      try {
        return complete('yes')
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: a careless handler is what this test is about
        throw new Error('and no')
      }
    })
    await run(queue.drain())
    expect(seen.map(({ name }) => name)).toEqual(['died'])
    await run(queue.close())
  })

  it('is not heard after its time limit: neither its outcome, nor its reports, nor an extension', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    const seen = record(queue, 'completed', 'died', 'refused')
    const { id } = await run(queue.enqueue('x'))
    const late: unknown[] = []
    queue.process(
      async (_, context: HandlerContext) => {
        await sleep(clock, 10_000)
        context.progress(100)
        context.log('late')
        await context.extend(5000).catch((error: unknown) => late.push(error))
        return 'late'
      },
      { timeLimitMs: 1000 },
    )
    await clock.advance(20_000)
    expect(seen.map(({ name }) => name)).toEqual(['died'])
    expect(late).toEqual([expect.any(ClaimLost)])
    expect(await run(queue.get(id))).toMatchObject({ status: 'dead', failures: [{ name: 'TimeLimitExceeded' }] })
    await run(queue.close())
  })
})

describe('a handler that returns nonsense', () => {
  it.each<[string, () => unknown]>([
    ['a promise of a promise of a function', () => Promise.resolve(Promise.resolve(() => {}))],
    ['something that looks like an outcome', () => ({ kind: 'dead-letter', reason: 'no', result: undefined })],
    ['a proxy that throws at everything', () => new Proxy({}, { get: () => undefined, ownKeys: thrower })],
    ['an object whose JSON throws', () => ({ toJSON: thrower })],
    ['an outcome with a result that is none', () => complete(Symbol('x'))],
  ])('%s: the attempt has failed for good, as another one would return the same', async (_, make) => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    queue.on('trouble', () => {})
    const { id } = await run(queue.enqueue('x'))
    queue.process(make)
    await run(queue.drain())
    expect(await run(queue.get(id))).toMatchObject({ status: 'dead', failures: [{ name: 'InvalidResult' }] })
    await run(queue.close())
  })

  it.each<[string, () => unknown]>([
    [
      'a thenable whose then throws',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: a careless thenable is what this test is about
        get then(): never {
          return thrower()
        },
      }),
    ],
    ['a promise that rejects with nothing', () => Promise.reject()],
    ['a proxy that throws at its then', () => new Proxy({}, { get: thrower })],
  ])('%s: the attempt has failed', async (_, make) => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    const { id } = await run(queue.enqueue('x'))
    queue.process(make)
    await run(queue.drain())
    expect(await run(queue.get(id))).toMatchObject({ status: 'dead' })
    await run(queue.close())
  })
})

function thrower(): never {
  throw new Error('hands off')
}
