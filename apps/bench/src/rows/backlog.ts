/** How fast a backlog is worked off: by many handlers at once, and by one. */
import { diffMetrics } from '@s3queue/storage'
import { batches, recipients } from '../payloads.ts'
import { openQueue } from '../queues.ts'
import type { Findings, MetricSpec, Place, Row } from '../row.ts'
import { allocatedOf, cpuOf, rateOf, startStopwatch } from '../stopwatch.ts'

const COUNTED = 'Time and requests from process() until drain() resolves; the handler does nothing.'

interface BacklogOptions {
  readonly count: number
  readonly concurrency: number
}

function metrics(target: MetricSpec['target']): Row['metrics'] {
  return {
    rate: { label: 'messages', unit: 'messages/s', target },
    requests: { label: 'requests per message', unit: 'requests' },
    cpu: { label: 'CPU per message', unit: 'µs' },
    allocated: { label: 'allocated per message', unit: 'bytes' },
  }
}

export const backlog: Row = {
  name: 'backlog',
  about: `20,000 messages wait, one process, concurrency 100. ${COUNTED}`,
  stores: ['memory', 'fs', 'minio', 'far'],
  repetitions: 15,
  // Five times the 17,500/s that BullMQ 6 on Redis did on two cores.
  metrics: metrics({ bound: 'at least', value: 87_500, stores: ['minio'] }),
  begin: (place) => () => workOff(place, { count: place.quick ? 500 : 20_000, concurrency: 100 }),
}

export const backlogOfOne: Row = {
  name: 'backlog-one',
  about: `5,000 messages wait, one process, concurrency 1. ${COUNTED}`,
  stores: ['memory', 'fs', 'minio', 'far'],
  repetitions: 15,
  // Five times the 4,400/s of the same comparison at concurrency 1.
  metrics: metrics({ bound: 'at least', value: 22_000, stores: ['minio'] }),
  begin: (place) => () => workOff(place, { count: place.quick ? 200 : 5000, concurrency: 1 }),
}

export const backlogFarAway: Row = {
  name: 'backlog-far',
  about: `200,000 messages wait, one process, concurrency 100: whether enough is claimed ahead while requests are under way. ${COUNTED}`,
  stores: ['far'],
  repetitions: 5,
  metrics: metrics(undefined),
  begin: (place) => () => workOff(place, { count: place.quick ? 2000 : 200_000, concurrency: 100 }),
}

async function workOff({ store }: Place, { count, concurrency }: BacklogOptions): Promise<Findings> {
  const { queue, meter } = openQueue(store)
  for (const batch of batches(count, 10_000)) await queue.enqueueMany(recipients(batch.count, batch.first))
  let handled = 0
  const before = meter.metrics()
  const elapsed = startStopwatch()
  queue.process(() => void handled++, { concurrency })
  await queue.drain()
  const took = elapsed()
  const { requests } = diffMetrics(meter.metrics(), before)
  await queue.close()
  if (handled !== count) throw new Error(`${handled} messages were handled; ${count} were enqueued.`)
  return {
    rate: rateOf(count, took),
    requests: requests / count,
    cpu: cpuOf(count, took),
    allocated: allocatedOf(count, took),
  }
}
