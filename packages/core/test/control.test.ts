import { InvalidOption, UnknownOutcome } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { decideControl } from '../src/control.ts'
import { Cancelled, type MessageInfo, MessageNotFound, Released } from '../src/index.ts'
import type { ControlAction } from '../src/state/commands.ts'
import { emptyState } from '../src/state/model.ts'
import { createWorld, intercept, mortalStore, record } from './support.ts'

describe('pause and resume', () => {
  it('hand out nothing meanwhile, in any process, also after a change of the writer', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>()
    await run(queue.enqueueMany(['a', 'b']))
    expect(await run(queue.pause())).toBe(true)
    expect(await run(queue.pause())).toBe(false)
    await run(queue.close())
    const other = open<string>()
    const handled: string[] = []
    other.process(({ payload }) => void handled.push(payload))
    await clock.advance(60_000)
    expect(handled).toEqual([])
    expect(await run(other.resume())).toBe(true)
    await run(other.drain())
    expect(handled).toEqual(['a', 'b'])
    await run(other.close())
  })

  it('works from a process that is not the writer', async () => {
    const { open, run, clock } = createWorld()
    const writer = open<string>()
    const handled: string[] = []
    writer.process(({ payload }) => void handled.push(payload))
    await run(writer.enqueue('a'))
    const operator = open<string>()
    expect(await run(operator.pause())).toBe(true)
    await run(writer.enqueue('b'))
    await clock.advance(10_000)
    expect(handled).toEqual(['a'])
    expect(await run(operator.resume())).toBe(true)
    await run(writer.drain())
    expect(handled).toEqual(['a', 'b'])
    await run(operator.close())
    await run(writer.close())
  })
})

describe('cancel', () => {
  it('takes a waiting message away, wherever it is in its batch', async () => {
    const { open, run } = createWorld()
    const queue = open<number>()
    const ids = (await run(queue.enqueueMany([0, 1, 2, 3, 4, 5]))).map(({ id }) => id)
    const delayed = await run(queue.enqueue(9, { delayMs: 60_000 }))
    for (const n of [0, 3, 5]) expect(await run(queue.cancel(ids[n] as string))).toBe(true)
    expect(await run(queue.cancel(delayed.id))).toBe(true)
    expect(await run(queue.cancel(ids[3] as string))).toBe(false)
    expect(await run(queue.getStats())).toMatchObject({ waiting: 3, delayed: 0, total: 3 })
    const handled: number[] = []
    queue.process(({ payload }) => void handled.push(payload))
    await run(queue.drain())
    expect(handled).toEqual([1, 2, 4])
    await run(queue.close())
  })

  it('aborts the handler of a running message and refuses its outcome', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>()
    const seen = record(queue, 'cancelled', 'completed', 'refused')
    const { id } = await run(queue.enqueue('x'))
    let signal: AbortSignal | undefined
    const finish = Promise.withResolvers<void>()
    queue.process((_, context) => {
      signal = context.signal
      return finish.promise
    })
    await clock.advance(50)
    expect(await run(queue.cancel(id))).toBe(true)
    expect(signal?.reason).toBeInstanceOf(Cancelled)
    finish.resolve()
    await run(queue.drain())
    await clock.advance(100)
    expect(seen.map(({ name }) => name)).toEqual(['cancelled'])
    expect(await run(queue.getStats())).toMatchObject({ total: 0 })
    expect(await run(queue.get(id))).toBeUndefined()
    await run(queue.close())
  })

  it('does not know what is done, dead, or was never there', async () => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 1 })
    const [done, dead] = await run(queue.enqueueMany(['done', 'dead']))
    queue.process(({ payload }) => {
      if (payload === 'dead') throw new Error('no')
    })
    await run(queue.drain())
    for (const id of [done?.id ?? '', dead?.id ?? '', 'nobody']) expect(await run(queue.cancel(id))).toBe(false)
    await run(queue.close())
  })
})

describe('in the process that writes', () => {
  it.each(['cancel', 'purge'] as const)('%s finds what another process has just enqueued', async (how) => {
    const { open, run } = createWorld()
    const writer = open<string>()
    await run(writer.pause())
    const other = open<string>()
    const { id } = await run(other.enqueue('x'))
    if (how === 'cancel') expect(await run(writer.cancel(id))).toBe(true)
    else expect(await run(writer.purge())).toBe(1)
    expect(await run(writer.getStats())).toMatchObject({ total: 0 })
    expect(await run(writer.cancel(id))).toBe(false)
    for (const one of [other, writer]) await run(one.close())
  })
})

