import { sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld, fragile, record } from './support.ts'

const WAYS_DOWN = ['fail', 'hang'] as const

describe('closing a queue whose store is down', () => {
  it.each(WAYS_DOWN)('takes no longer than timeoutMs, with handlers and calls under way (%s)', async (way) => {
    const { open, run, clock, store } = createWorld()
    const down = fragile(store)
    const queue = open<string>({ store: down.store })
    const troubles = record(queue, 'trouble')
    await run(queue.enqueueMany(['a', 'b']))
    queue.process(() => new Promise(() => {}), { concurrency: 2 })
    await clock.advance(1_000)
    down[way]()
    const call = queue.enqueue('c').catch((error: unknown) => error)
    const stats = queue.getStats().catch((error: unknown) => error)
    const before = clock.monotonic()
    await run(queue.close({ timeoutMs: 8_000 }))
    expect(clock.monotonic() - before).toBeLessThan(9_500)
    expect(await run(call)).toMatchObject({ code: 'NOT_ACKNOWLEDGED' })
    expect(await run(stats)).toMatchObject({ code: 'NOT_ACKNOWLEDGED' })
    const messages = troubles.map(({ event }) => String(event.error))
    expect(messages.filter((message) => message.includes('was closed before the store had confirmed'))).toHaveLength(1)
  })

  it.each(WAYS_DOWN)('takes 30 s more than its handlers by default (%s)', async (way) => {
    const { open, run, clock, store } = createWorld()
    const down = fragile(store)
    const queue = open<string>({ store: down.store })
    queue.on('trouble', () => {})
    await run(queue.enqueue('a'))
    queue.process(() => new Promise(() => {}))
    await clock.advance(1_000)
    down[way]()
    const before = clock.monotonic()
    await run(queue.close())
    expect(clock.monotonic() - before).toBeLessThan(30_000 + 30_000 + 1_500)
  })

  it('ends early when nothing runs and nothing is left', async () => {
    const { open, run, clock, store } = createWorld()
    const down = fragile(store)
    const queue = open<string>({ store: down.store })
    const standby = open<string>()
    await run(standby.enqueue('a'))
    await run(queue.getStats())
    down.fail()
    const before = clock.monotonic()
    await run(queue.close({ timeoutMs: 8_000 }))
    expect(clock.monotonic() - before).toBeLessThan(100)
    await run(standby.close())
  })

  it('leaves no timers behind', async () => {
    const { open, run, clock, store } = createWorld()
    const down = fragile(store)
    const queue = open<string>({ store: down.store })
    queue.on('trouble', () => {})
    await run(queue.enqueue('a'))
    queue.process(() => new Promise(() => {}))
    await clock.advance(1_000)
    down.fail()
    await run(queue.close({ timeoutMs: 4_000 }))
    await clock.advance(10_000)
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('close({ timeoutMs })', () => {
  it('gives handlers most of its time, and what they did is recorded', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>()
    const seen = record(queue, 'completed', 'released')
    await run(queue.enqueueMany(['short', 'long']))
    queue.process(({ payload }) => sleep(clock, payload === 'short' ? 7_000 : 60_000), { concurrency: 2 })
    await clock.advance(100)
    const before = clock.monotonic()
    await run(queue.close({ timeoutMs: 10_000 }))
    expect(clock.monotonic() - before).toBeLessThan(10_000)
    expect(seen.map(({ name }) => name)).toEqual(['completed', 'released'])
    const next = open<string>()
    expect(await run(next.getStats())).toMatchObject({ completed: 1, waiting: 1, active: 0 })
    await run(next.close())
  })

  it('refuses what is not a time', async () => {
    const { open, run } = createWorld()
    const queue = open<string>()
    await expect(queue.close({ timeoutMs: -1 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await run(queue.enqueue('still open'))
    await run(queue.close())
  })
})
