/** Long failures, results and logs lie in the log: users see all of them nevertheless, from any process and at any time. */
import { type GetResult, sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { MessageDied, type MessageInfo, type Queue, type QueueOptions } from '../src/index.ts'
import { createWorld, intercept, record, type World } from './support.ts'

const textOf = (payload: string, attempt: number): string => `${payload} ${attempt} `.padEnd(1800, 'why ')
const resultOf = (payload: string): { readonly text: string } => ({ text: payload.padEnd(5000, ' so') })
const lineOf = (payload: string, line: number): string => `${payload} ${line} `.padEnd(900, 'then ')

const OFTEN: Partial<QueueOptions> = { maxAttempts: 3, backoff: { baseMs: 0 } }

/** A queue that writes a snapshot with every other commit. */
function openOften<T>({ open, clock }: World, more: Partial<QueueOptions> = {}): Queue<T> {
  return open<T>({ ...OFTEN, runtime: { clock, snapshotAfterCommits: 2 }, ...more })
}

/** Messages whose payload begins with "bad" fail; others complete with a large result and a long log. */
function serve(queue: Queue<string>): void {
  queue.process(
    ({ payload }, { attempt, log, progress }) => {
      if (payload.startsWith('bad')) throw new TypeError(textOf(payload, attempt))
      for (const line of [1, 2, 3]) log(lineOf(payload, line))
      progress({ of: payload })
      return resultOf(payload)
    },
    { concurrency: 10 },
  )
}

function failuresOf(payload: string): object[] {
  return [1, 2, 3].map((attempt) => ({ attempt, name: 'TypeError', message: textOf(payload, attempt) }))
}

function expectDead(info: MessageInfo | undefined, payload: string): void {
  expect(info?.failures).toMatchObject(failuresOf(payload))
  expect(info).toMatchObject({ status: 'dead', reason: 'attempts-used-up' })
}

function expectCompleted(info: MessageInfo | undefined, payload: string): void {
  expect(info).toMatchObject({ status: 'completed', result: resultOf(payload), progress: { of: payload } })
  expect(info?.log).toEqual([1, 2, 3].map((line) => lineOf(payload, line)))
}

/** The objects of the log. */
async function logKeys({ store }: World): Promise<string[]> {
  const { entries } = await store.list({ prefix: 's3queue/jobs/0/log/' })
  return entries.map(({ key }) => key)
}

describe('long failures, results and logs', () => {
  it('are shown in full by the writer, by other processes, and by a process that opens the queue later', async () => {
    const world = createWorld()
    const { open, run, clock } = world
    const writer = openOften<string>(world)
    const other = open<string>()
    const [bad, good] = await run(writer.enqueueMany(['bad one', 'good one']))
    const [badId, goodId] = [bad?.id ?? '', good?.id ?? '']
    serve(writer)
    await clock.advance(5000)
    for (const queue of [writer, other]) {
      expectDead(await run(queue.get(badId)), 'bad one')
      expectCompleted(await run(queue.get(goodId)), 'good one')
      expectDead((await run(queue.list({ status: 'dead' }))).messages[0], 'bad one')
      expectCompleted((await run(queue.list({ status: 'completed' }))).messages[0], 'good one')
      expect(await run(queue.waitFor(goodId))).toEqual(resultOf('good one'))
      const error = await run(queue.waitFor(badId).catch((reason: unknown) => reason))
      expect(error).toBeInstanceOf(MessageDied)
      expect(error).toMatchObject({ failures: failuresOf('bad one') })
    }
    await run(writer.close())
    await run(other.close())
    const next = openOften<string>(world)
    await run(next.enqueueMany(Array.from({ length: 20 }, (_, n) => `later ${n}`)))
    expectDead(await run(next.get(badId)), 'bad one')
    expectCompleted(await run(next.get(goodId)), 'good one')
    await run(next.close())
  })

  it('are shown with stacks, causes, progress and logs, also of attempts that timed out', async () => {
    const world = createWorld()
    const { open, run, clock } = world
    const queue = openOften<string>(world, { visibilityTimeoutMs: 5000 })
    const other = open<string>()
    const died = record(queue, 'died')
    const { id } = await run(queue.enqueue('x'))
    queue.process(
      async (_, { attempt, log, progress }) => {
        progress({ attempt })
        log(lineOf('x', attempt))
        if (attempt === 2) await sleep(clock, 60_000)
        const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
        throw new TypeError(`no ${attempt}`, { cause })
      },
      { autoExtend: false, concurrency: 2 },
    )
    const error = await run(other.waitFor(id).catch((reason: unknown) => reason))
    const threw = { stack: expect.stringMatching(/ at /), cause: { message: 'refused', code: 'ECONNREFUSED' } }
    const failures = [
      { name: 'TypeError', message: 'no 1', ...threw },
      { name: 'VisibilityTimeout', message: 'no settlement within 5000 ms' },
      { name: 'TypeError', message: 'no 3', ...threw },
    ].map((failure, i) => ({ ...failure, progress: { attempt: i + 1 }, log: [lineOf('x', i + 1)] }))
    expect(error).toMatchObject({ failures })
    expect(died).toMatchObject([{ event: { failures } }])
    for (const one of [queue, other]) expect((await run(one.get(id)))?.failures).toMatchObject(failures)
    for (const one of [other, queue]) await run(one.close())
    await clock.advance(1000)
    const next = open<string>()
    expect((await run(next.list({ status: 'dead' }))).messages[0]?.failures).toMatchObject(failures)
    await run(next.close())
  })

  it('are in the event and in what followers read when a message dies, also after it was redriven', async () => {
    const world = createWorld()
    const { open, run, clock } = world
    const queue = open<string>(OFTEN)
    const died = record(queue, 'died')
    const follower = open<string>({ ifMissing: 'empty' })
    const end = new AbortController()
    const followed: unknown[] = []
    const following = (async () => {
      for await (const told of follower.follow({ names: ['died'], signal: end.signal })) followed.push(told.event)
    })()
    await clock.advance(2000)
    const { id } = await run(queue.enqueue('bad one'))
    serve(queue)
    await clock.advance(5000)
    expect(died.map(({ event }) => event.failures)).toMatchObject([failuresOf('bad one')])
    expect(await run(queue.redrive((message) => message.failures?.[0]?.message === textOf('bad one', 1)))).toBe(1)
    await clock.advance(20_000)
    const twice = [...failuresOf('bad one'), ...failuresOf('bad one')]
    expect(died[1]?.event.failures).toMatchObject(twice)
    expect(followed).toHaveLength(2)
    expect(followed).toMatchObject([{ failures: failuresOf('bad one') }, { failures: twice }])
    expect((await run(queue.get(id)))?.failures).toMatchObject(twice)
    end.abort()
    await run(following)
    await run(follower.close())
    await run(queue.close())
  })

  it('are all reported before a queue is closed, in the order in which the messages died', async () => {
    const world = createWorld()
    const { open, run, clock, store } = world
    let waitMs = 0
    // The read that is first takes longest.
    const slow = intercept(store, '/log/', {
      async get(key, options) {
        const ms = waitMs
        waitMs = Math.min(waitMs, 100)
        await sleep(clock, ms)
        return store.get(key, options)
      },
    })
    const queue = open<string>({ ...OFTEN, store: slow })
    const other = open<string>()
    const died = record(queue, 'died')
    serve(queue)
    await run(queue.getStats())
    waitMs = 3000
    const payloads = Array.from('abcd', (letter) => `bad ${letter}`)
    for (const [n, payload] of payloads.entries()) {
      await run(queue.enqueue(payload))
      for (let looks = 0; looks < 100 && (await run(other.getStats())).dead <= n; looks++) await clock.advance(10)
    }
    expect(died).toEqual([])
    await run(queue.close())
    expect(died.map(({ event }) => event.failures)).toMatchObject(payloads.map(failuresOf))
    await run(other.close())
  })

  it('take their commits with them when the messages are forgotten', async () => {
    const world = createWorld()
    const { run, clock } = world
    const queue = openOften<string>(world)
    const enqueued = await run(queue.enqueueMany(['bad one', 'good one', 'bad two']))
    serve(queue)
    await clock.advance(5000)
    const before = await logKeys(world)
    await run(queue.forget(enqueued.map(({ id }) => id)))
    for (let n = 0; n < 6; n++) {
      const { id } = await run(queue.enqueue(`good ${n}`))
      await run(queue.waitFor(id))
      await run(queue.forget(id))
    }
    await run(queue.close())
    const after = new Set(await logKeys(world))
    expect(before.filter((key) => after.has(key)).length).toBeLessThanOrEqual(2)
  })

  it('affect no other message where their commit is lost: the call names the missing object', async () => {
    const world = createWorld()
    const { open, run, clock, store } = world
    const writer = openOften<string>(world)
    const { id } = await run(writer.enqueue('bad one'))
    serve(writer)
    await clock.advance(5000)
    await run(writer.close())
    const isText = async (key: string): Promise<boolean> => {
      const found = await store.get(key)
      return found.outcome === 'found' && Buffer.from(found.body).includes('"retried"')
    }
    for (const key of await logKeys(world)) if (await isText(key)) await store.delete([key])
    const queue = open<string>()
    await expect(run(queue.get(id))).rejects.toMatchObject({ code: 'CORRUPT_OBJECT', key: /log/ })
    expect(await run(queue.getStats())).toMatchObject({ dead: 1 })
    expect(await run(queue.forget(id))).toBe(1)
    await run(queue.close())
  })

  it('of a message that is forgotten while they are read are not missed', async () => {
    const world = createWorld()
    const { open, run, clock, store } = world
    const writer = openOften<string>(world)
    const { id } = await run(writer.enqueue('bad one'))
    serve(writer)
    await clock.advance(5000)
    let isArmed = false
    const slow = intercept(store, '/log/', {
      async get(key, options): Promise<GetResult> {
        const found = await store.get(key, options)
        if (!isArmed || found.outcome !== 'found' || !Buffer.from(found.body).includes('"retried"')) return found
        isArmed = false
        await writer.forget(id)
        return { outcome: 'not-found' }
      },
    })
    const other = open<string>({ store: slow })
    await run(other.getStats())
    isArmed = true
    expect(await run(other.get(id))).toBeUndefined()
    expect(isArmed).toBe(false)
    await run(other.close())
    await run(writer.close())
  })
})

describe('retention.completedBytes', () => {
  it('forgets the oldest results when all of them are too large together', async () => {
    const world = createWorld()
    const { open, run } = world
    const queue = open<string>({ retention: { completedBytes: 25_000 } })
    const enqueued = await run(queue.enqueueMany(Array.from({ length: 10 }, (_, n) => `good ${n}`)))
    queue.process(({ payload }) => resultOf(payload))
    await run(Promise.all(enqueued.map(({ id }) => queue.waitFor(id))))
    const { messages } = await run(queue.list({ status: 'completed' }))
    expect(messages.map(({ result }) => result)).toEqual([6, 7, 8, 9].map((n) => resultOf(`good ${n}`)))
    await run(queue.close())
    const next = open<string>()
    await run(next.enqueue('one more'))
    next.process(({ payload }) => resultOf(payload))
    await run(next.drain())
    expect((await run(next.list({ status: 'completed' }))).messages).toHaveLength(4)
    await run(next.close())
  })
})
