/** What is kept of failed attempts, and where users read it. */
import { describe, expect, it } from 'vitest'
import type { Failure, FollowedEvent, MessageInfo } from '../src/index.ts'
import { createWorld, record } from './support.ts'

/** An attempt that fails with `error`, and what is known of its message afterwards. */
async function failedWith(error: unknown, options: object = {}): Promise<Failure> {
  const { open, run } = createWorld()
  const queue = open<string>({ maxAttempts: 1, ...options })
  const { id } = await run(queue.enqueue('x'))
  queue.process(() => Promise.reject(error))
  await run(queue.drain())
  const { failures: [failure] = [] } = (await run(queue.get(id))) ?? {}
  await run(queue.close())
  if (failure === undefined) throw new Error('The message has no failure.')
  return failure
}

function coded(message: string, code: string | number, options: ErrorOptions = {}): Error {
  return Object.assign(new Error(message, options), { code })
}

describe('a failed attempt', () => {
  it('keeps the code of its error, its causes, and its stack', async () => {
    const refused = coded('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED')
    const failure = await failedWith(
      new TypeError('fetch failed', { cause: new Error('no connection', { cause: refused }) }),
    )
    expect(failure).toMatchObject({
      ...{ name: 'TypeError', message: 'fetch failed' },
      cause: {
        ...{ name: 'Error', message: 'no connection' },
        cause: { name: 'Error', message: 'connect ECONNREFUSED 127.0.0.1:1', code: 'ECONNREFUSED' },
      },
      stack: expect.stringMatching(/^TypeError: fetch failed\n +at .*failures\.test\.ts/),
    })
    expect(await failedWith(coded('no', 42))).toMatchObject({ code: 42 })
  })

  it('keeps the parts of an AggregateError, and makes a message of them where it has none', async () => {
    const errors = [coded('connect ECONNREFUSED ::1:1', 'ECONNREFUSED'), new Error('timed out'), 'a text']
    expect(await failedWith(new AggregateError(errors))).toMatchObject({
      ...{ name: 'AggregateError', message: '3 errors: connect ECONNREFUSED ::1:1; timed out; a text' },
      errors: [{ code: 'ECONNREFUSED' }, { message: 'timed out' }, { message: 'a text' }],
    })
    expect(await failedWith(new AggregateError(errors, 'all failed'))).toMatchObject({ message: 'all failed' })
  })

  it.each([
    ['by default', {}, 4096],
    ['as set', { maxFailureBytes: 512 }, 512],
  ])('is bounded %s, whatever the error holds', async (_, options, maxBytes) => {
    let error = new Error('innermost')
    for (let i = 0; i < 50; i++) error = coded(`${i} ${'€😀'.repeat(500)}`, 'C'.repeat(500), { cause: error })
    const parts = Array.from({ length: 50 }, () => error)
    error.stack = `${error.stack}\n${'    at somewhere (file.ts:1:1)\n'.repeat(1000)}`
    for (const thrown of [error, new AggregateError(parts, 'x'.repeat(9000), { cause: error }), 'x'.repeat(9000)]) {
      const { attempt: _attempt, at: _at, ...failure } = await failedWith(thrown, options)
      // The stack is read with its head, which is recorded once.
      const head = `${failure.name}: ${failure.message}\n`
      const recorded = { ...failure, stack: failure.stack?.slice(head.length) }
      expect(Buffer.byteLength(JSON.stringify(recorded))).toBeLessThanOrEqual(maxBytes + 100)
      expect(failure.message.length).toBeGreaterThan(50)
      expect(failure.message.isWellFormed()).toBe(true)
    }
  })

  it('survives errors that are hostile to being read', async () => {
    const cyclic: Error & { cause?: unknown } = new Error('cyclic')
    cyclic.cause = cyclic
    expect(await failedWith(cyclic)).toMatchObject({ message: 'cyclic', cause: { message: 'cyclic' } })
    const hostile = Object.defineProperty(new Error('x'), 'cause', {
      get(): never {
        throw new Error('hands off')
      },
    })
    expect(await failedWith(hostile)).toMatchObject({ message: 'a handler threw what cannot be read' })
    const odd = Object.assign(new Error('x'), { code: { a: 1 }, stack: 5, errors: 'none' })
    expect(await failedWith(odd)).not.toHaveProperty('code')
  })

  it('keeps what its handler logged last, and its progress, within bounds', async () => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 2, backoff: { baseMs: 1 } })
    const { id } = await run(queue.enqueue('x'))
    queue.process((_, { log, progress, attempt }) => {
      for (let i = 0; i < 50; i++) log(`${i} ${'x'.repeat(500)}`)
      progress(attempt === 1 ? { step: 3 } : 'x'.repeat(5000))
      throw new Error('no')
    })
    await run(queue.drain())
    const { failures: [first, second] = [] } = (await run(queue.get(id))) ?? {}
    expect(first).toMatchObject({ progress: { step: 3 } })
    expect(first?.log?.map((line) => line.slice(0, 2))).toEqual(['46', '47', '48', '49'])
    expect(second).not.toHaveProperty('progress')
    await run(queue.close())
  })

  it('is kept in full for the last three attempts, and is the same after a restart from a snapshot', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ maxAttempts: 6, backoff: { baseMs: 1 } })
    const { id } = await run(queue.enqueue('x'))
    queue.process((_, { attempt }) => Promise.reject(coded(`attempt ${attempt}`, 'E')))
    await run(queue.drain())
    const before = await run(queue.get(id))
    expect(before?.failures?.map(({ message, code }) => `${message} ${code}`)).toEqual(
      [1, 2, 3].map((n) => `attempt ${n} undefined`).concat([4, 5, 6].map((n) => `attempt ${n} E`)),
    )
    await run(queue.close())
    await clock.advance(1000)
    const next = open<string>()
    expect(await run(next.get(id))).toEqual(before)
    await run(next.close())
  })

  it('reads the same in get, list, events, follow and waitFor', async () => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 2, backoff: { baseMs: 1 }, ifMissing: 'empty' })
    const seen = record(queue, 'retried', 'died')
    const followed: FollowedEvent[] = []
    const following = (async () => {
      for await (const event of queue.follow({ names: ['retried', 'died'] })) if (followed.push(event) === 2) return
    })()
    await run(queue.getStats())
    const { id } = await run(queue.enqueue('x'))
    queue.process(() => Promise.reject(new Error('no', { cause: coded('why', 'E') })))
    const error = await run(queue.waitFor(id).catch((thrown: unknown) => thrown))
    const { failures = [] } = (await run(queue.get(id))) ?? {}
    expect(failures).toMatchObject([1, 2].map((attempt) => ({ attempt, cause: { message: 'why', code: 'E' } })))
    expect(error).toMatchObject({ failures })
    const { messages }: { messages: readonly MessageInfo[] } = await run(queue.list({ status: 'dead' }))
    expect(messages[0]?.failures).toEqual(failures)
    expect(seen.map(({ event }) => event)).toMatchObject([{ error: failures[0] }, { failures }])
    await run(following)
    expect(followed.map(({ event }) => event)).toMatchObject([{ error: failures[0] }, { failures }])
    await run(queue.close())
  })
})
