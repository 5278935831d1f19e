import { type ObjectStore, seededRandom, sleep, withLatency } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { type Counted, counted } from './counted.ts'
import { createWorld, slowly, startInOrder, type World, withoutWatch, workInOrder } from './support.ts'

describe('a worker elsewhere that has much to do', () => {
  it('C52 sends what has ended no more often than the writer looks, and looks no more often than it was told', async () => {
    const world = createWorld()
    const writer = world.open()
    const { store, count } = counted(world.store)
    const other = world.open({}, { dispatchIntervalMs: 200 }, store)
    const random = seededRandom(1)
    let done = 0
    await startInOrder(world, [
      // The writer's own worker has one message that takes for ever.
      () =>
        writer.queue.process((_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)), {
          maxPrefetch: 0,
        }),
      () =>
        other.queue.process(
          async () => {
            await sleep(world.clock, 20 * random.next())
            done++
          },
          { concurrency: 10 },
        ),
    ])
    await world.run(writer.queue.enqueueMany(Array.from({ length: 5001 }, (_, i) => i)))
    while (done < 1000) await world.pass(10)
    const before = { puts: count('put inbox'), gets: count('get mailboxes'), done, at: world.clock.monotonic() }
    while (done < 5000) await world.pass(10)
    const seconds = (world.clock.monotonic() - before.at) / 1000
    expect(seconds).toBeGreaterThan(1)
    expect(count('put inbox') - before.puts).toBeLessThanOrEqual(10 * seconds + 1)
    expect(count('get mailboxes') - before.gets).toBeLessThanOrEqual(5 * seconds + 1)
  })
})

/** Requests that S3 takes below one prefix in a second. */
const S3_READS = 5500
const S3_WRITES = 3500
const MINUTE = 60_000

/** A store like S3: it takes its time, and notifies of nothing. */
function farAway({ store, clock }: World): ObjectStore {
  const ms = 60
  return withLatency(withoutWatch(store), { clock, getMs: ms, putMs: ms, listMs: ms, deleteMs: ms })
}

describe('many processes', () => {
  it('C103 an idle queue: every process reads rarely but for one cheap read a second, and hears of a message all the same', async () => {
    const world = createWorld()
    const meters = Array.from({ length: 4 }, () => counted(farAway(world)))
    const pods = meters.map(({ store }) => world.open({}, {}, store))
    const done: unknown[] = []
    await workInOrder(world, pods, slowly(world, 10, done))
    await world.run(world.open().queue.enqueue('first'))
    await world.pass(10 * MINUTE)
    // The bell or the mailbox each second, of deputies both: $1.04 a month each, with nothing in the answer.
    const cheap = ({ count }: Counted): number => count('get bell') + count('get mailboxes')
    const before = meters.map((meter) => [meter.total() - cheap(meter), cheap(meter)] as const)
    await world.pass(10 * MINUTE)
    const perMinute = meters.map((meter, i) => {
      const [dear = 0, cheapBefore = 0] = before[i] ?? []
      return { dear: (meter.total() - cheap(meter) - dear) / 10, cheap: (cheap(meter) - cheapBefore) / 10 }
    })
    // The lease each twelve seconds, the inbox each minute; each three minutes a heartbeat; and what the writer reads of the others.
    for (const { dear } of perMinute) expect(dear).toBeLessThanOrEqual(9)
    expect(perMinute.map(({ cheap: reads }) => Math.round(reads / 60)).sort()).toEqual([1, 1, 2, 2])
    // They know each other all the same.
    const writer = pods.find(({ transport }) => transport.isCoordinator)
    expect(writer?.transport.registry()?.workers).toHaveLength(3)
    const startedAt = world.clock.monotonic()
    await world.run(world.open().queue.enqueue('second'))
    while (done.length < 2) await world.pass(100)
    expect(world.clock.monotonic() - startedAt).toBeLessThanOrEqual(2000)
  })

  it('C56 a hundred at work stay far below what S3 takes of one prefix in a second', async () => {
    const world = createWorld()
    const { store, total } = counted(world.store)
    const pods = Array.from({ length: 100 }, () => world.open({}, {}, store))
    let done = 0
    for (const { queue } of pods) {
      queue.process(
        async () => {
          await sleep(world.clock, 100)
          done++
        },
        { concurrency: 2 },
      )
    }
    await world.pass(5000)
    const producer = world.open({}, {}, store)
    const busiest = { reads: 0, writes: 0 }
    let enqueued = 0
    for (let second = 0; second < 30; second++) {
      const before = { reads: total('get', 'list'), writes: total('put', 'delete') }
      for (let tenth = 0; tenth < 10; tenth++) {
        await world.run(producer.queue.enqueueMany(Array.from({ length: 10 }, () => enqueued++)))
        await world.pass(100)
      }
      busiest.reads = Math.max(busiest.reads, total('get', 'list') - before.reads)
      busiest.writes = Math.max(busiest.writes, total('put', 'delete') - before.writes)
    }
    while (done < enqueued) await world.pass(100)
    expect(busiest.reads).toBeLessThan(S3_READS / 5)
    expect(busiest.writes).toBeLessThan(S3_WRITES / 5)
  })
})