describe('release', () => {
  it('takes a stuck message from its worker and hands it out again', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>()
    const { id } = await run(queue.enqueue('x'))
    const signals: AbortSignal[] = []
    const wereStopped: boolean[] = []
    queue.process(
      (_, context) => {
        wereStopped.push(signals.every(({ aborted }) => aborted))
        signals.push(context.signal)
        return context.attempt === 1 ? new Promise(() => {}) : undefined
      },
      { concurrency: 2 },
    )
    await clock.advance(50)
    expect(await run(queue.release(id))).toBe(true)
    await run(queue.drain())
    expect(signals[0]?.reason).toBeInstanceOf(Released)
    // The second attempt began after the first was told to stop.
    expect(wereStopped).toEqual([true, true])
    expect(signals).toHaveLength(2)
    expect(await run(queue.release(id))).toBe(false)
    await run(queue.close())
  })
})

describe('a worker that handles one message at a time', () => {
  it.each(['cancel', 'release'] as const)(
    'takes the next one at once after %s of the one it was stuck in',
    async (how) => {
      const { open, run, clock } = createWorld()
      const queue = open<string>()
      const [stuck, next] = await run(queue.enqueueMany(['stuck', 'next']))
      const started: string[] = []
      queue.process(
        ({ id }) => {
          started.push(id)
          return id === stuck?.id && started.length === 1 ? new Promise(() => {}) : undefined
        },
        { maxPrefetch: 0 },
      )
      await clock.advance(50)
      expect(await run(queue[how](stuck?.id ?? ''))).toBe(true)
      await clock.advance(50)
      expect(started).toEqual(how === 'cancel' ? [stuck?.id, next?.id] : [stuck?.id, stuck?.id, next?.id])
      await run(queue.close())
    },
  )
})

describe('forget', () => {
  it('takes ended messages out of memory, after a snapshot too, and leaves the others alone', async () => {
    const { open, run } = createWorld()
    const queue = open<string>({ maxAttempts: 1, deduplicationWindowMs: 0 })
    queue.process(({ id }) => {
      if (id === 'dead') throw new Error('no')
    })
    for (const id of ['done', 'dead']) await run(queue.enqueue('', { id }))
    await run(queue.drain())
    await run(queue.enqueue('', { id: 'later', delayMs: 60_000 }))
    expect(await run(queue.forget(['dead', 'dead', 'later', 'nobody']))).toBe(1)
    expect(await run(queue.forget('done'))).toBe(1)
    await run(queue.close())
    const next = open<string>()
    expect(await run(next.getStats())).toMatchObject({ delayed: 1, completed: 1, dead: 0 })
    for (const id of ['done', 'dead']) expect(await run(next.get(id))).toBeUndefined()
    // Its id is free again.
    expect(await run(next.enqueue('', { id: 'dead' }))).toMatchObject({ duplicate: false })
    await run(next.close())
  })

  it('an id that is used again stands for its new message alone', async () => {
    const { open, run } = createWorld()
    const queue = open<string>({ deduplicationWindowMs: 0 })
    queue.process(() => 'first')
    await run(queue.enqueue('', { id: 'a' }))
    expect(await run(queue.waitFor('a'))).toBe('first')
    await run(queue.enqueue('', { id: 'a', delayMs: 60_000 }))
    expect(await run(queue.get('a'))).toMatchObject({ status: 'delayed' })
    expect(await run(queue.list({ status: 'completed' }))).toMatchObject({ messages: [] })
    expect(await run(queue.cancel('a'))).toBe(true)
    expect(await run(queue.get('a'))).toBeUndefined()
    await expect(run(queue.waitFor('a'))).rejects.toThrow(MessageNotFound)
    expect(await run(queue.getStats())).toMatchObject({ completed: 1, total: 1 })
    await run(queue.close())
  })
})

describe('purge and redrive', () => {
  it('purge removes all that waits and nothing else', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>()
    await run(queue.enqueue('running'))
    const finish = Promise.withResolvers<void>()
    queue.process(() => finish.promise, { maxPrefetch: 0 })
    await clock.advance(50)
    await run(queue.enqueueMany(['a', 'b', 'c']))
    await run(queue.enqueue('later', { delayMs: 1_000_000 }))
    expect(await run(queue.purge())).toBe(4)
    expect(await run(queue.purge())).toBe(0)
    expect(await run(queue.getStats())).toMatchObject({ waiting: 0, delayed: 0, active: 1, total: 1 })
    finish.resolve()
    await run(queue.drain())
    await run(queue.close())
  })

  it('redrive puts back one, some, or all dead letters, with all attempts before them', async () => {
    const { open, run } = createWorld()
    const queue = open<number>({ maxAttempts: 1 })
    const ids = (await run(queue.enqueueMany([1, 2, 3, 4, 5]))).map(({ id }) => id)
    let broken = true
    const attempts: number[] = []
    queue.process(({ payload }, { attempt }) => {
      attempts.push(attempt)
      if (broken) throw new Error(`no ${payload}`)
    })
    await run(queue.drain())
    expect((await run(queue.getStats())).dead).toBe(5)
    broken = false
    expect(await run(queue.redrive(ids[0] as string))).toBe(1)
    expect(await run(queue.redrive('nobody'))).toBe(0)
    expect(await run(queue.redrive((message: MessageInfo) => message.failures?.[0]?.message === 'no 4'))).toBe(1)
    expect(await run(queue.redrive([ids[1] as string, ids[1] as string]))).toBe(1)
    await run(queue.drain())
    expect(await run(queue.getStats())).toMatchObject({ completed: 3, dead: 2 })
    expect(await run(queue.redrive())).toBe(2)
    await run(queue.drain())
    expect(await run(queue.getStats())).toMatchObject({ completed: 5, dead: 0, total: 5 })
    expect(new Set(attempts)).toEqual(new Set([1]))
    await run(queue.close())
  })
})

