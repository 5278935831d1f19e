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
  it('is enough for handlers that take no time, however far the store', async () => {
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
})
