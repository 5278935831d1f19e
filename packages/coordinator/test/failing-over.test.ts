/** What happens when the writer is killed or stands still, on a store like S3 with all options at their defaults. */
import type { Handler } from '@s3queue/core'
import { sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld, linkTo, openStoppable, type Process, s3Like, slowly, type World, workInOrder } from './support.ts'

/** Payloads of one backlog. */
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** Runs virtual time until `when` is true; resolves to how long that took, in ms. */
async function until(world: World, when: () => boolean, stepMs = 10): Promise<number> {
  const startedAt = world.clock.monotonic()
  while (!when()) await world.pass(stepMs)
  return world.clock.monotonic() - startedAt
}

const writers = (pods: readonly Process[]): number => pods.filter(({ transport }) => transport.isCoordinator).length

interface Killable {
  readonly world: World
  readonly others: readonly Process[]
  kill(): void
}

/** Processes of which the first writes and can be killed: from then on none of its requests is answered. `handler`: of all others; the first's takes as long. */
async function startKillable(count: number, handler: (world: World) => Handler<unknown>): Promise<Killable> {
  const world = createWorld()
  const link = linkTo(s3Like(world))
  const first = world.open({}, {}, link.store)
  const others = numbers(count - 1).map(() => world.open({}, {}, s3Like(world)))
  await workInOrder(world, [first], slowly(world, 1000, []), { concurrency: 4 })
  await workInOrder(world, others, handler(world), { concurrency: 4 })
  expect(first.transport.isCoordinator).toBe(true)
  return { world, others, kill: () => link.cut() }
}

describe('SIGKILL of the writer', () => {
  it.each([0, 130, 370, 510, 640, 880, 990])(
    'while others are busy: the next message is handled within 5 s (killed %i ms later)',
    async (afterMs) => {
      let killedAt = Number.POSITIVE_INFINITY
      const startedLater: unknown[] = []
      const { world, others, kill } = await startKillable(4, (world) => async ({ payload }) => {
        if (world.clock.monotonic() > killedAt) startedLater.push(payload)
        await sleep(world.clock, 1000)
      })
      const producer = world.open({}, {}, s3Like(world))
      await world.run(producer.queue.enqueueMany(numbers(400)))
      await world.pass(8000 + afterMs)
      kill()
      killedAt = world.clock.monotonic()
      const tookMs = await until(world, () => writers(others) === 1)
      console.log(`killed while busy, after ${afterMs} ms: another process writes after ${tookMs} ms`)
      expect(tookMs).toBeLessThanOrEqual(5000)
      // What was enqueued before the kill is handled again by then: more than was handed out ahead.
      await world.pass(5000 - tookMs)
      expect(startedLater.length).toBeGreaterThan(0)
    },
  )

  it.each([0, 3000, 7000, 11_000])(
    'of an idle queue: the next message is handled within 8 s of its enqueue (%i ms after the kill)',
    async (afterMs) => {
      for (const withWorker of [false, true]) {
        const started: unknown[] = []
        const { world, others, kill } = await startKillable(
          4,
          () =>
            ({ payload }) =>
              void started.push(payload),
        )
        const producer = withWorker ? others.at(-1) : world.open({}, {}, s3Like(world))
        if (producer === undefined) throw new Error('There is no producer.')
        await world.run(producer.queue.enqueue('first'))
        await world.pass(60_000)
        kill()
        await world.pass(afterMs)
        const sentAt = world.clock.monotonic()
        await world.run(producer.queue.enqueue('second'))
        const tookMs = await until(world, () => started.includes('second'))
        console.log(`killed while idle, enqueued after ${afterMs} ms: handled after ${tookMs} ms`)
        expect(world.clock.monotonic() - sentAt).toBeLessThanOrEqual(8000)
      }
    },
  )

  it('and of all deputies, of an idle queue: the process that enqueues next takes over within 8 s', async () => {
    const world = createWorld()
    const link = linkTo(s3Like(world))
    const started: unknown[] = []
    const handler: Handler<unknown> = ({ payload }) => void started.push(payload)
    const doomed = numbers(3).map(() => world.open({}, {}, link.store))
    const left = [world.open({}, {}, s3Like(world)), world.open({}, {}, s3Like(world))]
    await workInOrder(world, [...doomed, ...left], handler)
    const producer = world.open({}, {}, s3Like(world))
    await world.run(producer.queue.enqueue('first'))
    await world.pass(60_000)
    link.cut()
    const sentAt = world.clock.monotonic()
    await world.run(producer.queue.enqueue('second'))
    await until(world, () => writers([...left, producer]) === 1)
    expect(world.clock.monotonic() - sentAt).toBeLessThanOrEqual(8000)
    // A worker that is gone may be handed the message: then another has it after the visibility timeout.
    await until(world, () => started.includes('second'))
    expect(world.clock.monotonic() - sentAt).toBeLessThanOrEqual(45_000)
  })
})

