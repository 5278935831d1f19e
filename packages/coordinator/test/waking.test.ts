/** Waking an idle queue from another process, on a store like S3 with all options at their defaults. */
import {
  diffMetrics,
  type MeteredStore,
  type ObjectStore,
  S3_STANDARD_PRICES,
  seededRandom,
  withLatency,
  withMetering,
} from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld, type Process, s3Like, slowly, startInOrder, type World, workInOrder } from './support.ts'

const HOUR_MS = 3_600_000
const MONTH_MS = 30 * 24 * HOUR_MS
/** Whole intervals of all that happens rarely: heartbeats each three minutes, reads of the inbox each minute. */
const COUNTED_MS = HOUR_MS / 4

/** When the handler of each message started, by its payload. */
function noting(world: World, started: Map<unknown, number>): (message: { readonly payload: unknown }) => void {
  return ({ payload }) => void started.set(payload, world.clock.monotonic())
}

/** How long messages take to their handlers that `producer` enqueues one by one, long after each other; in ascending order. */
async function measureLatencies(world: World, workers: number, store: ObjectStore, samples: number): Promise<number[]> {
  const random = seededRandom(7)
  const started = new Map<unknown, number>()
  await workInOrder(
    world,
    Array.from({ length: workers }, () => world.open({}, {}, store)),
    noting(world, started),
  )
  const producer = world.open({}, {}, store)
  const latencies: number[] = []
  for (let n = 0; n < samples; n++) {
    await world.pass(30_000 + 10_000 * random.next())
    const sentAt = world.clock.monotonic()
    await world.run(producer.queue.enqueue(n))
    while (!started.has(n)) await world.pass(5)
    latencies.push((started.get(n) ?? Number.POSITIVE_INFINITY) - sentAt)
  }
  return latencies.sort((a, b) => a - b)
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
}

describe('a message for an idle queue', () => {
  it.each([1, 3, 8])(
    'reaches a handler within 1 s at the median and 2 s at most (%i worker processes)',
    async (workers) => {
      const world = createWorld()
      const latencies = await measureLatencies(world, workers, s3Like(world), 100)
      console.log(
        `${workers} worker processes: p50 ${quantile(latencies, 0.5)} ms, p99 ${quantile(latencies, 0.99)} ms`,
      )
      expect(quantile(latencies, 0.5)).toBeLessThanOrEqual(1000)
      expect(quantile(latencies, 0.99)).toBeLessThanOrEqual(2000)
    },
  )

  it('is handled in time by a worker of another process where the writer has no room', async () => {
    const world = createWorld()
    const store = s3Like(world)
    const [writer, other, producer] = [world.open({}, {}, store), world.open({}, {}, store), world.open({}, {}, store)]
    const started = new Map<unknown, number>()
    await startInOrder(world, [
      () => writer.queue.process(() => new Promise(() => {}), { concurrency: 1, maxPrefetch: 0 }),
      () => other.queue.process(noting(world, started)),
    ])
    await world.run(writer.queue.enqueue('stuck'))
    await world.pass(60_000)
    for (let n = 0; n < 20; n++) {
      await world.pass(20_000 + 150 * n)
      const sentAt = world.clock.monotonic()
      await world.run(producer.queue.enqueue(n))
      while (!started.has(n)) await world.pass(5)
      expect((started.get(n) ?? 0) - sentAt).toBeLessThanOrEqual(3000)
    }
  })
})

describe('operators', () => {
  it.each([0, 137, 274, 411, 548, 685, 822, 959])(
    'pause, cancel and resume an idle queue from another process within 2 s (%i ms after its last read)',
    async (afterMs) => {
      const world = createWorld()
      const store = s3Like(world)
      const pods = [world.open({}, {}, store), world.open({}, {}, store)]
      await workInOrder(world, pods, slowly(world, 10, []))
      const operator = world.open({}, {}, store)
      await world.run(operator.queue.enqueue('later', { id: 'later', delayMs: HOUR_MS }))
      for (const act of [
        () => operator.queue.pause(),
        () => operator.queue.cancel('later'),
        () => operator.queue.resume(),
      ]) {
        await world.pass(60_000 + afterMs)
        const askedAt = world.clock.monotonic()
        expect(await world.run(act())).toBe(true)
        expect(world.clock.monotonic() - askedAt).toBeLessThanOrEqual(2000)
      }
    },
  )
})

interface MeteredProcess extends Process {
  readonly meter: MeteredStore
}

function openMetered(world: World): MeteredProcess {
  const meter = withMetering(s3Like(world), { clock: world.clock, prices: S3_STANDARD_PRICES })
  return { ...world.open({}, {}, meter), meter }
}

