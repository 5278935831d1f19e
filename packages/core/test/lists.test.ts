import { InvalidOption } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { MessageNotFound } from '../src/index.ts'
import { createWorld, record } from './support.ts'

describe('lists', () => {
  it('show every message once, page by page, while others come and go', async () => {
    const { open, run } = createWorld()
    const queue = open<number>()
    await run(queue.enqueueMany(Array.from({ length: 250 }, (_, n) => n)))
    await run(queue.enqueueMany([1000, 1001], { priority: 3 }))
    await run(queue.enqueueMany([2000, 2001], { delayMs: 60_000 }))
    const first = await run(queue.list({ status: 'waiting' }))
    expect(first.messages).toHaveLength(100)
    expect(first.messages[0]).toMatchObject({ status: 'waiting', priority: 3, attempts: 0 })
    await run(queue.cancel(first.messages.at(-1)?.id ?? ''))
    await run(queue.enqueue(3000))
    const seen = new Set(first.messages.map(({ id }) => id))
    let next = first.next
    while (next !== undefined) {
      const page = await run(queue.list({ status: 'waiting', after: next, limit: 64 }))
      for (const { id } of page.messages) {
        expect(seen.has(id)).toBe(false)
        seen.add(id)
      }
      next = page.next
    }
    expect(seen.size).toBe(253)
    const delayed = await run(queue.list({ status: 'delayed' }))
    expect(delayed.messages.map(({ status, visibleAt }) => [status, typeof visibleAt])).toEqual([
      ['delayed', 'number'],
      ['delayed', 'number'],
    ])
    await run(queue.close())
  })

  it('show the dead, the completed and the active', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<number>({ maxAttempts: 1 })
    await run(queue.enqueueMany([1, 2, 3, 4]))
    const worker = queue.process(({ payload }) => {
      if (payload === 2) throw new Error('two')
      return payload === 4 ? new Promise(() => {}) : { payload }
    })
    await clock.advance(500)
    expect((await run(queue.list({ status: 'dead' }))).messages).toMatchObject([{ failures: [{ message: 'two' }] }])
    expect((await run(queue.list({ status: 'completed' }))).messages.map(({ result }) => result)).toEqual([
      { payload: 1 },
      { payload: 3 },
    ])
    expect((await run(queue.list({ status: 'active' }))).messages).toMatchObject([{ workerId: worker.id, attempts: 1 }])
    await run(worker.stop({ timeoutMs: 0 }))
    await run(queue.close())
  })

  it.each(['waiting', 'delayed', 'dead', 'completed'] as const)(
    'show the same %s messages in the same order, whatever the size of a page',
    async (status) => {
      const { open, run } = createWorld()
      const queue = open<number>({ maxAttempts: 1 })
      const delayMs = status === 'delayed' ? 60_000 : 0
      for (const [count, priority] of [3, 1, 4, 1, 5, 9, 2, 6].map((n, i) => [n, i % 3] as const)) {
        const enqueued = await run(
          queue.enqueueMany(
            Array.from({ length: count }, (_, n) => n),
            { priority, delayMs },
          ),
        )
        // A gap in the middle of what came together.
        if (count > 3) await run(queue.cancel(enqueued[1]?.id ?? ''))
      }
      if (status === 'dead' || status === 'completed') {
        queue.process(
          () => {
            if (status === 'dead') throw new Error('no')
          },
          { concurrency: 4 },
        )
        await run(queue.drain())
      }
      const whole = await run(queue.list({ status, limit: 1000 }))
      expect(whole.messages).toHaveLength(27)
      if (status === 'waiting') {
        const priorities = whole.messages.map(({ priority }) => priority ?? 0)
        expect(priorities).toEqual(priorities.toSorted((a, b) => b - a))
      }
      for (const limit of [1, 2, 3, 7, 26, 27]) {
        const ids: string[] = []
        let after: string | undefined
        do {
          const page = await run(queue.list({ status, limit, after }))
          ids.push(...page.messages.map(({ id }) => id))
          after = page.next
        } while (after !== undefined)
        expect(ids).toEqual(whole.messages.map(({ id }) => id))
      }
      await run(queue.close())
    },
  )

  it.each([
    undefined,
    { status: 'asleep' },
    { status: 'dead', limt: 5 },
    { status: 'dead', limit: 0 },
    { status: 'dead', limit: 1001 },
    { status: 'dead', after: 'x' },
    { status: 'dead', after: 'waiting:1' },
  ])('refuse %o', async (options) => {
    const { open, run } = createWorld()
    const queue = open()
    await expect(queue.list(options as never)).rejects.toThrow(InvalidOption)
    await run(queue.close())
  })
})

