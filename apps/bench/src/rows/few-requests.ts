/** What 1,000 waiting messages cost. */
import { diffMetrics, REQUEST_KINDS } from '@s3queue/storage'
import { recipients } from '../payloads.ts'
import { openQueue } from '../queues.ts'
import type { Findings, Place, Row } from '../row.ts'
import { rateOf, startStopwatch } from '../stopwatch.ts'

export const fewRequests: Row = {
  name: 'few-requests',
  about:
    '1,000 messages wait, one process, concurrency 10, a handler that does nothing. Requests are all from process() until drain() ' +
    'resolves, snapshots and deletes included; "with close" goes on until close() has resolved.',
  stores: ['memory', 'fs', 'minio', 'far'],
  metrics: {
    requests: { label: 'requests per message', unit: 'requests', target: { bound: 'at most', value: 0.02 } },
    ...Object.fromEntries(REQUEST_KINDS.map((kind) => [kind, { label: `of these ${kind}`, unit: 'requests' }])),
    requestsWithClose: { label: 'requests per message, with close', unit: 'requests' },
    rate: { label: 'messages', unit: 'messages/s' },
  },
  begin: (place) => () => drainFew(place, place.quick ? 200 : 1000),
}

async function drainFew({ store }: Place, count: number): Promise<Findings> {
  const { queue, meter } = openQueue(store)
  await queue.enqueueMany(recipients(count))
  const before = meter.metrics()
  const elapsed = startStopwatch()
  queue.process(() => undefined, { concurrency: 10 })
  await queue.drain()
  const took = elapsed()
  const { requests, kinds } = diffMetrics(meter.metrics(), before)
  await queue.close()
  const closed = diffMetrics(meter.metrics(), before)
  return {
    requests: requests / count,
    ...Object.fromEntries(REQUEST_KINDS.map((kind) => [kind, kinds[kind].requests / count])),
    requestsWithClose: closed.requests / count,
    rate: rateOf(count, took),
  }
}
