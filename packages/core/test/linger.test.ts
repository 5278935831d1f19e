import { describe, expect, it } from 'vitest'
import { createWorld } from './support.ts'

/** Commits in the log so far, roughly: slots that exist. */
function slots(store: { snapshot(): ReadonlyMap<string, unknown> }): number {
  return [...store.snapshot().keys()].filter((key) => key.includes('/log/')).length
}

describe('linger', () => {
  it('does not delay a message that comes alone', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<number>({ lingerMs: 1000 })
    const waits: number[] = []
    queue.process((_, { enqueuedAt }) => void waits.push(clock.now() - enqueuedAt))
    await run(queue.enqueue(0))
    for (let n = 0; n < 5; n++) {
      await clock.advance(10_000)
      const before = clock.monotonic()
      await run(queue.enqueue(n))
      expect(clock.monotonic() - before).toBeLessThan(50)
    }
    await run(queue.drain())
    expect(Math.max(...waits)).toBeLessThan(50)
    await run(queue.close())
  })

  it('gathers what comes steadily, so that commits are about a linger apart', async () => {
    const { open, run, clock, store } = createWorld()
    const queue = open<number>({ lingerMs: 1000 })
    let handled = 0
    queue.process(() => void handled++, { concurrency: 10 })
    const enqueued: Promise<unknown>[] = []
    for (let n = 0; n < 1000; n++) {
      enqueued.push(queue.enqueue(n))
      await clock.advance(20)
    }
    await run(Promise.all(enqueued))
    await run(queue.drain())
    expect(handled).toBe(1000)
    // 20 seconds: some 20 commits, and those before the pace was known.
    expect(slots(store)).toBeLessThan(50)
    await run(queue.close())
  })

  it('claims enough at a time to keep up with commits that are far apart', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<number>({ lingerMs: 5000 })
    queue.process(() => {}, { concurrency: 10 })
    const enqueued: Promise<unknown>[] = []
    for (let second = 0; second < 60; second++) {
      enqueued.push(queue.enqueueMany(Array.from({ length: 200 }, (_, n) => n)))
      await clock.advance(1000)
    }
    await run(Promise.all(enqueued))
    const { waiting } = await run(queue.getStats())
    // No more than what came in the last few commits.
    expect(waiting).toBeLessThan(200 * 25)
    await run(queue.drain())
    await run(queue.close())
  })

  it('holds in a process that does not write, too: it sends what has come meanwhile in one object', async () => {
    const { open, run, clock } = createWorld()
    const writer = open<number>()
    let handled = 0
    writer.process(() => void handled++, { concurrency: 10 })
    await run(writer.enqueue(-1))
    const producer = open<number>({ lingerMs: 1000 })
    await run(producer.getStats())
    const before = clock.monotonic()
    await run(producer.enqueue(-2))
    expect(clock.monotonic() - before).toBeLessThan(100)
    const { requests } = producer.getCost().metrics.kinds.put
    const enqueued: Promise<unknown>[] = []
    for (let n = 0; n < 1000; n++) {
      enqueued.push(producer.enqueue(n))
      await clock.advance(20)
    }
    await run(Promise.all(enqueued))
    await run(producer.drain())
    expect(handled).toBe(1002)
    // 20 seconds: some 20 objects, and those before the pace was known.
    expect(producer.getCost().metrics.kinds.put.requests - requests).toBeLessThan(50)
    await run(producer.close())
    await run(writer.close())
  })

  it('holds up nobody else: an operator, and a process that closes', async () => {
    const { open, run, clock } = createWorld()
    const writer = open<number>({ maxPollMs: 100 })
    writer.process(() => {})
    await run(writer.enqueue(-1))
    const producer = open<number>({ lingerMs: 20_000 })
    const busy = Promise.all(Array.from({ length: 100 }, (_, n) => producer.enqueue(n)))
    await run(busy)
    const before = clock.monotonic()
    const waiting = producer.enqueue(100)
    await clock.advance(1000)
    expect(await run(producer.pause())).toBe(true)
    await run(waiting)
    expect(clock.monotonic() - before).toBeLessThan(2000)
    expect(await run(producer.getStats())).toMatchObject({ total: 102 })
    await run(producer.close())
    await run(writer.close())
  })

  it('ends where the writer closes', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ lingerMs: 20_000 })
    queue.process(() => {}, { concurrency: 10 })
    await run(queue.enqueueMany(Array.from({ length: 500 }, () => 'x')))
    await clock.advance(100)
    const last = queue.enqueue('x')
    await clock.advance(100)
    const before = clock.monotonic()
    await run(queue.close())
    expect(clock.monotonic() - before).toBeLessThan(100)
    await run(last)
    const next = open<string>()
    expect(await run(next.getStats())).toMatchObject({ total: 501 })
    await run(next.close())
  })

  it('ends where a commit is full', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ lingerMs: 20_000 })
    await run(queue.enqueueMany(Array.from({ length: 100 }, () => 'x')))
    const before = clock.monotonic()
    const large = 'x'.repeat(200_000)
    await run(Promise.all(Array.from({ length: 4 }, () => queue.enqueueMany(Array.from({ length: 50 }, () => large)))))
    expect(clock.monotonic() - before).toBeLessThan(100)
    await run(queue.close())
  })
})