describe('retention', () => {
  it("is the queue's: who says nothing of it changes nothing, also behind a snapshot", async () => {
    const { open, run } = createWorld()
    const queue = open<number>({ retention: { completedCount: 2000, deadCount: 7 } })
    const remembered = async (of: typeof queue): Promise<number> =>
      (await run(of.list({ status: 'completed', limit: 1000 }))).next === undefined ? 1000 : 2000
    await run(queue.enqueueMany(Array.from({ length: 1500 }, (_, n) => n)))
    queue.process(() => {}, { concurrency: 100 })
    await run(queue.drain())
    await run(queue.close())
    for (const retention of [undefined, {}, { deadAgeMs: 5000, completedCount: undefined }]) {
      const passerBy = open<number>({ retention })
      await run(passerBy.enqueue(0))
      expect(await remembered(passerBy)).toBe(2000)
      await run(passerBy.close())
    }
    const last = open<number>({ retention: { completedCount: 1000 } })
    await run(last.enqueue(0))
    expect(await remembered(last)).toBe(1000)
    await run(last.close())
  })

  it('forgets completed messages by number and by age, and counts them all the same', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<number>({ retention: { completedCount: 3, completedAgeMs: 60_000 } })
    const ids = (await run(queue.enqueueMany([1, 2, 3, 4, 5]))).map(({ id }) => id)
    queue.process(({ payload }) => payload)
    await run(queue.drain())
    const known = await Promise.all(ids.map((id) => run(queue.get(id))))
    expect(known.map((message) => message?.result)).toEqual([undefined, undefined, 3, 4, 5])
    await clock.advance(61_000)
    await run(queue.enqueue(6))
    await run(queue.drain())
    expect(await run(queue.get(ids[4] as string))).toBeUndefined()
    expect((await run(queue.getStats())).completed).toBe(6)
    await run(queue.close())
  })

  it('of zero forgets at once, and everybody is told all the same', async () => {
    const { open, run, clock, store } = createWorld()
    const none = { completedCount: 0, completedAgeMs: 0, deadCount: 0, deadAgeMs: 0 }
    const queue = open<number>({ maxAttempts: 1, visibilityTimeoutMs: 1000, retention: none, offloadAboveBytes: 0 })
    const seen = record(queue, 'completed', 'died')
    queue.process(
      ({ payload }) => {
        if (payload === 2) throw new Error('two')
        return payload === 3 ? new Promise(() => {}) : payload
      },
      { autoExtend: false, concurrency: 3 },
    )
    const ids = (await run(queue.enqueueMany([1, 2, 3]))).map(({ id }) => id)
    await clock.advance(2000)
    expect(seen).toMatchObject([
      { name: 'completed', event: { id: ids[0], result: 1 } },
      { name: 'died', event: { id: ids[1], reason: 'attempts-used-up', failures: [{ attempt: 1, message: 'two' }] } },
      { name: 'died', event: { id: ids[2], reason: 'timed-out', failures: [{ name: 'VisibilityTimeout' }] } },
    ])
    for (const id of ids) expect(await run(queue.get(id))).toBeUndefined()
    await expect(run(queue.waitFor(ids[0] ?? ''))).rejects.toThrow(MessageNotFound)
    expect(await run(queue.redrive())).toBe(0)
    expect(await run(queue.getStats())).toMatchObject({ waiting: 0, active: 0, completed: 1, dead: 0 })
    // Nothing of them is left but the log.
    await clock.advance(60_000)
    expect([...store.snapshot().keys()].filter((key) => key.includes('/payloads/'))).toEqual([])
    await run(queue.close())
  })

  it('of zero keeps nothing, and dead letters go by theirs', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<number>({ maxAttempts: 1, retention: { completedCount: 0, deadCount: 2, deadAgeMs: 60_000 } })
    const ids = (await run(queue.enqueueMany([0, 1, 2, 3]))).map(({ id }) => id)
    queue.process(({ payload }) => {
      if (payload > 0) throw new Error('no')
    })
    await run(queue.drain())
    expect(await run(queue.get(ids[0] as string))).toBeUndefined()
    expect((await run(queue.list({ status: 'dead' }))).messages.map(({ id }) => id)).toEqual(ids.slice(2))
    await clock.advance(61_000)
    await run(queue.enqueue(0))
    await run(queue.drain())
    expect(await run(queue.getStats())).toMatchObject({ dead: 0 })
    await run(queue.close())
  })
})
