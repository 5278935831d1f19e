import { describe, expect, it } from 'vitest'
import { createWorld } from './support.ts'

describe('getOldestAge', () => {
  it('is the age of the oldest visible message, whatever its priority', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ ifMissing: 'empty' })
    expect(await run(queue.getOldestAge())).toBeUndefined()
    await run(queue.enqueue('low', { priority: -1 }))
    await clock.advance(10_000)
    await run(queue.enqueue('urgent', { priority: 5 }))
    await run(queue.enqueue('later', { delayMs: 3_600_000 }))
    const age = (await run(queue.getOldestAge())) ?? 0
    expect(age).toBeGreaterThanOrEqual(10_000)
    expect(age).toBeLessThan(12_000)
    await run(queue.purge())
    await run(queue.enqueue('later', { delayMs: 60_000 }))
    expect(await run(queue.getOldestAge())).toBeUndefined()
    await clock.advance(60_000)
    expect(await run(queue.getOldestAge())).toBeGreaterThanOrEqual(60_000)
    await run(queue.close())
  })

  it('counts what lies in the inbox, from any process, and not what is active', async () => {
    const { open, run, clock } = createWorld()
    const writer = open<string>()
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    writer.process(() => held, { maxPrefetch: 0 })
    await run(writer.enqueue('held'))
    await clock.advance(1000)
    const other = open<string>()
    expect(await run(other.getOldestAge())).toBeUndefined()
    await run(other.enqueue('waits'))
    await clock.advance(20_000)
    for (const queue of [other, writer]) expect(await run(queue.getOldestAge())).toBeGreaterThanOrEqual(20_000)
    release()
    await run(writer.drain())
    expect(await run(other.getOldestAge())).toBeUndefined()
    await run(Promise.all([writer.close(), other.close()]))
  })
})

describe('isPaused', () => {
  it('is the same in every process, also after a change of the writer', async () => {
    const { open, run } = createWorld()
    const [queue, other] = [open(), open()]
    await run(queue.enqueue('a'))
    expect([await run(queue.isPaused()), await run(other.isPaused())]).toEqual([false, false])
    await run(queue.pause())
    expect([await run(queue.isPaused()), await run(other.isPaused())]).toEqual([true, true])
    await run(queue.close())
    const third = open()
    await run(third.resume())
    expect([await run(third.isPaused()), await run(other.isPaused())]).toEqual([false, false])
    await run(Promise.all([third.close(), other.close()]))
  })
})

describe('health', () => {
  it('says without a request which part this process has', async () => {
    const { open, run, clock } = createWorld()
    const [writer, other] = [open(), open()]
    const unused = { isRunning: false, lastHeartbeat: undefined, coordinatorElected: false, isCoordinator: false }
    expect([writer.health(), other.health()]).toEqual([unused, unused])
    writer.process(() => {})
    await run(writer.enqueue('a'))
    await run(other.getStats())
    expect(other.health()).toEqual({ ...unused, coordinatorElected: true })
    await clock.advance(60_000)
    const { requests } = writer.getCost()
    const { lastHeartbeat = 0, ...rest } = writer.health()
    expect(rest).toEqual({ isRunning: true, coordinatorElected: true, isCoordinator: true })
    // It renews its lease every 12 s while it is idle.
    expect(clock.now() - lastHeartbeat).toBeLessThan(15_000)
    expect(writer.getCost().requests).toBe(requests)
    await run(writer.close())
    expect(writer.health()).toEqual(unused)
    await run(other.close())
  })
})
