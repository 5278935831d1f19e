import { describe, expect, it } from 'vitest'
import { QueueClosed, WorkerExists, WorkerStopped } from '../src/index.ts'
import { createWorld, record } from './support.ts'

describe('stopping a worker', () => {
  it('waits for running handlers and gives back what has not started, without costing an attempt', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<number>()
    await run(queue.enqueueMany(Array.from({ length: 50 }, (_, n) => n)))
    const finish = Promise.withResolvers<void>()
    const handled: number[] = []
    const worker = queue.process(
      async ({ payload }) => {
        await finish.promise
        handled.push(payload)
      },
      { concurrency: 4 },
    )
    await clock.advance(100)
    expect(worker.running).toBe(4)
    const stopped = worker.stop()
    await clock.advance(100)
    expect(await run(queue.getStats())).toMatchObject({ active: 4, waiting: 46 })
    finish.resolve()
    await run(stopped)
    expect(handled).toEqual([0, 1, 2, 3])
    expect(await run(queue.getStats())).toMatchObject({ active: 0, waiting: 46, completed: 4 })

    const attempts: number[] = []
    queue.process((_, { attempt }) => void attempts.push(attempt))
    await run(queue.drain())
    expect(new Set(attempts)).toEqual(new Set([1]))
    await run(queue.close())
  })

  it('does not wait for ever: the signal is aborted and the message released at once', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ visibilityTimeoutMs: 60_000 })
    const seen = record(queue, 'released')
    await run(queue.enqueue('x'))
    let reason: unknown
    const worker = queue.process(
      (_, { signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            reason = signal.reason
          })
        }),
    )
    await clock.advance(10)
    const before = clock.monotonic()
    await run(worker.stop({ timeoutMs: 2000 }))
    expect(clock.monotonic() - before).toBeLessThan(2100)
    expect(reason).toBeInstanceOf(WorkerStopped)
    expect(seen).toHaveLength(1)
    expect(await run(queue.getStats())).toMatchObject({ waiting: 1, active: 0 })
    await run(queue.close())
  })

  it('costs no attempt when it cuts a handler off: the last attempt of a message is made again', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    const seen = record(queue, 'released', 'died')
    await run(queue.enqueue('x'))
    const worker = queue.process(() => new Promise(() => {}))
    await clock.advance(10)
    await run(worker.stop({ timeoutMs: 100 }))
    expect(seen.map(({ name }) => name)).toEqual(['released'])

    const attempts: number[] = []
    queue.process((_, { attempt }) => void attempts.push(attempt))
    await run(queue.drain())
    expect(attempts).toEqual([1])
    expect(await run(queue.getStats())).toMatchObject({ completed: 1, dead: 0 })
    await run(queue.close())
  })

  it('can be followed by another worker, but two at a time are refused', async () => {
    const { open, run } = createWorld()
    const queue = open<string>()
    const worker = queue.process(() => {})
    expect(() => queue.process(() => {})).toThrow(WorkerExists)
    await run(worker.stop())
    expect(() => queue.process(() => {})).not.toThrow()
    await run(queue.close())
  })
})

describe('closing a queue', () => {
  it('waits for what was asked for before', async () => {
    const { open, run } = createWorld()
    const queue = open<string>()
    const enqueued = queue.enqueue('x')
    await run(queue.close())
    expect(await enqueued).toHaveProperty('id')
    const again = open<string>()
    expect(await run(again.getStats())).toMatchObject({ waiting: 1 })
    await run(again.close())
  })

  it('can be asked for twice, and refuses everything afterwards', async () => {
    const { open, run } = createWorld()
    const queue = open<string>()
    await run(queue.enqueue('x'))
    await run(Promise.all([queue.close(), queue.close()]))
    await expect(queue.enqueue('y')).rejects.toThrow(QueueClosed)
    await expect(queue.getStats()).rejects.toThrow(QueueClosed)
    await expect(queue.drain()).rejects.toThrow(QueueClosed)
    expect(() => queue.process(() => {})).toThrow(QueueClosed)
  })

  it('costs nothing if the queue was never used', async () => {
    const { open, run, clock, store } = createWorld()
    const queue = open<string>()
    await run(queue.close())
    expect(store.size).toBe(0)
    expect(clock.pendingTimers).toBe(0)
  })

  it('lets the next process work at once', async () => {
    const { open, run, clock } = createWorld()
    const first = open<string>({ takeoverAfterMs: 60_000 })
    await run(first.enqueue('x'))
    await run(first.close())
    const second = open<string>({ takeoverAfterMs: 60_000 })
    const before = clock.monotonic()
    second.process(() => {})
    await run(second.drain())
    expect(clock.monotonic() - before).toBeLessThan(1000)
    await run(second.close())
  })
})