describe('what operators say about many messages', () => {
  it('is decided in time that grows with their number alone, each once', () => {
    const ids = Array.from({ length: 60_000 }, (_, n) => `0123456789ABCDEF-${n.toString(36)}`)
    const state = emptyState()
    const decide = (action: ControlAction, seq: number): number | undefined =>
      decideControl(state, { type: 'control', sender: 'S', seq, action })?.result
    const startedAt = performance.now()
    expect(decide({ kind: 'redrive', ids: [...ids, ...ids] }, 0)).toBe(0)
    expect(decide({ kind: 'forget', ids: [...ids, ...ids] }, 1)).toBe(0)
    // Some 20 ms; with a search of all for each it is many seconds.
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })

  it.each([[null], [5], [['a', 5]], [{ id: 'a' }]])(
    'is refused if it is no id and no list of them: %o',
    async (which) => {
      const { open, run, store } = createWorld()
      const queue = open()
      await expect(queue.redrive(which as never)).rejects.toThrow(InvalidOption)
      await expect(queue.forget(which as never)).rejects.toThrow(InvalidOption)
      expect(store.size).toBe(0)
      await run(queue.close())
    },
  )

  it('ends with the error of a function that picks and throws; nothing is put back', async () => {
    const { open, run } = createWorld()
    const queue = open<number>({ maxAttempts: 1 })
    await run(queue.enqueueMany([1, 2]))
    queue.process(() => Promise.reject(new Error('no')))
    await run(queue.drain())
    const picky = (): boolean => {
      throw new TypeError('cannot choose')
    }
    await expect(run(queue.redrive(picky))).rejects.toThrow('cannot choose')
    expect(await run(queue.getStats())).toMatchObject({ dead: 2 })
    await run(queue.close())
  })

  it.each([
    ['a promise', async () => false],
    ['nothing', () => undefined],
    ['a number', () => 1],
  ])('refuses a function that picks by %s; nothing is put back', async (what, picks) => {
    const { open, run } = createWorld()
    const queue = open<number>({ maxAttempts: 1 })
    await run(queue.enqueueMany([1, 2]))
    queue.process(() => Promise.reject(new Error('no')))
    await run(queue.drain())
    const redriven = run(queue.redrive(picks as never))
    await expect(redriven, what).rejects.toThrow(/"which" must return true or false/)
    expect(await run(queue.getStats())).toMatchObject({ dead: 2 })
    await run(queue.close())
  })

  const noAnswer = new UnknownOutcome('The connection broke.', { key: 'bell' })

  it('is answered from another process even if no ring comes through and the writer looks into its inbox more seldom than a call waits for the store', async () => {
    const { open, run, clock, store } = createWorld()
    const options = { maxPollMs: 120_000, acknowledgeTimeoutMs: 10_000, takeoverAfterMs: 600_000 }
    // The writer is notified of nothing, and no ring takes place.
    const deaf = intercept(store, '/bell', { put: async () => ({ outcome: 'unknown', error: noAnswer }) })
    const writer = open<number>({ ...options, store: intercept(store, 'no such key', {}) })
    writer.process(() => {})
    await run(writer.enqueue(1))
    await clock.advance(900_000)
    const operator = open<number>({ ...options, store: deaf })
    const before = clock.monotonic()
    expect(await run(operator.pause())).toBe(true)
    expect(clock.monotonic() - before).toBeGreaterThan(10_000)
    await run(operator.close())
    await run(writer.close())
  })

  it('is given up when no writer answers, and says so', async () => {
    const { open, run, store } = createWorld()
    const mortal = mortalStore(store)
    const writer = open<number>({ store: mortal.store })
    writer.process(() => {})
    await run(writer.enqueue(1))
    mortal.die()
    const operator = open<number>({ acknowledgeTimeoutMs: 5000, maxPollMs: 1000, takeoverAfterMs: 60_000 })
    await expect(run(operator.pause())).rejects.toThrow(/No writer answered within 6000 ms.*is durable/)
    await run(operator.close())
    // It is carried out all the same, by whoever writes next.
    const next = open<number>()
    next.process(() => {})
    expect(await run(next.resume())).toBe(true)
    await run(next.close())
  })
})
