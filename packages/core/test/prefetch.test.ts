import { sleep, withLatency } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld } from './support.ts'

const ROUND_TRIP_MS = 60

/** A queue on a store that is far away, in which `count` messages wait. */
async function farAway(count: number) {
  const { open, run, clock, store } = createWorld()
  const ms = ROUND_TRIP_MS
  const far = withLatency(store, { clock, getMs: ms, putMs: ms, listMs: ms, deleteMs: ms })
  const queue = open<number>({ store: far })
  await run(queue.enqueueMany(Array.from({ length: count }, (_, n) => n)))
  return { queue, run, clock }
}

describe('what is claimed ahead', () => {
  it('is enough for handlers that take no time, however far the store', { timeout: 60_000 }, async () => {
    const count = 200_000
    const { queue, run, clock } = await farAway(count)
    const startedAt = clock.monotonic()
    queue.process(() => undefined, { concurrency: 100 })
    await run(queue.drain())
    expect((await run(queue.getStats())).completed).toBe(count)
    expect(count / (clock.monotonic() - startedAt)).toBeGreaterThan(100)
    await run(queue.close())
  })

  it('is no more than about a second of work where handlers take their time', async () => {
    const { queue, run, clock } = await farAway(5000)
    queue.process(() => sleep(clock, 100), { concurrency: 10 })
    let most = 0
    for (let n = 0; n < 30; n++) {
      await clock.advance(1000)
      most = Math.max(most, (await run(queue.getStats())).active)
    }
    // A hundred a second, and as many as are being handled.
    expect(most).toBeGreaterThan(10)
    expect(most).toBeLessThanOrEqual(10 + 150)
    await run(queue.close())
  })

  it.each([
    // A commit after the other would be 50 of them, for six messages each, and a few at the beginning.
    { handlerMs: 30, concurrency: 3, most: 28 },
    // The same with three messages in each: 100. Twelve wait for each other.
    { handlerMs: ROUND_TRIP_MS, concurrency: 3, most: 33 },
    // One by one: 300. Nobody waits longer than 250 ms, in which four end.
    { handlerMs: ROUND_TRIP_MS, concurrency: 1, most: 80 },
  ])(
    'is work enough for what has ended to wait for company: $concurrency of $handlerMs ms at once',
    async ({ handlerMs, concurrency, most }) => {
      const { queue, run, clock } = await farAway(300)
      const puts = (): number => queue.getCost().metrics.kinds.put.requests
      const before = puts()
      const startedAt = clock.monotonic()
      queue.process(() => sleep(clock, handlerMs), { concurrency })
      await run(queue.drain())
      expect(puts() - before).toBeLessThanOrEqual(most)
      // The work, and what it takes to begin and to end.
      const workMs = (300 * handlerMs) / concurrency
      expect(clock.monotonic() - startedAt).toBeLessThanOrEqual(workMs + 6 * ROUND_TRIP_MS)
      await run(queue.close())
    },
  )

  it('lets nobody wait longer for company than a quarter of a second, and a round trip', async () => {
    const { queue, run, clock } = await farAway(200)
    const endedAt = new Map<string, number>()
    let longestMs = 0
    queue.on('completed', ({ id }) => {
      longestMs = Math.max(longestMs, clock.monotonic() - (endedAt.get(id) ?? Number.NaN))
    })
    queue.process(
      async ({ id }) => {
        await sleep(clock, 2 * ROUND_TRIP_MS)
        endedAt.set(id, clock.monotonic())
      },
      { concurrency: 2 },
    )
    await run(queue.drain())
    expect(endedAt.size).toBe(200)
    // What ends right behind a commit waits for it, and then for its own.
    expect(longestMs).toBeGreaterThan(2.5 * ROUND_TRIP_MS)
    expect(longestMs).toBeLessThanOrEqual(250 + 2 * ROUND_TRIP_MS)
    await run(queue.close())
  })

  it('keeps nothing waiting that is alone: a handler that takes long is recorded at once', async () => {
    const { queue, run, clock } = await farAway(10)
    const waits: number[] = []
    let endedAt = 0
    queue.on('completed', () => waits.push(clock.monotonic() - endedAt))
    queue.process(
      async () => {
        await sleep(clock, 1000)
        endedAt = clock.monotonic()
      },
      { concurrency: 1 },
    )
    await run(queue.drain())
    expect(waits).toHaveLength(10)
    expect(Math.max(...waits)).toBeLessThanOrEqual(ROUND_TRIP_MS + 1)
    await run(queue.close())
  })
})
