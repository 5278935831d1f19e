import { NotAcknowledged } from '@s3queue/core'
import { type Clock, type ObjectStore, orAborted, sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld, openStoppable, type Process, troublesOf, type World } from './support.ts'

/** Its one handler never ends, so it hands out all that follows to other processes. */
function keepBusy({ queue }: Process): void {
  queue.process((_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)), {
    concurrency: 1,
  })
}

async function withBusyWriter(world: World, writer: Process, messages: number): Promise<void> {
  keepBusy(writer)
  await world.pass(1500)
  await world.run(writer.queue.enqueueMany(Array.from({ length: messages }, (_, i) => i)))
  await world.pass(1000)
}

/** A store whose every request takes `ms`. */
function slowed(store: ObjectStore, clock: Clock, ms: number): ObjectStore {
  const late = async <T>(request: () => Promise<T>): Promise<T> => {
    await sleep(clock, ms / 2)
    const answer = await request()
    await sleep(clock, ms / 2)
    return answer
  }
  return {
    description: store.description,
    get: (key, options) => late(() => store.get(key, options)),
    put: (key, body, options) => late(() => store.put(key, body, options)),
    delete: (keys, options) => late(() => store.delete(keys, options)),
    list: (options) => late(() => store.list(options)),
  }
}

/** A store in which requests for some keys get no answer while the test says so, until they are given up. */
function silent(store: ObjectStore, isSilent: (key: string) => boolean): ObjectStore {
  const through = <T>(key: string, signal: AbortSignal | undefined, request: () => Promise<T>): Promise<T> =>
    isSilent(key) ? orAborted(new Promise<T>(() => {}), signal) : request()
  return {
    description: store.description,
    get: (key, options) => through(key, options?.signal, () => store.get(key, options)),
    put: (key, body, options) => through(key, options?.signal, () => store.put(key, body, options)),
    delete: (keys, options) => through(keys[0] ?? '', options?.signal, () => store.delete(keys, options)),
    list: (options) => through(options.prefix, options.signal, () => store.list(options)),
  }
}

describe('processNext beside a writer of another process', () => {
  it.each([0, 60, 400])('handles one message after the other while any waits (requests take %i ms)', async (ms) => {
    const world = createWorld()
    const store = ms === 0 ? world.store : slowed(world.store, world.clock, ms)
    const [writer, other] = [world.open({}, {}, store), world.open({}, {}, store)]
    await withBusyWriter(world, writer, 10)
    const handled: unknown[] = []
    for (let i = 0; i < 9; i++)
      expect(await world.run(other.queue.processNext(({ payload }) => void handled.push(payload)))).toBe(true)
    expect(handled).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await world.run(other.queue.processNext(() => {}))).toBe(false)
    expect(other.transport.isCoordinator).toBe(false)
    expect(await world.run(writer.queue.getStats())).toMatchObject({ waiting: 0, active: 1, completed: 9 })
  })

  it('gets a message of its own in each of several processes', async () => {
    const world = createWorld()
    const writer = world.open()
    await withBusyWriter(world, writer, 5)
    const others = Array.from({ length: 4 }, () => world.open())
    const handled: unknown[] = []
    const answers = others.map(({ queue }) => queue.processNext(({ payload }) => void handled.push(payload)))
    expect(await world.run(Promise.all(answers))).toEqual([true, true, true, true])
    expect(handled.toSorted()).toEqual([1, 2, 3, 4])
  })

  it('handles a message that only lies in the inbox of a writer that sleeps', async () => {
    const world = createWorld()
    const [writer, other] = [world.open(), world.open()]
    await withBusyWriter(world, writer, 1)
    await world.pass(60_000)
    await world.run(other.queue.enqueue('x'))
    const handled: unknown[] = []
    expect(await world.run(other.queue.processNext(({ payload }) => void handled.push(payload)))).toBe(true)
    expect(handled).toEqual(['x'])
  })

  it('handles a message of a writer that dies meanwhile', async () => {
    const world = createWorld()
    const writer = openStoppable(world, {})
    const other = world.open()
    await withBusyWriter(world, writer, 3)
    writer.stop()
    const handled: unknown[] = []
    const startedAt = world.clock.monotonic()
    expect(await world.run(other.queue.processNext(({ payload }) => void handled.push(payload)))).toBe(true)
    expect(handled).toHaveLength(1)
    expect(other.transport.isCoordinator).toBe(true)
    expect(world.clock.monotonic() - startedAt).toBeLessThan(35_000)
  })

  it('says that there is none while the queue is paused', async () => {
    const world = createWorld()
    const [writer, other] = [world.open(), world.open()]
    await withBusyWriter(world, writer, 3)
    await world.run(writer.queue.pause())
    expect(await world.run(other.queue.processNext(() => {}))).toBe(false)
    await world.run(writer.queue.resume())
    expect(await world.run(other.queue.processNext(() => {}))).toBe(true)
  })

  it('never takes an outage for an empty queue', async () => {
    const world = createWorld()
    let isCut = false
    const [writer, other] = [
      world.open(),
      world.open(
        {},
        {},
        silent(world.store, () => isCut),
      ),
    ]
    await withBusyWriter(world, writer, 3)
    const cutAfterMs = [0, 5, 50, 150]
    troublesOf(other.queue)
    for (const ms of cutAfterMs) {
      const startedAt = world.clock.monotonic()
      let isHandled = false
      const next = other.queue.processNext(() => {
        isHandled = true
      })
      const outcome = next.then(String, (error: unknown) => error)
      await world.pass(ms)
      isCut = true
      const ended = await world.run(outcome)
      if (isHandled) expect(ended === 'true' || ended instanceof NotAcknowledged).toBe(true)
      else expect(ended).toBeInstanceOf(NotAcknowledged)
      expect(world.clock.monotonic() - startedAt).toBeLessThan(240_000)
      isCut = false
      await world.pass(60_000)
    }
  })

  it('rejects if messages wait and none reaches it', async () => {
    const world = createWorld()
    // The worker never says that it has room.
    const store = silent(world.store, (key) => key.includes('/mailboxes/'))
    const options = { takeoverAfterMs: 1000, maxPollMs: 1000, acknowledgeTimeoutMs: 10_000 }
    const [writer, other] = [world.open(options), world.open(options, {}, store)]
    troublesOf(other.queue)
    await withBusyWriter(world, writer, 3)
    const startedAt = world.clock.monotonic()
    await expect(world.run(other.queue.processNext(() => {}))).rejects.toThrow(/2 messages wait, and no writer/)
    expect(world.clock.monotonic() - startedAt).toBeLessThan(20_000)
  })
})

describe('drain beside a writer of another process', () => {
  it('handles as many messages as it may, and the worker goes on afterwards', async () => {
    const world = createWorld()
    const [writer, other] = [world.open(), world.open()]
    await withBusyWriter(world, writer, 31)
    const handled: unknown[] = []
    other.queue.process(({ payload }) => void handled.push(payload), { concurrency: 2 })
    for (let round = 1; round <= 2; round++) {
      const before = handled.length
      const { drained } = await world.run(other.queue.drain({ maxMessages: 3, deadlineMs: 60_000 }))
      expect([drained, handled.length - before]).toEqual([false, 3])
    }
    // Without a bound the writer hears at once that there is room again.
    await world.pass(2000)
    expect(handled).toHaveLength(30)
    expect(await world.run(other.queue.drain({ deadlineMs: 3000 }))).toEqual({ drained: false, handled: 0 })
    await world.run(writer.queue.close())
    expect(await world.run(other.queue.drain())).toMatchObject({ drained: true })
  })
})
