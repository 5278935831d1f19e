import { createQueue } from '@s3queue/core'
import { CasObject } from '@s3queue/primitives'
import {
  createIds,
  type ObjectStore,
  overwrite,
  StoreUnavailable,
  seededRandom,
  sleep,
  Throttled,
  UnknownOutcome,
} from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import type { MailboxRecord } from '../src/mailbox/record.ts'
import { encodeRecord } from '../src/registry/record.ts'
import {
  createWorld,
  linkTo,
  openStoppable,
  type Process,
  slowly,
  startInOrder,
  troublesOf,
  type World,
  workInOrder,
} from './support.ts'

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

const numbered = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const FAST = { visibilityTimeoutMs: 5000, takeoverAfterMs: 3000, acknowledgeTimeoutMs: 600_000 }
const ALL = Array.from({ length: 60 }, (_, i) => i)

const byNumber = (a: unknown, b: unknown): number => Number(a) - Number(b)

/** Requests fail with `error` while the test says so; what became of a write is unknown then, as the port wants it. */
function failing(store: ObjectStore, isFailing: () => boolean, error: (key: string) => Error): ObjectStore {
  const guard = <T>(key: string, request: () => Promise<T>): Promise<T> =>
    isFailing() ? Promise.reject(error(key)) : request()
  return {
    description: store.description,
    get: (key, options) => guard(key, () => store.get(key, options)),
    async put(key, body, options) {
      if (!isFailing()) return store.put(key, body, options)
      const cause = error(key)
      const { retryAfterMs } = cause as { retryAfterMs?: number }
      return { outcome: 'unknown', error: new UnknownOutcome(cause.message, { key, cause, retryAfterMs }) }
    },
    delete: (keys, options) => guard(keys[0] ?? '', () => store.delete(keys, options)),
    list: (options) => guard(options.prefix, () => store.list(options)),
  }
}

/** All that is left is done by these processes, and each message once recorded. */
async function expectAllDone(world: World, processes: readonly Process[], messages: number): Promise<void> {
  const [first] = processes
  if (first === undefined) throw new Error('There is no process.')
  await world.run(first.queue.drain())
  expect(await world.run(first.queue.getStats())).toMatchObject({ completed: messages, dead: 0, active: 0, waiting: 0 })
  for (const { queue } of processes) await world.run(queue.close())
}

