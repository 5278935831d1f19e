import { createMemoryStore } from '@s3queue/storage-memory'
import { describe, expect, it } from 'vitest'
import { ClaimLost, type HandlerContext } from '../src/index.ts'
import { createWorld, record } from './support.ts'

/** A promise that the test settles. */
function gate(): { readonly promise: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { promise, open: resolve }
}

describe('the visibility timeout', () => {
  it('gives a message to another attempt when the claim runs out, and refuses the late settlement by its token', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ visibilityTimeoutMs: 1000 })
    const seen = record(queue, 'expired', 'refused', 'completed')
    const first = gate()
    const contexts: HandlerContext[] = []
    await run(queue.enqueue('x'))
    queue.process(
      (_, context) => {
        contexts.push(context)
        return context.attempt === 1 ? first.promise : undefined
      },
      { autoExtend: false, concurrency: 2 },
    )
    await clock.advance(3000)
    expect(contexts.map(({ attempt }) => attempt)).toEqual([1, 2])
    expect(contexts[1]?.fencingToken).toBeGreaterThan(contexts[0]?.fencingToken ?? 0)
    first.open()
    await run(queue.drain())
    await clock.advance(100)
    expect(seen.map(({ name }) => name)).toEqual(['expired', 'completed', 'refused'])
    expect(await run(queue.getStats())).toMatchObject({ completed: 1, total: 1 })
    await run(queue.close())
  })

  it('aborts the signal before the claim can pass to another', async () => {
    const { open, clock, run } = createWorld()
    const queue = open<string>({ visibilityTimeoutMs: 1000 })
    let abortedAt: number | undefined
    let expiredAt: number | undefined
    queue.on('expired', () => {
      expiredAt ??= clock.monotonic()
    })
    await run(queue.enqueue('x'))
    queue.process(
      (_, { signal, attempt }) =>
        attempt > 1
          ? undefined
          : new Promise<void>((resolve) => {
              signal.addEventListener('abort', () => {
                abortedAt = clock.monotonic()
                expect(signal.reason).toBeInstanceOf(ClaimLost)
                resolve()
              })
            }),
      { autoExtend: false },
    )
    await clock.advance(5000)
    expect(abortedAt).toBeDefined()
    expect(abortedAt).toBeLessThanOrEqual(expiredAt ?? Number.POSITIVE_INFINITY)
    await run(queue.close())
  })

  it('is extended for as long as the handler lives', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ visibilityTimeoutMs: 1000 })
    const seen = record(queue, 'expired', 'completed')
    const slow = gate()
    let signal: AbortSignal | undefined
    await run(queue.enqueue('x'))
    queue.process((_, context) => {
      signal = context.signal
      return slow.promise
    })
    await clock.advance(60_000)
    expect(signal?.aborted).toBe(false)
    expect(seen).toEqual([])
    slow.open()
    await run(queue.drain())
    expect(seen.map(({ name }) => name)).toEqual(['completed'])
    await run(queue.close())
  })

  it('is extended by the handler itself, durably', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ visibilityTimeoutMs: 1000 })
    const seen = record(queue, 'expired')
    const slow = gate()
    let deadline = 0
    await run(queue.enqueue('x'))
    queue.process(
      async (_, context) => {
        deadline = await context.extend(20_000)
        await slow.promise
      },
      { autoExtend: false },
    )
    await clock.advance(100)
    expect(deadline - clock.now()).toBeGreaterThan(19_000)
    await clock.advance(18_000)
    expect(seen).toEqual([])
    await clock.advance(3000)
    expect(seen).toHaveLength(1)
    slow.open()
    await run(queue.close())
  })

  it('tells the deadline by the clock of the machine, also where the store has another time', async () => {
    const { open, run, clock } = createWorld()
    const store = createMemoryStore({ clock: { ...clock, now: () => clock.now() + 3_600_000 } })
    const queue = open<string>({ store, visibilityTimeoutMs: 1000 })
    const left: number[] = []
    queue.process((_, context) => void left.push(context.deadline - clock.now()))
    await run(queue.enqueue('x'))
    await run(queue.drain())
    expect(left).toHaveLength(1)
    expect(left[0]).toBeGreaterThan(0)
    expect(left[0]).toBeLessThanOrEqual(1000)
    await run(queue.close())
  })

  it.each([0, -1, 1.5, Number.NaN, 43_200_001])('refuses extend(%s)', async (ms) => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    const seen = record(queue, 'died')
    await run(queue.enqueue('x'))
    queue.process((_, context) => context.extend(ms))
    await run(queue.drain())
    expect(seen[0]?.event).toMatchObject({
      failures: [{ name: 'InvalidOption', message: expect.stringContaining('12 hours') }],
    })
    await run(queue.close())
  })

  it('moves a message whose last attempt timed out to the dead letters', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ visibilityTimeoutMs: 500, maxAttempts: 2 })
    const seen = record(queue, 'died')
    await run(queue.enqueue('x'))
    queue.process(() => new Promise(() => {}), { autoExtend: false, concurrency: 5 })
    await clock.advance(3000)
    expect(seen[0]?.event).toMatchObject({ reason: 'timed-out', attempt: 2 })
    expect(await run(queue.getStats())).toMatchObject({ dead: 1, active: 0 })
  })
})
