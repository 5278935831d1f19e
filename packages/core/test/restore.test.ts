import { overwrite, sleep } from '@s3queue/storage'
import type { MemoryStore } from '@s3queue/storage-memory'
import { describe, expect, it } from 'vitest'
import type { Queue } from '../src/index.ts'
import { createWorld, intercept, record, type World } from './support.ts'

type Copy = ReturnType<MemoryStore['snapshot']>

const NOTHING: Copy = new Map()

/** The store holds exactly what it held when the copy was taken. */
async function restore({ store }: World, copy: Copy): Promise<void> {
  await store.delete([...store.snapshot().keys()])
  for (const [key, { body }] of copy) await store.put(key, body, { condition: overwrite })
}

/** Virtual time passes. */
const pass = (world: World, ms: number): Promise<void> => world.run(sleep(world.clock, ms))

/** What a queue reports in the background, by code. */
function codesOf(queue: Queue<never> | Queue<unknown>): () => unknown[] {
  const seen = record(queue, 'trouble')
  return () => seen.map(({ event: { error } }) => (error instanceof Error && 'code' in error ? error.code : error))
}

describe.each([
  ['emptied', async (): Promise<Copy> => NOTHING],
  ['set back to an earlier state', async (world: World): Promise<Copy> => world.store.snapshot()],
])('a store that is %s under running processes', (_, copyOf) => {
  it('is noticed by the writer within seconds, which then takes nothing more', async () => {
    const world = createWorld()
    const queue = world.open()
    const codes = codesOf(queue)
    await world.run(queue.enqueue('first'))
    const copy = await copyOf(world)
    await world.run(queue.enqueue('second'))
    await pass(world, 3_500)
    await restore(world, copy)
    const enqueue = async (): Promise<string> =>
      queue.enqueue('later').then(
        () => 'taken',
        (error: { code?: string }) => error.code ?? String(error),
      )
    const answers: string[] = []
    for (let i = 0; i < 20; i++) {
      answers.push(await world.run(enqueue()))
      await pass(world, 500)
    }
    expect(answers.at(-1)).toBe('LOG_REPLACED')
    // One check of the past is due within 3 s of a commit.
    expect(answers.filter((answer) => answer === 'taken').length).toBeLessThan(8)
    expect(codes()).toEqual(['LOG_REPLACED'])
    await expect(world.run(queue.getStats())).rejects.toMatchObject({ code: 'LOG_REPLACED' })
    await world.run(queue.close())
  })

  it('is noticed by an idle writer with a worker, whose handlers get their signals aborted', async () => {
    const world = createWorld()
    const queue = world.open()
    const codes = codesOf(queue)
    await world.run(queue.enqueue('first'))
    const copy = await copyOf(world)
    const aborted: unknown[] = []
    queue.process(async (_message, { signal }) => {
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          aborted.push(signal.reason)
          resolve()
        })
      })
    })
    await pass(world, 20_000)
    await restore(world, copy)
    await pass(world, 30_000)
    expect(aborted).toMatchObject([{ code: 'LOG_REPLACED' }])
    expect(codes()).toEqual(['LOG_REPLACED'])
    await world.run(queue.close())
  })

  it('is noticed by a producer within seconds, also beside a writer of the log that is there', async () => {
    const world = createWorld()
    const writer = world.open()
    writer.process(async () => {})
    await world.run(writer.enqueue('first'))
    await pass(world, 2_000)
    const copy = await copyOf(world)
    await world.run(writer.enqueue('second'))
    const producer = world.open()
    const codes = codesOf(producer)
    await world.run(producer.enqueue('third'))
    await pass(world, 30_000)
    await world.run(writer.close())
    await restore(world, copy)
    const fresh = world.open()
    fresh.process(async () => {})
    await pass(world, 40_000)
    const answers: string[] = []
    for (let i = 0; i < 20; i++) {
      const answer = producer.enqueue(`later ${i}`).then(
        () => 'taken',
        (error: { code?: string }) => error.code ?? String(error),
      )
      answers.push(await world.run(answer))
      await pass(world, 500)
    }
    expect(answers.at(-1)).toBe('LOG_REPLACED')
    expect(answers.filter((answer) => answer === 'taken').length).toBeLessThan(12)
    expect(codes()).toContain('LOG_REPLACED')
    const taken = answers.filter((answer) => answer === 'taken').length
    await pass(world, 10_000)
    // What it was told to be durable is in the log that is there.
    expect((await world.run(fresh.getStats())).completed).toBeGreaterThanOrEqual(taken)
    await world.run(Promise.all([producer.close(), fresh.close()]))
  })

  it('is used again by a process whose log comes back', async () => {
    const world = createWorld()
    const queue = world.open()
    const handled: unknown[] = []
    queue.process(async ({ payload }) => void handled.push(payload))
    await world.run(queue.enqueue('first'))
    const copy = await copyOf(world)
    await world.run(queue.enqueue('second'))
    await pass(world, 20_000)
    const good = world.store.snapshot()
    await restore(world, copy)
    await pass(world, 30_000)
    await expect(world.run(queue.enqueue('third'))).rejects.toMatchObject({ code: 'LOG_REPLACED' })
    await restore(world, good)
    await pass(world, 30_000)
    await world.run(queue.enqueue('fourth'))
    await pass(world, 5_000)
    expect(handled).toEqual(['first', 'second', 'fourth'])
    await world.run(queue.close())
  })

  it('is used by a process that starts behind it', async () => {
    const world = createWorld()
    const queue = world.open()
    await world.run(queue.enqueue('first'))
    const copy = await copyOf(world)
    await world.run(queue.enqueue('second'))
    await world.run(queue.close())
    await restore(world, copy)
    const fresh = world.open({ ifMissing: 'empty' })
    expect((await world.run(fresh.getStats())).waiting).toBe(copy.size > 0 ? 1 : 0)
    await world.run(fresh.close())
  })
})