describe('bad weather', () => {
  it('the store is gone for a minute and comes back: nothing is lost, and it never looks like an empty queue', async () => {
    const world = createWorld()
    let isGone = false
    const store = failing(
      world.store,
      () => isGone,
      (key) => new StoreUnavailable('The store is gone (injected).', { key }),
    )
    const pods = [world.open(FAST, {}, store), world.open(FAST, {}, store), world.open(FAST, {}, store)]
    const done: unknown[] = []
    const troubles = pods.map(({ queue }) => troublesOf(queue))
    await workInOrder(world, pods, slowly(world, 100, done), { concurrency: 2 })
    await world.run(pods[0]?.queue.enqueueMany(ALL) ?? Promise.resolve([]))
    await world.pass(500)
    isGone = true
    let answered = false
    const stats = pods[1]?.queue.getStats().finally(() => {
      answered = true
    })
    await world.pass(60_000)
    expect(answered).toBe(false)
    isGone = false
    expect((await world.run(stats ?? Promise.reject(new Error('no stats')))).total).toBe(60)
    expect(troubles.every((list) => list.some(({ message }) => message.includes('The store is gone')))).toBe(true)
    await expectAllDone(world, pods, 60)
    expect(new Set(done).size).toBe(60)
  })

  it('the store is gone while a worker stops: nothing of it goes on once the queue is closed', async () => {
    const world = createWorld()
    let isGone = false
    const store = failing(
      world.store,
      () => isGone,
      (key) => new StoreUnavailable('The store is gone (injected).', { key }),
    )
    const writer = world.open(FAST)
    const other = world.open({ ...FAST, acknowledgeTimeoutMs: 5000 }, {}, store)
    troublesOf(other.queue)
    await startInOrder(world, [
      () => writer.queue.process((_, { signal }) => untilAborted(signal), { concurrency: 1, maxPrefetch: 0 }),
    ])
    const worker = other.queue.process((_, { signal }) => untilAborted(signal), { concurrency: 2 })
    await world.pass(1500)
    await world.run(writer.queue.enqueueMany([1, 2, 3]))
    await world.pass(3000)
    expect(worker.running).toBe(2)
    isGone = true
    await expect(world.run(worker.stop({ timeoutMs: 100 }))).rejects.toMatchObject({ code: 'NOT_ACKNOWLEDGED' })
    isGone = false
    await world.run(other.queue.close())
    const { lastHeartbeat } = other.transport
    await world.pass(120_000)
    expect(other.transport.lastHeartbeat).toBe(lastHeartbeat)
    await world.run(writer.queue.close())
    expect(world.clock.pendingTimers).toBe(0)
  })

  it('the bucket throttles for a minute: requests wait as long as it asks, and nothing is lost', async () => {
    const world = createWorld()
    let isThrottling = false
    const store = failing(
      world.store,
      () => isThrottling,
      (key) => new Throttled('SlowDown (injected).', { key, retryAfterMs: 2000 }),
    )
    const pods = [world.open(FAST, {}, store), world.open(FAST, {}, store)]
    const troubles = pods.map(({ queue }) => troublesOf(queue))
    const done: unknown[] = []
    await workInOrder(world, pods, slowly(world, 200, done), { concurrency: 2 })
    await world.run(pods[0]?.queue.enqueueMany(ALL) ?? Promise.resolve([]))
    await world.pass(500)
    const before = pods.reduce((sum, { queue }) => sum + queue.getCost().requests, 0)
    isThrottling = true
    await world.pass(60_000)
    const during = pods.reduce((sum, { queue }) => sum + queue.getCost().requests, 0) - before
    expect(during).toBeLessThan(pods.length * 8 * 30)
    isThrottling = false
    expect(troubles.every((list) => list.some(({ message }) => message.includes('SlowDown')))).toBe(true)
    await expectAllDone(world, pods, 60)
    expect(new Set(done).size).toBe(60)
  })

  it.each(['worker', 'writer'] as const)('a %s that stands still for longer than every timeout', async (role) => {
    const world = createWorld()
    const stopped = openStoppable(world, FAST)
    const other = world.open(FAST)
    const done: unknown[] = []
    const refused: string[] = []
    const reasons: unknown[] = []
    stopped.queue.on('refused', ({ id }) => refused.push(id))
    let first: string | undefined
    const handler: Parameters<typeof stopped.queue.process>[0] = async ({ id, payload }, { signal }) => {
      if (first === undefined) {
        first = id
        stopped.stop()
        await sleep(stopped.clock, 30_000)
        reasons.push(signal.reason)
      }
      done.push(payload)
    }
    const pods = role === 'writer' ? [stopped, other] : [other, stopped]
    await startInOrder(
      world,
      pods.map(
        (pod) => () =>
          pod.queue.process(pod === stopped ? handler : slowly(world, 300, done), { concurrency: 2, maxPrefetch: 0 }),
      ),
    )
    await world.run(other.queue.enqueueMany(ALL))
    await world.pass(120_000)
    expect(other.transport.isCoordinator).toBe(true)
    expect(await world.run(other.queue.getStats())).toMatchObject({ completed: 60 })
    stopped.goOn()
    await world.pass(20_000)
    expect(reasons).toMatchObject([{ code: 'CLAIM_LOST', message: expect.stringContaining(`${first}`) }])
    expect(refused).toContain(first)
    await expectAllDone(world, [other, stopped], 60)
    expect(new Set(done).size).toBe(60)
  })

  it('a pod that sleeps longer than every timeout: its handlers are told to stop, its outcomes refused', async () => {
    const world = createWorld()
    const link = linkTo(world.store)
    const writer = world.open(FAST)
    const sleeper = world.open(FAST, {}, link.store)
    const done: unknown[] = []
    const late: boolean[] = []
    const refused: number[] = []
    sleeper.queue.on('refused', ({ attempt }) => refused.push(attempt))
    await startInOrder(world, [
      () => writer.queue.process(slowly(world, 300, done), { concurrency: 2 }),
      () =>
        sleeper.queue.process(
          async ({ payload }, { signal }) => {
            if (late.length === 0) {
              late.push(false)
              link.cut()
              await sleep(world.clock, 120_000)
              late[0] = signal.aborted
            }
            done.push(payload)
          },
          { concurrency: 3 },
        ),
    ])
    await world.run(writer.queue.enqueueMany(ALL))
    await world.pass(125_000)
    link.mend()
    expect(late).toEqual([true])
    await world.pass(10_000)
    expect(refused).toContain(1)
    await expectAllDone(world, [writer, sleeper], 60)
    expect([...new Set(done)].sort(byNumber)).toEqual(ALL)
  })

  it('a writer that sleeps longer than every timeout is replaced, and works on as one of the others', async () => {
    const world = createWorld()
    const link = linkTo(world.store)
    const first = world.open(FAST, {}, link.store)
    const second = world.open(FAST)
    const done: unknown[] = []
    const epochs: number[] = []
    second.queue.on('promoted', ({ epoch }) => epochs.push(epoch))
    await startInOrder(
      world,
      [first, second].map(
        ({ queue }) =>
          () =>
            queue.process(slowly(world, 200, done), { concurrency: 2 }),
      ),
    )
    await world.run(first.queue.enqueueMany(ALL))
    await world.pass(500)
    link.cut()
    const cutAt = world.clock.monotonic()
    while (!second.transport.isCoordinator) await world.pass(100)
    expect(world.clock.monotonic() - cutAt).toBeLessThan(FAST.takeoverAfterMs + 2000)
    expect(epochs).toEqual([2])
    await world.pass(60_000)
    link.mend()
    await world.pass(5000)
    expect([first.transport.isCoordinator, second.transport.isCoordinator]).toEqual([false, true])
    await expectAllDone(world, [second, first], 60)
    expect(new Set(done).size).toBe(60)
  })

  it('clocks that are hours off decide nothing, and whose they are is told', async () => {
    const world = createWorld()
    const skewed = (hours: number): Process => {
      const random = seededRandom(100 + hours)
      const clock = {
        ...world.clock,
        now: () => world.clock.now() + hours * 3_600_000,
        monotonic: () => world.clock.monotonic(),
        setTimer: (ms: number, then: () => void) => world.clock.setTimer(ms, then),
      }
      return world.open({ ...FAST, runtime: { clock, random, ids: createIds(clock, random) } })
    }
    const pods = [world.open(FAST), skewed(5), skewed(-3)]
    const troubles = pods.map(({ queue }) => troublesOf(queue))
    const done: unknown[] = []
    await workInOrder(world, pods, slowly(world, 100, done), { concurrency: 2 })
    const epochs: number[] = []
    for (const { queue } of pods) queue.on('promoted', ({ epoch }) => epochs.push(epoch))
    await world.run(pods[1]?.queue.enqueueMany(ALL) ?? Promise.resolve([]))
    await world.pass(10_000)
    await expectAllDone(world, pods, 60)
    expect(done).toHaveLength(60)
    expect(troubles.map((list) => list.map(({ message }) => message))).toEqual([
      [],
      [expect.stringMatching(/^The clock of this machine is (17999|18000|18001) s ahead of the store's\. .*NTP/)],
      [expect.stringMatching(/^The clock of this machine is (10799|10800|10801) s behind the store's\. .*NTP/)],
    ])
  })
})

describe('bad neighbours', () => {
  it('a worker that speaks another format gets no messages, and the writer says so', async () => {
    const world = createWorld()
    const writer = world.open(FAST)
    const troubles = troublesOf(writer.queue)
    const strange = { format: 99, id: 'stranger', queue: 'jobs', capacity: 100 }
    await world.run(
      world.store.put('s3queue/jobs/0/workers/stranger', new TextEncoder().encode(JSON.stringify(strange)), {
        condition: overwrite,
      }),
    )
    const done: unknown[] = []
    writer.queue.process(slowly(world, 10, done))
    await world.run(writer.queue.enqueueMany(ALL))
    await world.pass(5000)
    expect(done).toHaveLength(60)
    expect(troubles.map(({ name, message }) => `${name}: ${message}`)).toEqual([
      expect.stringMatching(/^FormatMismatch: s3queue\/jobs\/0\/workers\/stranger has format 99, .* one version/),
    ])
  })

  it('a worker whose mailbox a writer of another format wrote says so, and the others do all the work', async () => {
    const world = createWorld()
    const writer = world.open(FAST)
    const remote = world.open(FAST)
    const troubles = troublesOf(remote.queue)
    const done: unknown[] = []
    let id = ''
    await startInOrder(world, [
      () => writer.queue.process(slowly(world, 50, done)),
      () => {
        id = remote.queue.process(slowly(world, 50, done), { concurrency: 4 }).id
      },
    ])
    const random = seededRandom(9)
    const key = `s3queue/jobs/0/mailboxes/${id}`
    const mailbox = new CasObject<MailboxRecord>({
      ...{ store: world.store, key, clock: world.clock, random, ids: createIds(world.clock, random) },
    })
    await world.run(mailbox.update((record) => record && { ...record, format: 99, version: record.version + 1 }))
    await world.run(writer.queue.enqueueMany(ALL))
    await world.pass(20_000)
    expect(troubles.map(({ name, message }) => `${name}: ${message}`)).toEqual([
      expect.stringMatching(/^FormatMismatch: s3queue\/jobs\/0\/mailboxes\/.* has format 99, .* one version/),
    ])
    expect(remote.transport.counts.received).toBe(0)
    await expectAllDone(world, [writer, remote], 60)
    expect(done).toHaveLength(60)
  })

  it('two workers with one name of which one writes: the writer says so', async () => {
    const world = createWorld()
    const pods = [world.open(FAST), world.open(FAST)]
    const troubles = troublesOf(pods[0]?.queue as Process['queue'])
    await workInOrder(world, pods, () => {}, { workerId: 'twin' })
    // Idle workers give a sign every three minutes, and the second one that is read proves that both live.
    await world.pass(600_000)
    expect(troubles.map(({ message }) => message)).toEqual([expect.stringContaining('are called "twin"')])
  })

  it("two workers with one name do not get in each other's way, and the writer says which name it is", async () => {
    const world = createWorld()
    const pods = [world.open(FAST), world.open(FAST), world.open(FAST)]
    const troubles = troublesOf(pods[0]?.queue as Process['queue'])
    const done: unknown[] = []
    await startInOrder(
      world,
      pods.map(
        ({ queue }, i) =>
          () =>
            queue.process(slowly(world, 50, done), { concurrency: 2, workerId: i === 0 ? 'writer' : 'twin' }),
      ),
    )
    await world.pass(900_000)
    expect(troubles.map(({ message }) => message)).toEqual([expect.stringContaining('are called "twin"')])
    await world.run(pods[0]?.queue.enqueueMany(ALL) ?? Promise.resolve([]))
    await expectAllDone(world, pods, 60)
    expect(done).toHaveLength(60)
  })

  it('two busy workers with one name are reported within a minute', async () => {
    const world = createWorld()
    const pods = [world.open(FAST), world.open(FAST), world.open(FAST)]
    const troubles = troublesOf(pods[0]?.queue as Process['queue'])
    await startInOrder(
      world,
      pods.map(
        ({ queue }, i) =>
          () =>
            queue.process(slowly(world, 1000, []), { concurrency: 2, workerId: i === 0 ? 'writer' : 'twin' }),
      ),
    )
    await world.run(pods[0]?.queue.enqueueMany(numbered(600)) ?? Promise.resolve([]))
    await world.pass(60_000)
    expect(troubles.map(({ message }) => message)).toEqual([expect.stringContaining('are called "twin"')])
  })

  it.each([
    ['idle', 0],
    ['busy', 700],
  ])('a worker that is killed and started again under its name is not reported: %s', async (_, messages) => {
    const world = createWorld()
    const writer = world.open(FAST)
    const troubles = troublesOf(writer.queue)
    const handle = slowly(world, 1000, [])
    await startInOrder(world, [() => writer.queue.process(handle, { concurrency: 2, workerId: 'pod-0' })])
    await world.run(writer.queue.enqueueMany(numbered(messages)))
    // Killed soon after it started, and after some of its signs were read.
    for (const livesForMs of [5000, 60_000, 400_000]) {
      const link = linkTo(world.store)
      world.open(FAST, {}, link.store).queue.process(handle, { concurrency: 2, workerId: 'pod-1' })
      await world.pass(livesForMs)
      link.cut()
    }
    world.open(FAST).queue.process(handle, { concurrency: 2, workerId: 'pod-1' })
    await world.pass(1_200_000)
    expect(troubles.filter(({ name }) => name === 'SameWorkerId')).toEqual([])
  })

  it('a worker whose last sign arrives after its successor has begun is not reported', async () => {
    const world = createWorld()
    const writer = world.open(FAST)
    const troubles = troublesOf(writer.queue)
    const handle = slowly(world, 1000, [])
    await startInOrder(world, [() => writer.queue.process(handle, { concurrency: 2, workerId: 'pod-0' })])
    await world.run(writer.queue.enqueueMany(numbered(700)))
    let lateMs = 0
    const network: ObjectStore = {
      ...world.store,
      async put(key, body, options) {
        if (key.includes('/workers/') && lateMs > 0) await sleep(world.clock, lateMs)
        return world.store.put(key, body, options)
      },
    }
    const link = linkTo(network)
    world.open(FAST, {}, link.store).queue.process(handle, { concurrency: 2, workerId: 'pod-1' })
    await world.pass(60_000)
    lateMs = 25_000
    await world.pass(10_000)
    link.cut()
    world.open(FAST).queue.process(handle, { concurrency: 2, workerId: 'pod-1' })
    await world.pass(600_000)
    expect(troubles.filter(({ name }) => name === 'SameWorkerId')).toEqual([])
  })

  it('the successor of a killed worker is not reported when it becomes the writer', async () => {
    const world = createWorld()
    const link = linkTo(world.store)
    const other = world.open(FAST)
    await startInOrder(world, [
      () => world.open(FAST, {}, link.store).queue.process(() => {}, { workerId: 'pod-0' }),
      () => other.queue.process(() => {}, { workerId: 'pod-1' }),
    ])
    await world.pass(200_000)
    link.cut()
    const successor = world.open(FAST)
    const troubles = [successor, other].map(({ queue }) => troublesOf(queue))
    successor.queue.process(() => {}, { workerId: 'pod-0' })
    await world.pass(1_200_000)
    expect(troubles.flat().filter(({ name }) => name === 'SameWorkerId')).toEqual([])
  })

  it('a mailbox that cannot be read is told of and replaced; what was in it runs again', async () => {
    const world = createWorld()
    const writer = world.open(FAST)
    const remote = world.open(FAST)
    const troubles = troublesOf(remote.queue)
    const done: unknown[] = []
    let id = ''
    await startInOrder(world, [
      () => writer.queue.process(slowly(world, 2000, done)),
      () => {
        id = remote.queue.process(slowly(world, 50, done), { concurrency: 4 }).id
      },
    ])
    const broken = new TextEncoder().encode('{"format":1,"value')
    await world.run(world.store.put(`s3queue/jobs/0/mailboxes/${id}`, broken, { condition: overwrite }))
    await world.run(writer.queue.enqueueMany(ALL))
    await world.pass(20_000)
    expect(troubles.map(({ message }) => message)).toContainEqual(expect.stringContaining(`mailboxes/${id}`))
    await expectAllDone(world, [writer, remote], 60)
    expect(new Set(done).size).toBe(60)
  })

  it('a process without a transport cannot become the writer of a shared queue, and says what to do', async () => {
    const world = createWorld()
    const pods = [world.open(FAST), world.open(FAST)]
    const done: unknown[] = []
    await workInOrder(world, pods, slowly(world, 100, done))
    await world.run(pods[0]?.queue.enqueueMany(ALL) ?? Promise.resolve([]))
    await expectAllDone(world, pods, 60)
    const random = seededRandom(7)
    const alone = createQueue({
      ...{ name: 'jobs', store: world.store, ...FAST },
      runtime: { clock: world.clock, random, ids: createIds(world.clock, random) },
    })
    await expect(world.run(alone.enqueue('x'))).rejects.toMatchObject({
      code: 'TRANSPORT_MISSING',
      message: expect.stringContaining('@s3queue/coordinator'),
    })
    await world.run(alone.close())
  })

  it('a registry that says nothing readable is no reason to stop', async () => {
    const world = createWorld()
    await world.run(
      world.store.put('s3queue/jobs/0/registry', encodeRecord({ format: 2 } as never), { condition: overwrite }),
    )
    const pods = [world.open(FAST), world.open(FAST)]
    const done: unknown[] = []
    await workInOrder(world, pods, slowly(world, 100, done))
    await world.run(pods[0]?.queue.enqueueMany(ALL) ?? Promise.resolve([]))
    await expectAllDone(world, pods, 60)
  })
})