describe('while there is no writer', () => {
  it('workers finish what they hold, start what was sent ahead, and settle it through the inbox', async () => {
    const done: { readonly payload: unknown; readonly at: number }[] = []
    const { world, others, kill } = await startKillable(2, (world) => async ({ payload }) => {
      await sleep(world.clock, 700)
      done.push({ payload, at: world.clock.monotonic() })
    })
    const [worker] = others
    let ahead = 0
    worker?.queue.on('claimed', () => ahead++)
    worker?.queue.on('started', () => ahead--)
    await world.run(worker?.queue.enqueueMany(numbers(200)) ?? Promise.resolve([]))
    await world.pass(5000)
    await until(world, () => ahead >= 5)
    kill()
    const killedAt = world.clock.monotonic()
    const attempts = new Map<unknown, number>()
    worker?.queue.on('started', ({ id }) => attempts.set(id, (attempts.get(id) ?? 0) + 1))
    await until(world, () => writers(others) === 1)
    const tookOverAt = world.clock.monotonic()
    expect(tookOverAt - killedAt).toBeGreaterThan(2000)
    // More than the four that ran: some that were sent ahead as well.
    const meanwhile = done.filter(({ at }) => at > killedAt && at < tookOverAt)
    expect(meanwhile.length).toBeGreaterThan(4)
    await world.run(worker?.queue.drain() ?? Promise.resolve({} as never))
    // None of those ran again: their settlements waited in the inbox for the new writer.
    for (const { payload } of meanwhile) expect(done.filter((one) => one.payload === payload)).toHaveLength(1)
    for (const count of attempts.values()) expect(count).toBe(1)
  })
})

describe('a writer that stands still for 4 s', () => {
  it.each([true, false])('is replaced, comes back fenced, and its claims end once (busy: %s)', async (busy) => {
    const world = createWorld()
    const first = openStoppable(world, {})
    const others = numbers(2).map(() => world.open({}, {}, s3Like(world)))
    const started = new Map<unknown, number>()
    const done: unknown[] = []
    const handler =
      (clock: { readonly clock: Parameters<typeof sleep>[0] }): Handler<unknown> =>
      async ({ payload }) => {
        started.set(payload, (started.get(payload) ?? 0) + 1)
        await sleep(clock.clock, 500)
        done.push(payload)
      }
    first.queue.process(handler(first), { concurrency: 2 })
    await world.pass(1500)
    for (const { queue } of others) {
      queue.process(handler(world), { concurrency: 2 })
      await world.pass(1500)
    }
    const told: string[] = []
    for (const [i, { queue }] of [first, ...others].entries()) {
      queue.on('promoted', () => told.push(`${i} promoted`))
      queue.on('demoted', () => told.push(`${i} demoted`))
    }
    const producer = world.open({}, {}, s3Like(world))
    if (busy) await world.run(producer.queue.enqueueMany(numbers(100)))
    await world.pass(busy ? 5000 : 60_000)
    first.stop()
    const stoppedAt = world.clock.monotonic()
    if (!busy) await world.run(producer.queue.enqueue('while it stands still'))
    await until(world, () => writers(others) === 1)
    await world.pass(Math.max(0, stoppedAt + 4000 - world.clock.monotonic()))
    expect(world.clock.monotonic() - stoppedAt).toBeLessThanOrEqual(5000)
    first.goOn()
    await world.run(others[0]?.queue.drain() ?? Promise.resolve({} as never))
    expect(first.transport.isCoordinator).toBe(false)
    expect(told.filter((what) => what === '0 demoted')).toHaveLength(1)
    expect(told.filter((what) => /^[12] promoted/.test(what))).toHaveLength(1)
    const { completed, total } = await world.run(producer.queue.getStats())
    expect([completed, total]).toEqual(busy ? [100, 100] : [1, 1])
    // Messages that its own worker held are not taken from it before their time is over.
    for (const count of started.values()) expect(count).toBe(1)
    for (const { queue } of [first, ...others, producer]) await world.run(queue.close())
  })
})

describe('a writer that works', () => {
  it('is not replaced under steady load, whatever rings the bell', async () => {
    const world = createWorld()
    const pods = numbers(4).map(() => world.open({}, {}, s3Like(world)))
    const promoted: unknown[] = []
    for (const { queue } of pods) queue.on('promoted', ({ epoch }) => promoted.push(epoch))
    const done: unknown[] = []
    await workInOrder(world, pods, slowly(world, 50, done))
    const producers = numbers(3).map(() => world.open({}, {}, s3Like(world)))
    for (const { queue } of producers) queue.on('promoted', ({ epoch }) => promoted.push(epoch))
    for (let n = 0; n < 300; n++) {
      await world.run(producers[n % 3]?.queue.enqueue(n) ?? Promise.resolve(undefined))
      await world.pass(n % 10 === 0 ? 6000 : 400)
    }
    await world.pass(5000)
    expect(done).toHaveLength(300)
    expect(promoted).toEqual([1])
  })
})