describe('a call whose write is under way when its process notices a restore', () => {
  it('is never refused for good, as its message may be in the restored log', async () => {
    const world = createWorld()
    const writer = world.open()
    writer.process(async () => {})
    await world.run(writer.enqueue('first'))
    const copy = world.store.snapshot()
    await world.run(writer.enqueue('second'))
    const answer = Promise.withResolvers<void>()
    let isHeld = false
    const slow = intercept(world.store, '/inbox/', {
      put: async (key, body, options) => {
        const put = await world.store.put(key, body, options)
        if (isHeld) await answer.promise
        return put
      },
    })
    // The lease is read while the write is under way.
    const store = intercept(slow, '/writer', {
      get: (key, options) => sleep(world.clock, 500).then(() => world.store.get(key, options)),
    })
    const producer = world.open<string>({ store })
    const codes = codesOf(producer)
    await world.run(producer.enqueue('third'))
    await pass(world, 30_000)
    await world.run(writer.close())
    await restore(world, copy)
    const fresh = world.open()
    fresh.process(async () => {})
    await pass(world, 40_000)
    isHeld = true
    const called = producer.enqueue('fourth').then(
      () => 'taken',
      (error: { code?: string }) => error.code,
    )
    await pass(world, 8_000)
    expect(codes()).toContain('LOG_REPLACED')
    answer.resolve()
    expect(await world.run(called)).toBe('taken')
    await world.run(producer.close())
    await world.run(fresh.close())
  })
})

describe('the steps of a restore', () => {
  it('give new claims higher fencing tokens than all that were used before', async () => {
    const world = createWorld()
    const tokens: number[] = []
    const handled: unknown[] = []
    const work = (queue: Queue<unknown>): void => {
      queue.process(async ({ payload }, { fencingToken }) => {
        tokens.push(fencingToken)
        handled.push(payload)
      })
    }
    const before = world.open()
    await world.run(before.enqueueMany(['a', 'b', 'c']))
    // The backup.
    const copy = world.store.snapshot()
    work(before)
    await world.run(before.enqueueMany(Array.from({ length: 50 }, (_, i) => `lost ${i}`)))
    await world.run(before.drain())
    await world.run(before.close())
    const highest = Math.max(...tokens)
    expect(tokens).toHaveLength(53)

    // What is about processes is left out.
    const OF_PROCESSES = /\/(writer|bell|registry|mailboxes\/.*|workers\/.*)$/
    await restore(world, new Map([...copy].filter(([key]) => !OF_PROCESSES.test(key))))
    const operator = world.open()
    const first = await world.run(operator.acceptRestore())
    expect(first).toBeGreaterThan(highest)
    await world.run(operator.close())

    tokens.length = 0
    handled.length = 0
    const after = world.open()
    work(after)
    await world.run(after.drain())
    expect(handled).toEqual(['a', 'b', 'c'])
    expect(Math.min(...tokens)).toBe(first)
    // And once more, as the second restore may be from a copy of before the first one.
    await world.run(after.close())
    const second = Math.max(...tokens)
    await pass(world, 60_000)
    await restore(world, copy)
    const again = world.open()
    expect(await world.run(again.acceptRestore())).toBeGreaterThan(second)
    await world.run(again.close())
  })

  it('accept a log that ends before the slot that a newer lease names, once that lease is deleted', async () => {
    const world = createWorld()
    const before = world.open()
    await world.run(before.enqueueMany(['a', 'b']))
    const copy = world.store.snapshot()
    await world.run(before.enqueue('later'))
    await world.run(before.close())
    const [lease = ''] = [...world.store.snapshot().keys()].filter((key) => key.endsWith('/writer'))
    const newer = world.store.snapshot().get(lease)
    await restore(world, new Map([...copy, ...(newer === undefined ? [] : [[lease, newer] as const])]))
    const operator = world.open()
    await expect(world.run(operator.acceptRestore())).rejects.toMatchObject({ code: 'CORRUPT_OBJECT' })
    await expect(world.run(operator.getStats())).rejects.toThrow(/the lease of the writer says so.*delete the lease/)
    await world.store.delete([lease])
    await world.run(operator.acceptRestore())
    const handled: unknown[] = []
    operator.process(async ({ payload }) => void handled.push(payload))
    await world.run(operator.drain())
    expect(handled).toEqual(['a', 'b'])
    await world.run(operator.close())
  })
})
