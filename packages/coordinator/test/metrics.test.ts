import { type CoordinatedQueueOptions, createCoordinatedQueue, type QueueMetrics } from '@s3queue/coordinator'
import {
  createIds,
  type Fault,
  type ObjectStore,
  REQUEST_KINDS,
  type StoreOperation,
  seededRandom,
  sleep,
  withFaults,
} from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld, startInOrder, troublesOf, type World } from './support.ts'

/** A queue as its users open it. */
function open(world: World, seed: number, options: Partial<CoordinatedQueueOptions> = {}) {
  const random = seededRandom(seed)
  const runtime = { clock: world.clock, random, ids: createIds(world.clock, random) }
  return createCoordinatedQueue({ name: 'jobs', store: world.store, runtime, ...options })
}

describe('what a process can say of its part', () => {
  it('C90 comes from counters: workers, tickets, attempts, rates', async () => {
    const world = createWorld()
    const [writer, other] = [open(world, 1), open(world, 2)]
    const handler = (): Promise<void> => sleep(world.clock, 100)
    await startInOrder(world, [
      () => writer.process(handler, { concurrency: 1, maxPrefetch: 0 }),
      () => other.process(handler, { concurrency: 1, maxPrefetch: 0 }),
    ])
    await world.pass(10_000)
    expect(writer.metrics()).toEqual({
      ...{ activeWorkers: 2, isCoordinator: true, ticketsAvailable: 0, ticketsClaimed: 0, ticketsStalled: 0 },
      ...{ messagesProcessed: 0, processingRate: 0, s3OpsPerSec: expect.any(Number), throttlingErrors: 0 },
    })
    expect(other.metrics()).toMatchObject({ activeWorkers: 1, isCoordinator: false, ticketsAvailable: undefined })
    const costs = [writer, other].map((queue) => queue.getCost().requests)
    const startedAt = world.clock.monotonic()
    await world.run(writer.enqueueMany(Array.from({ length: 50 }, (_, i) => i)))
    await world.pass(500)
    expect(writer.metrics().ticketsAvailable).toBeGreaterThan(20)
    await world.run(writer.drain())
    await world.pass(1000)
    const seconds = (world.clock.monotonic() - startedAt) / 1000
    const [ofWriter, ofOther] = [writer.metrics(), other.metrics()] as [QueueMetrics, QueueMetrics]
    expect(ofWriter.messagesProcessed + ofOther.messagesProcessed).toBe(50)
    expect(ofOther.messagesProcessed).toBeGreaterThan(0)
    // What one sent, the other got and handled.
    expect(ofOther.ticketsClaimed).toBe(ofWriter.ticketsClaimed)
    expect(ofOther.messagesProcessed).toBe(ofOther.ticketsClaimed)
    expect(ofOther.processingRate).toBeCloseTo(ofOther.messagesProcessed / seconds, 1)
    const requests = other.getCost().requests - (costs[1] ?? 0)
    expect(ofOther.s3OpsPerSec).toBeCloseTo(requests / seconds, 1)
    await world.pass(1000)
    expect(other.metrics()).toMatchObject({ processingRate: 0, messagesProcessed: ofOther.messagesProcessed })
  })

  it.each(REQUEST_KINDS)('C89 C90 counts a throttled %s, and tells of it', async (kind) => {
    const world = createWorld()
    let left = 0
    const next = (request: StoreOperation): Fault | undefined => {
      if (request.kind !== kind || left === 0) return undefined
      left--
      return { kind: 'throttled', retryAfterMs: 700 }
    }
    const store: ObjectStore = withFaults(world.store, { clock: world.clock, random: seededRandom(3), plan: { next } })
    // An enqueue is a put, the writer's look into the inbox a list, its answer to a worker a get, and what was folded is deleted.
    const writer = open(world, 1, { store })
    const troubles = troublesOf(writer)
    const other = open(world, 2)
    await startInOrder(world, [
      () => writer.process(() => {}, { concurrency: 1 }),
      () => other.process(() => {}, { concurrency: 1 }),
    ])
    expect(writer.metrics().throttlingErrors).toBe(0)
    left = 3
    await world.run(other.enqueueMany([1, 2, 3]))
    await world.run(writer.enqueue(4))
    await world.pass(120_000)
    expect(left).toBe(0)
    expect(writer.metrics().throttlingErrors).toBe(3)
    expect(writer.getCost().metrics.kinds[kind].throttled).toBe(3)
    expect(troubles.length).toBeGreaterThan(0)
    expect(await world.run(writer.getStats())).toMatchObject({ completed: 4, waiting: 0, active: 0 })
  })

  it('C87 health tells whether a worker runs here, and when it last gave a sign', async () => {
    const world = createWorld()
    const queue = open(world, 1)
    const unused = { isRunning: false, lastHeartbeat: undefined, coordinatorElected: false, isCoordinator: false }
    expect(queue.health()).toEqual({ ...unused, coordinatedShards: [] })
    const worker = queue.process(() => {}, { workerId: 'pod-1' })
    await world.pass(1000)
    const startedAt = world.clock.now() - 1000
    expect(queue.health()).toEqual({
      ...{ isRunning: true, coordinatorElected: true, isCoordinator: true, coordinatedShards: [0] },
      lastHeartbeat: expect.any(Number),
    })
    expect(queue.health().lastHeartbeat).toBeGreaterThanOrEqual(startedAt)
    await world.run(worker.stop())
    expect(queue.health()).toMatchObject({ isRunning: false, isCoordinator: true })
    const other = open(world, 2)
    const elsewhere = other.process(() => {})
    await world.pass(20_000)
    expect([queue, other].filter((one) => one.health().isCoordinator)).toHaveLength(1)
    expect([queue, other].map((one) => one.health().coordinatorElected)).toContain(true)
    await world.run(elsewhere.stop())
    await world.run(queue.close())
    expect(queue.health()).toMatchObject({ isRunning: false, isCoordinator: false, coordinatorElected: false })
    await world.run(other.close())
    expect(other.health()).toMatchObject({ isRunning: false, isCoordinator: false, coordinatorElected: false })
  })

  it('C27 who stands by without a worker knows of no coordinator, as nobody tells it of one', async () => {
    const world = createWorld()
    const [writer, other] = [open(world, 1), open(world, 2)]
    writer.process(() => {})
    await world.pass(2000)
    const worker = other.process(() => {})
    await world.pass(2000)
    expect(other.health()).toMatchObject({ coordinatorElected: true, isCoordinator: false })
    await world.run(worker.stop())
    expect(other.health()).toMatchObject({ coordinatorElected: false, isCoordinator: false })
    await world.run(other.close())
    await world.run(writer.close())
  })
})
