import { sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { NotRetriable } from '../src/index.ts'
import { createWorld } from './support.ts'

/** Quick handlers first, so that the worker claims messages ahead; then slow ones, which wait for each other in its hands. */
const QUICK = 60
const SLOW = 8
const SLOW_MS = 1_000

describe('the time of an attempt', () => {
  it('is told as waited, held ahead and run, and durationMs is how long the handler ran', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<number>()
    const ended: {
      name: string
      at: number
      waitedMs: number
      heldMs?: number | undefined
      ranMs?: number | undefined
    }[] = []
    queue.on('completed', (event) => {
      ended.push({ name: 'completed', at: clock.now(), ...event })
      expect(event.durationMs).toBe(event.ranMs)
    })
    queue.on('died', (event) => void ended.push({ name: 'died', at: clock.now(), ...event }))
    await run(queue.enqueueMany(Array.from({ length: QUICK + SLOW }, (_, n) => n)))
    const enqueuedAt = clock.now()
    await clock.advance(5_000)
    queue.process(
      async ({ payload }) => {
        await sleep(clock, payload < QUICK ? 2 : SLOW_MS)
        if (payload === QUICK + 1) throw new NotRetriable('no')
      },
      { concurrency: 1 },
    )
    await run(queue.drain())
    expect(ended).toHaveLength(QUICK + SLOW)
    const slow = ended.slice(QUICK)
    for (const { ranMs } of slow) expect(ranMs).toBe(SLOW_MS)
    expect(slow.some(({ heldMs = 0 }) => heldMs >= SLOW_MS)).toBe(true)
    expect(slow[1]?.name).toBe('died')
    for (const { at, waitedMs, heldMs = Number.NaN, ranMs = Number.NaN } of ended) {
      expect(waitedMs).toBeGreaterThan(4_900)
      // What is left is the way into the log, which a busy worker shares with others.
      const left = at - enqueuedAt - waitedMs - heldMs - ranMs
      expect(left).toBeGreaterThan(-20)
      expect(left).toBeLessThan(300)
    }
    await run(queue.close())
  })

  it('shows which active messages have a handler, in the process of their worker', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<number>()
    await run(queue.enqueueMany(Array.from({ length: QUICK + SLOW }, (_, n) => n)))
    const running: string[] = []
    queue.process(
      ({ id, payload }) => {
        if (payload >= QUICK) running.push(id)
        return sleep(clock, payload < QUICK ? 2 : 10 * SLOW_MS)
      },
      { concurrency: 1 },
    )
    await clock.advance(2_000)
    const { active } = await run(queue.getStats())
    expect(active).toBeGreaterThan(1)
    expect([queue.running, queue.heldAhead]).toEqual([1, active - 1])
    const { messages } = await run(queue.list({ status: 'active' }))
    expect(messages.filter(({ startedAt }) => startedAt !== undefined).map(({ id }) => id)).toEqual(running)
    const [id = ''] = running
    const { startedAt = 0, claimedAt = 0 } = (await run(queue.get(id))) ?? {}
    expect(startedAt).toBeGreaterThanOrEqual(claimedAt)
    expect(clock.now() - startedAt).toBeGreaterThan(1_000)
    const other = open<number>()
    expect(await run(other.get(id))).toMatchObject({ status: 'active' })
    expect((await run(other.get(id)))?.startedAt).toBeUndefined()
    await run(other.close())
    await run(queue.drain())
    await run(queue.close())
  })
})