/** What each process costs a month while nothing happens. */
async function dollarsPerMonth(world: World, pods: readonly MeteredProcess[]): Promise<number[]> {
  await world.pass(HOUR_MS / 12)
  const before = pods.map(({ meter }) => meter.metrics())
  await world.pass(COUNTED_MS)
  return pods.map(({ meter }, i) => {
    const since = before[i]
    return since === undefined ? Number.NaN : (diffMetrics(meter.metrics(), since).dollars * MONTH_MS) / COUNTED_MS
  })
}

describe('an idle queue', () => {
  it('C103 costs at most $2.50 a month for each process', async () => {
    const world = createWorld()
    const pods = Array.from({ length: 6 }, () => openMetered(world))
    await workInOrder(world, pods, slowly(world, 10, []))
    await world.run(world.open().queue.enqueue('first'))
    const dollars = await dollarsPerMonth(world, pods)
    console.log(`idle, dollars a month: ${dollars.map((amount) => amount.toFixed(2)).join(', ')}`)
    for (const amount of dollars) expect(amount).toBeLessThanOrEqual(2.5)
  })

  it('costs little for each process of a large fleet, of which 16 read their mailboxes often', async () => {
    const world = createWorld()
    const pods = Array.from({ length: 30 }, () => openMetered(world))
    for (const { queue } of pods) queue.process(slowly(world, 10, []))
    await world.pass(10_000)
    await world.run(world.open().queue.enqueue('first'))
    const dollars = await dollarsPerMonth(world, pods)
    const often = dollars.filter((amount) => amount > 1)
    // The writer, which reads the bell and the heartbeats of all others, and the light sleepers.
    expect(often).toHaveLength(17)
    for (const { transport } of pods)
      if (transport.isCoordinator) expect(transport.registry()?.workers).toHaveLength(29)
    const [mostDollars = 0, ...others] = dollars.sort((a, b) => b - a)
    expect(mostDollars).toBeLessThanOrEqual(3)
    for (const amount of others) expect(amount).toBeLessThanOrEqual(2.5)
    for (const amount of others.filter((one) => one <= 1)) expect(amount).toBeLessThanOrEqual(0.25)
  })
})

describe('where the store notifies of changes, as on one machine', () => {
  /** Requests take a few milliseconds, and so do notifications. */
  const local = (world: World): ObjectStore =>
    withLatency(world.store, { clock: world.clock, getMs: 2, putMs: 4, listMs: 2, deleteMs: 4 })

  it.each([1, 3])(
    'a message for an idle queue reaches a handler within 50 ms (%i worker processes)',
    async (workers) => {
      const world = createWorld()
      const latencies = await measureLatencies(world, workers, local(world), 50)
      console.log(
        `notified, ${workers} worker processes: p50 ${quantile(latencies, 0.5)} ms, max ${latencies.at(-1)} ms`,
      )
      expect(latencies.at(-1)).toBeLessThanOrEqual(50)
    },
  )

  it('a worker of another process is woken as fast where the writer has no room', async () => {
    const world = createWorld()
    const store = local(world)
    const [writer, other, producer] = [world.open({}, {}, store), world.open({}, {}, store), world.open({}, {}, store)]
    const started = new Map<unknown, number>()
    await startInOrder(world, [
      () => writer.queue.process(() => new Promise(() => {}), { concurrency: 1, maxPrefetch: 0 }),
      () => other.queue.process(noting(world, started)),
    ])
    await world.run(writer.queue.enqueue('stuck'))
    await world.pass(60_000)
    for (let n = 0; n < 10; n++) {
      await world.pass(20_000 + 150 * n)
      const sentAt = world.clock.monotonic()
      await world.run(producer.queue.enqueue(n))
      while (!started.has(n)) await world.pass(1)
      expect((started.get(n) ?? 0) - sentAt).toBeLessThanOrEqual(50)
    }
  })

  it('an idle process makes at most 25 requests a minute', async () => {
    const world = createWorld()
    const pods = Array.from({ length: 4 }, () => {
      const meter = withMetering(local(world), { clock: world.clock })
      return { ...world.open({}, {}, meter), meter }
    })
    await workInOrder(world, pods, slowly(world, 10, []))
    await world.pass(5 * 60_000)
    const before = pods.map(({ meter }) => meter.metrics())
    await world.pass(10 * 60_000)
    for (const [i, { meter }] of pods.entries()) {
      const since = before[i]
      const { requests } = since === undefined ? { requests: Number.NaN } : diffMetrics(meter.metrics(), since)
      expect(requests / 10).toBeLessThanOrEqual(25)
    }
  })
})
