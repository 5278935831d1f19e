/** One message after the other, with nothing else going on: the latency that a lone message sees, and what it costs. */
import { diffMetrics, REQUEST_KINDS, systemClock } from '@s3queue/storage'
import { recipient } from '../payloads.ts'
import { becomeWriter, type MeteredQueue, openQueue } from '../queues.ts'
import type { Findings, Place, Row } from '../row.ts'
import { quantile } from '../sample.ts'
import { allocatedOf, cpuOf, rateOf, startStopwatch } from '../stopwatch.ts'

const COUNTS = { memory: 2000, fs: 500, minio: 1000, far: 50 } as const
const QUICK_COUNTS = { memory: 20, fs: 20, minio: 20, far: 5 } as const

export const oneAtATime: Row = {
  name: 'one-at-a-time',
  about:
    'enqueue, wait until it is handled and its completion is durable, then the next. Requests are those between the first and the last ' +
    'message; "with start-up" counts all from createQueue() to close(), divided by the same messages. A round trip is the median put of the same messages.',
  stores: ['memory', 'fs', 'minio', 'far'],
  repetitions: 3,
  metrics: {
    rate: { label: 'messages', unit: 'messages/s' },
    cpu: { label: 'CPU per message', unit: 'µs' },
    allocated: { label: 'allocated per message', unit: 'bytes' },
    p50: {
      label: 'enqueue to handler, p50',
      unit: 'ms',
      target: { bound: 'at most', value: 150, stores: ['far'] },
    },
    p99: { label: 'enqueue to handler, p99', unit: 'ms' },
    roundTrips: {
      label: 'enqueue to handler, p50',
      unit: 'round trips',
      target: { bound: 'at most', value: 3 },
    },
    requests: { label: 'requests per message', unit: 'requests', target: { bound: 'at most', value: 2.5 } },
    ...Object.fromEntries(REQUEST_KINDS.map((kind) => [kind, { label: `of these ${kind}`, unit: 'requests' }])),
    requestsInAll: {
      label: 'requests per message, with start-up',
      unit: 'requests',
      target: { bound: 'at most', value: 2.5, stores: ['memory', 'fs', 'minio'] },
    },
  },
  begin: (place) => {
    const count = (place.quick ? QUICK_COUNTS : COUNTS)[place.storeName ?? 'memory']
    return () => sendOneByOne(place, count)
  },
}

async function sendOneByOne({ store, storeName }: Place, count: number): Promise<Findings> {
  const opened = openQueue(store)
  const { queue, meter } = opened
  await becomeWriter(opened)
  const latencies: number[] = []
  const roundTrip = startWorker(opened, (latency) => latencies.push(latency))
  for (let n = 0; n < count / 10; n++) await roundTrip(n)
  latencies.length = 0
  const before = meter.metrics()
  const elapsed = startStopwatch()
  for (let n = 0; n < count; n++) await roundTrip(n)
  const took = elapsed()
  const { requests, kinds } = diffMetrics(meter.metrics(), before)
  await queue.close()
  const p50 = quantile(latencies, 0.5)
  return {
    rate: rateOf(count, took),
    cpu: cpuOf(count, took),
    allocated: allocatedOf(count, took),
    p50,
    p99: quantile(latencies, 0.99),
    // A put into memory takes no time that would be worth counting in.
    roundTrips: storeName === 'memory' ? undefined : p50 / kinds.put.latency.p50Ms,
    requests: requests / count,
    ...Object.fromEntries(REQUEST_KINDS.map((kind) => [kind, kinds[kind].requests / count])),
    requestsInAll: meter.metrics().requests / (count + Math.ceil(count / 10)),
  }
}

/** What sends one message and waits until it is completed. */
function startWorker({ queue }: MeteredQueue, onHandled: (latencyMs: number) => void): (n: number) => Promise<void> {
  let sentAt = 0
  let onCompleted = (): void => {}
  queue.on('completed', () => onCompleted())
  queue.process(() => onHandled(systemClock.monotonic() - sentAt))
  return async (n) => {
    const completed = new Promise<void>((resolve) => {
      onCompleted = resolve
    })
    sentAt = systemClock.monotonic()
    await Promise.all([queue.enqueue(recipient(n)), completed])
  }
}
