import { describe, expect, it } from 'vitest'
import { createWorld, record } from './support.ts'

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

  it('says that there is none where another process works and no transport reaches this one', async () => {
    const { open, run, clock } = createWorld()
    const writer = open<string>()
    writer.process(() => new Promise(() => {}), { concurrency: 1, maxPrefetch: 0 })
    await run(writer.enqueueMany(['a', 'b', 'c']))
    await clock.advance(1000)
    const lambda = open<string>()
    expect((await run(lambda.getStats())).waiting).toBe(2)
    const before = clock.monotonic()
    expect(await run(lambda.processNext(() => {}))).toBe(false)
    expect(clock.monotonic() - before).toBeLessThan(1000)
    await run(lambda.close())
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

  it('leaves no large payloads behind, however short it lives', async () => {
    const { open, run, store } = createWorld()
    for (let life = 0; life < 3; life++) {
      const queue = open<string>({ offloadAboveBytes: 10 })
      await run(queue.enqueueMany(['x'.repeat(100), 'y'.repeat(100)]))
      for (let n = 0; n < 2; n++) expect(await run(queue.processNext(() => {}))).toBe(true)
      await run(queue.close())
      const { entries } = await store.list({ prefix: 's3queue/jobs/0/payloads/' })
      expect(entries).toEqual([])
    }
  })

  it('drains on, without a bound, after one with a bound', async () => {
    const { open, run } = createWorld()
    const queue = open<number>()
    await run(queue.enqueueMany([1, 2, 3, 4, 5]))
    queue.process(() => {})
    expect(await run(queue.drain({ maxMessages: 2 }))).toEqual({ drained: false, handled: 2 })
    expect(await run(queue.drain())).toEqual({ drained: true, handled: 3 })
    await run(queue.close())
  })

  it.each(['writes', 'does not write'])(
    'stops to drain at once when the signal is aborted, in a process that %s',
    async (which) => {
      const { open, run, clock } = createWorld()
      const writer = open<string>()
      await run(writer.enqueue('x', { delayMs: 3_600_000 }))
      const other = open<string>()
      const abort = new AbortController()
      const draining = (which === 'writes' ? writer : other).drain({ signal: abort.signal })
      const failed = expect(draining).rejects.toThrow('enough')
      await clock.advance(60_000)
      const before = clock.monotonic()
      abort.abort(new Error('enough'))
      await run(failed)
      expect(clock.monotonic()).toBe(before)
      await expect(run(other.drain({ signal: abort.signal }))).rejects.toThrow('enough')
      await run(other.close())
      await run(writer.close())
    },
  )

  it('handles one message with the options of its worker', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    const [started, died] = [record(queue, 'started'), record(queue, 'died')]
    await run(queue.enqueue('x'))
    const before = clock.monotonic()
    expect(await run(queue.processNext(() => new Promise(() => {}), { timeLimitMs: 2000, workerId: 'cron' }))).toBe(
      true,
    )
    expect(clock.monotonic() - before).toBeLessThan(3000)
    expect(started[0]?.event).toMatchObject({ workerId: expect.stringMatching(/^cron\./) })
    expect(died[0]?.event).toMatchObject({ failures: [{ name: 'TimeLimitExceeded' }] })
    // Without an extension the claim is over when its time is.
    await run(queue.enqueue('y'))
    const visible = record(queue, 'expired', 'died')
    await run(
      queue.processNext(() => new Promise((_, reject) => clock.setTimer(60_000, () => reject(new Error('late')))), {
        autoExtend: false,
      }),
    )
    expect(visible.map(({ name }) => name)).toContain('died')
    await run(queue.close())
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
