/** How fast many messages get in, batch after batch. */
import { batches, type Recipient, recipients } from '../payloads.ts'
import { becomeWriter, openQueue } from '../queues.ts'
import type { Place, Row } from '../row.ts'
import { allocatedOf, cpuOf, type Elapsed, rateOf, startStopwatch } from '../stopwatch.ts'

export const bulkEnqueue: Row = {
  name: 'bulk-enqueue',
  about:
    'enqueueMany() of 100,000 messages in all, one call at a time, each waiting until its messages are durable. The payloads are made beforehand.',
  stores: ['memory', 'fs', 'minio', 'far'],
  metrics: {
    thousand: { label: 'batches of 1,000', unit: 'messages/s' },
    thousandCpu: { label: 'batches of 1,000, CPU per message', unit: 'µs' },
    thousandAllocated: { label: 'batches of 1,000, allocated per message', unit: 'bytes' },
    tenThousand: {
      label: 'batches of 10,000',
      unit: 'messages/s',
      target: { bound: 'at least', value: 100_000, stores: ['minio'] },
    },
    tenThousandCpu: { label: 'batches of 10,000, CPU per message', unit: 'µs' },
    tenThousandAllocated: { label: 'batches of 10,000, allocated per message', unit: 'bytes' },
  },
  begin: (place) => {
    const payloads = recipients(place.quick ? 2000 : 100_000)
    const scale = place.quick ? 0.1 : 1
    return async () => {
      const thousand = await enqueueAll(place, payloads, 1000 * scale)
      const tenThousand = await enqueueAll(place, payloads, 10_000 * scale)
      return {
        thousand: rateOf(payloads.length, thousand),
        thousandCpu: cpuOf(payloads.length, thousand),
        thousandAllocated: allocatedOf(payloads.length, thousand),
        tenThousand: rateOf(payloads.length, tenThousand),
        tenThousandCpu: cpuOf(payloads.length, tenThousand),
        tenThousandAllocated: allocatedOf(payloads.length, tenThousand),
      }
    }
  },
}

async function enqueueAll({ store }: Place, payloads: readonly Recipient[], size: number): Promise<Elapsed> {
  const opened = openQueue(store)
  const { queue } = opened
  await becomeWriter(opened)
  const parts = [...batches(payloads.length, size)].map(({ first, count }) => payloads.slice(first, first + count))
  const elapsed = startStopwatch()
  for (const part of parts) await queue.enqueueMany(part)
  const took = elapsed()
  const { waiting } = await queue.getStats()
  await queue.close()
  if (waiting !== payloads.length) throw new Error(`${waiting} messages wait; ${payloads.length} were enqueued.`)
  return took
}
