/** A machine whose wall clock is set while its process runs. The store tells the time, as S3 does. */
import { createIds, seededRandom } from '@s3queue/storage'
import { createManualClock } from '@s3queue/storage/testing'
import { createMemoryStore } from '@s3queue/storage-memory'
import { describe, expect, it } from 'vitest'
import { createQueue, type HandlerContext, type Queue } from '../src/index.ts'
import { createWorld as createSharedWorld, record } from './support.ts'

const HOUR = 3_600_000

function createWorld() {
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  let aheadMs = 0
  const machine = {
    now: () => clock.now() + aheadMs,
    monotonic: () => clock.monotonic(),
    setTimer: (ms: number, callback: () => void) => clock.setTimer(ms, callback),
  }
  const random = seededRandom(1)
  return {
    clock,
    setWall: (ms: number) => {
      aheadMs = ms
    },
    open: (): Queue<string> =>
      createQueue<string>({
        name: 'jobs',
        store,
        runtime: { clock: machine, random, ids: createIds(machine, random) },
      }),
    run: <T>(promise: Promise<T>): Promise<T> => clock.runUntil(promise, { limitMs: 24 * HOUR }),
  }
}

describe.each([
  ['back', -HOUR],
  ['forward', HOUR],
])('a wall clock that is set %s by an hour', (_, jumpMs) => {
  it('moves no delay, no backoff, no window and no claim', async () => {
    const { clock, setWall, open, run } = createWorld()
    const queue = open()
    const seen = record(queue, 'expired')
    const started = new Map<string, number>()
    const long: HandlerContext[] = []
    const finish = Promise.withResolvers<void>()
    queue.process(
      ({ payload }, context) => {
        if (payload === 'long') {
          long.push(context)
          return finish.promise
        }
        if (payload === 'fails' && context.attempt === 1) throw new Error('once')
        started.set(payload, clock.monotonic())
        return undefined
      },
      { concurrency: 10 },
    )
    const begin = clock.monotonic()
    await run(queue.enqueue('long'))
    await run(queue.enqueue('delayed', { delayMs: 10_000 }))
    await run(queue.enqueue('fails', { backoff: { baseMs: 20_000 } }))
    await run(queue.enqueue('once', { deduplicationKey: 'k', deduplicationWindowMs: 30_000 }))
    await clock.advance(1000)
    setWall(jumpMs)
    await run(queue.enqueue('delayed later', { delayMs: 14_000 }))
    await run(queue.enqueue('at', { at: new Date(clock.now() + 17_000) }))
    await clock.advance(24_000)
    expect(await run(queue.enqueue('again', { deduplicationKey: 'k' }))).toMatchObject({ duplicate: true })
    await clock.advance(7000)
    expect(await run(queue.enqueue('anew', { deduplicationKey: 'k' }))).toMatchObject({ duplicate: false })
    await clock.advance(60_000)

    const dueAfter = { delayed: 10_000, 'delayed later': 15_000, at: 18_000, fails: 20_000 }
    for (const [payload, ms] of Object.entries(dueAfter)) {
      const after = (started.get(payload) ?? Number.POSITIVE_INFINITY) - begin
      // The store counts whole seconds, so its time is known to a second at first.
      expect(after, payload).toBeGreaterThan(ms - 1000)
      expect(after, payload).toBeLessThan(ms + 2000)
    }
    expect(started.has('again')).toBe(false)
    expect(seen).toEqual([])
    expect(long.map(({ signal }) => signal.aborted)).toEqual([false])
    finish.resolve()
    await run(queue.drain())
    expect(await run(queue.getStats())).toMatchObject({ completed: 7, total: 7 })
    await run(queue.close())
  })
})

describe('a clock that is set back by an hour with that of the store, as it is in a directory', () => {
  it('makes waits a tenth longer at most, and none shorter, also for the next writer', async () => {
    const { clock, open, run } = createSharedWorld()
    const first = open<string>()
    const started = new Map<string, number>()
    const handler = ({ payload }: { payload: string }, { attempt }: HandlerContext): void => {
      if (payload === 'fails' && attempt === 1) throw new Error('once')
      started.set(payload, clock.monotonic())
    }
    first.process(handler, { concurrency: 10 })
    const begin = clock.monotonic()
    await run(first.enqueue('before', { delayMs: 10_000 }))
    await run(first.enqueue('before, later', { delayMs: 300_000 }))
    await clock.advance(1000)
    clock.jumpWall(-HOUR)
    await run(first.enqueue('now'))
    await run(first.enqueue('fails', { backoff: { baseMs: 20_000 } }))
    await run(first.enqueue('after', { delayMs: 59_000 }))
    await run(first.enqueue('at', { at: new Date(clock.now() + 69_000) }))
    await clock.advance(100_000)
    await run(first.enqueue('for the next one', { delayMs: 98_000 }))
    await run(first.close())
    const second = open<string>()
    second.process(handler, { concurrency: 10 })
    await run(second.drain())
    const expected = {
      ...{ now: 1000, before: 10_000, fails: 21_000, after: 60_000, at: 70_000 },
      ...{ 'for the next one': 199_000, 'before, later': 300_000 },
    }
    expect([...started.keys()]).toEqual(Object.keys(expected))
    for (const [payload, ms] of Object.entries(expected)) {
      const after = (started.get(payload) ?? Number.POSITIVE_INFINITY) - begin
      expect(after, payload).toBeGreaterThan(ms - 100)
      expect(after, payload).toBeLessThan(ms * 1.12 + 200)
    }
    await run(second.close())
  })

  it('is caught up with', async () => {
    const { clock, open, run } = createSharedWorld()
    const queue = open<string>()
    await run(queue.enqueue('a'))
    clock.jumpWall(-HOUR)
    await clock.advance(12 * HOUR)
    const { id } = await run(queue.enqueue('b'))
    expect((await run(queue.get(id)))?.enqueuedAt).toBeLessThan(clock.now() + 1000)
    await run(queue.close())
  })
})
