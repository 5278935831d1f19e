import { sleep } from '@s3queue/storage'
import { createManualClock, type ManualClock } from '@s3queue/storage/testing'
import { describe, expect, it } from 'vitest'
import { closeInOrder } from '../src/closing.ts'

const never = (): Promise<void> => new Promise(() => {})
const done = (): Promise<void> => Promise.resolve()

/** How long closing takes, in ms, and what was reported. The queue takes all the time that it is given. */
async function close(
  clock: ManualClock,
  parts: Partial<Parameters<typeof closeInOrder>[2]>,
): Promise<{ readonly ms: number; readonly told: readonly string[] }> {
  const told: string[] = []
  const before = clock.monotonic()
  const all = { stopWorker: done, whenIdle: done, deadLetters: done, closeQueue: (ms: number) => sleep(clock, ms) }
  const closing = closeInOrder(clock, 20_000, { ...all, ...parts, tell: (error) => told.push(String(error)) })
  await clock.runUntil(closing, { limitMs: 3_600_000 })
  return { ms: clock.monotonic() - before, told }
}

describe('stopping the plugin while the store is down', () => {
  it('takes 30 s when no handler runs', async () => {
    const { ms, told } = await close(createManualClock(), { stopWorker: never, deadLetters: never })
    expect(ms).toBeLessThanOrEqual(30_001)
    expect(told).toEqual([
      expect.stringContaining('the last handlers'),
      expect.stringContaining('the last dead letters'),
    ])
  })

  it('takes 30 s more than its handlers, and no more than they may take', async () => {
    const clock = createManualClock()
    const ends = await close(clock, { stopWorker: never, whenIdle: () => sleep(clock, 5_000), deadLetters: never })
    expect(ends.ms).toBeLessThanOrEqual(35_001)
    const hangs = await close(clock, { stopWorker: never, whenIdle: never, deadLetters: never })
    expect(hangs.ms).toBeLessThanOrEqual(50_001)
  })

  it('leaves the queue a third of that time whatever comes before', async () => {
    let given = 0
    const closeQueue = async (ms: number): Promise<void> => {
      given = ms
    }
    const { told } = await close(createManualClock(), {
      ...{ closeQueue, deadLetters: never },
      stopWorker: () => Promise.reject(new Error('The store refuses.')),
    })
    expect(given).toBeGreaterThanOrEqual(10_000)
    expect(told[0]).toContain('The store refuses.')
  })
})

describe('stopping the plugin while the store answers', () => {
  it('waits for nothing, not even for handlers that were cut off and never end', async () => {
    for (const whenIdle of [done, never]) {
      const { ms, told } = await close(createManualClock(), { whenIdle, closeQueue: done })
      expect(ms).toBe(0)
      expect(told).toEqual([])
    }
  })
})
