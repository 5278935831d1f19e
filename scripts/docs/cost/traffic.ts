/**
 * What traffic costs: the real core on a store in memory that is 60 ms away, in virtual time, with every request counted.
 *
 * Nothing is estimated but the prices: requests are those that the queue made. The same numbers come out on every machine.
 */
import { createQueue, type Queue, type QueueOptions } from '../../../packages/core/src/index.ts'
import {
  createIds,
  diffMetrics,
  type StoreMetrics,
  seededRandom,
  withLatency,
  withMetering,
} from '../../../packages/storage/src/index.ts'
import { createManualClock, type ManualClock } from '../../../packages/storage/src/testing/clock/manual-clock.ts'
import { createMemoryStore } from '../../../packages/storage-memory/src/index.ts'

/** How long a request takes, and a handler. */
const REQUEST_MS = 60
const HANDLER_MS = 100

const MONTH_S = 30 * 24 * 3600
const WARM_UP_MS = 20_000
/** Long enough for a commit's worth of everything, and for enough messages to take quantiles of. */
const MESSAGES = 1000
const LEAST_S = 30
const MOST_S = 2 * 3600
/** An idle queue needs time to become quiet. */
const IDLE_WARM_UP_MS = 600_000
const IDLE_S = 3600

export interface Traffic {
  /** Poisson arrivals; 0 for a queue in which nothing happens. */
  readonly messagesPerSecond: number
  /** Whether the producer is in the process of the worker, or in one of its own. */
  readonly producer: 'same process' | 'other process'
  readonly options?: Partial<QueueOptions>
  /** Processes that have a worker too and only stand by. Default 0. */
  readonly standbys?: number
}

export interface TrafficCost {
  readonly requestsPerSecond: number
  readonly requestsPerMessage: number
  readonly dollarsPerMonth: number
  /** From the call of `enqueue` to the start of the handler, ms. NaN without messages. */
  readonly latencyP50: number
  readonly latencyP99: number
}

interface World {
  readonly clock: ManualClock
  open(options: Partial<QueueOptions>): Queue<number>
  /** Of all processes together. */
  metrics(): StoreMetrics
}

/** Runs the traffic for a while and counts. */
export async function measureTraffic(traffic: Traffic): Promise<TrafficCost> {
  const { messagesPerSecond: rate, options = {}, producer, standbys = 0 } = traffic
  const world = createWorld()
  const { clock } = world
  const latencies: number[] = []
  const worker = world.open(options)
  worker.process(
    ({ payload: enqueuedAt }) => {
      latencies.push(clock.monotonic() - enqueuedAt)
      return new Promise((resolve) => clock.setTimer(HANDLER_MS, () => resolve(undefined)))
    },
    { concurrency: 1000 },
  )
  await clock.runUntil(worker.getStats())
  const others = Array.from({ length: standbys }, () => world.open(options))
  for (const other of others) other.process(() => undefined)
  const sender = producer === 'same process' ? worker : world.open(options)
  if (rate > 0) produce(clock, rate, (sentAt) => sender.enqueue(sentAt))
  await clock.advance(rate > 0 ? WARM_UP_MS : IDLE_WARM_UP_MS)
  latencies.length = 0
  const before = world.metrics()
  const seconds = rate > 0 ? Math.min(MOST_S, Math.max(LEAST_S, Math.ceil(MESSAGES / rate))) : IDLE_S
  await clock.advance(seconds * 1000)
  const { requests, dollars } = diffMetrics(world.metrics(), before)
  const sorted = latencies.sort((a, b) => a - b)
  const quantile = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
  return {
    requestsPerSecond: requests / seconds,
    requestsPerMessage: requests / latencies.length,
    dollarsPerMonth: (dollars / seconds) * MONTH_S,
    latencyP50: quantile(0.5),
    latencyP99: quantile(0.99),
  }
}

function createWorld(): World {
  const clock = createManualClock()
  const shared = createMemoryStore({ clock })
  const ms = { getMs: REQUEST_MS, putMs: REQUEST_MS, listMs: REQUEST_MS, deleteMs: REQUEST_MS }
  // S3 does not notify of changes.
  const meter = withMetering(withLatency({ ...shared, watch: undefined }, { clock, ...ms }), { clock })
  let processes = 0
  return {
    clock,
    metrics: () => meter.metrics(),
    open(options) {
      const random = seededRandom(++processes)
      const runtime = { clock, random, ids: createIds(clock, random) }
      return createQueue<number>({ name: 'traffic', store: meter, runtime, ...options })
    },
  }
}

/** Sends for ever, at random moments. */
function produce(clock: ManualClock, rate: number, send: (sentAt: number) => Promise<unknown>): void {
  const random = seededRandom(4711)
  const next = (): void => {
    const waitMs = (-Math.log(1 - random.next()) / rate) * 1000
    clock.setTimer(waitMs, () => {
      next()
      void send(clock.monotonic())
    })
  }
  next()
}
