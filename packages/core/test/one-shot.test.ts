import { describe, expect, it } from 'vitest'
import { createWorld } from './support.ts'

describe('one process that comes, works, and leaves', () => {
  it('handles one message with processNext, and says if there was none', async () => {
    const { open, run } = createWorld()
    const queue = open<string>()
    const handled: string[] = []
    const handler = ({ payload }: { payload: string }): void => void handled.push(payload)
    expect(await run(queue.processNext(handler))).toBe(false)
    await run(queue.enqueueMany(['a', 'b']))
    expect(await run(queue.processNext(handler))).toBe(true)
    expect(handled).toEqual(['a'])
    expect(await run(queue.getStats())).toMatchObject({ waiting: 1, completed: 1, active: 0 })
    expect(await run(queue.processNext(handler))).toBe(true)
    expect(await run(queue.processNext(handler))).toBe(false)
    await run(queue.close())
  })

  it('takes over from a process that only produces', async () => {
    const { open, run } = createWorld()
    const producer = open<string>()
    await run(producer.enqueue('a'))
    const lambda = open<string>()
    expect((await run(lambda.getStats())).waiting).toBe(1)
    expect(await run(lambda.processNext(() => {}))).toBe(true)
    await run(lambda.close())
    await run(producer.enqueue('b'))
    expect(await run(producer.getStats())).toMatchObject({ waiting: 1, completed: 1 })
    await run(producer.close())
  })

  it('says so when the handler fails, too, and leaves the message for later', async () => {
    const { open, run } = createWorld()
    const queue = open<string>()
    await run(queue.enqueue('a'))
    expect(await run(queue.processNext(() => Promise.reject(new Error('no'))))).toBe(true)
    expect(await run(queue.getStats())).toMatchObject({ delayed: 1 })
    await run(queue.close())
  })

  it('drains up to a number or a deadline, and the next waits for nothing', async () => {
    const { open, run, clock } = createWorld()
    const first = open<number>()
    await run(first.enqueueMany(Array.from({ length: 100 }, (_, n) => n)))
    let handled = 0
    first.process(() => void handled++, { concurrency: 5 })
    expect(await run(first.drain({ maxMessages: 30 }))).toEqual({ drained: false, handled: 30 })
    expect(handled).toBe(30)
    await run(first.close())

    const second = open<number>()
    const before = clock.monotonic()
    second.process(() => new Promise((resolve) => clock.setTimer(1000, () => resolve(undefined))), { concurrency: 10 })
    const result = await run(second.drain({ deadlineMs: 3500 }))
    expect(result.drained).toBe(false)
    expect(result.handled).toBeGreaterThanOrEqual(20)
    expect(clock.monotonic() - before).toBeLessThan(3700)
    await run(second.close())
    const last = open<number>()
    expect((await run(last.getStats())).active).toBe(0)
    await run(last.close())
  })

  it('is followed by the next at once, many times, without a look at how long a writer may be silent', async () => {
    const { open, run, clock } = createWorld()
    const options = { takeoverAfterMs: 3_600_000, visibilityTimeoutMs: 3_600_000 }
    const producer = open<number>(options)
    await run(producer.enqueueMany(Array.from({ length: 30 }, (_, n) => n)))
    await run(producer.close())
    const handled: number[] = []
    const before = clock.monotonic()
    for (let n = 0; n < 10; n++) {
      const lambda = open<number>(options)
      expect(await run(lambda.processNext(({ payload }) => void handled.push(payload)))).toBe(true)
      await run(lambda.close())
      const cron = open<number>(options)
      cron.process(({ payload }) => void handled.push(payload))
      expect(await run(cron.drain({ maxMessages: 2 }))).toEqual({ drained: false, handled: 2 })
      await run(cron.close())
    }
    const last = open<number>(options)
    expect(await run(last.processNext(() => {}))).toBe(false)
    expect(await run(last.getStats())).toMatchObject({ waiting: 0, active: 0, completed: 30 })
    await run(last.close())
    expect(handled).toEqual(Array.from({ length: 30 }, (_, n) => n))
    // The store answers at once here: whatever time passes is waited.
    expect(clock.monotonic() - before).toBeLessThan(500)
  })

  it('leaves delayed messages alone if it is told to', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>()
    await run(queue.enqueue('later', { delayMs: 3_600_000 }))
    await run(queue.enqueue('now'))
    queue.process(() => {})
    const before = clock.monotonic()
    expect(await run(queue.drain({ includeDelayed: false }))).toEqual({ drained: true, handled: 1 })
    expect(clock.monotonic() - before).toBeLessThan(1000)
    await run(queue.close())
  })
})
