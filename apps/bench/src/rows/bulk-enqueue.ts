/** How fast many messages get in, batch after batch. */
import { batches, type Recipient, recipients } from '../payloads.ts'
import { becomeWriter, openQueue, timed } from '../queues.ts'
import type { Place, Row } from '../row.ts'

export const bulkEnqueue: Row = {
  name: 'bulk-enqueue',
  about:
    'enqueueMany() of 100,000 messages in all, one call at a time, each waiting until its messages are durable. The payloads are made beforehand.',
  stores: ['memory', 'fs', 'minio', 'far'],
  metrics: {
    thousand: { label: 'batches of 1,000', unit: 'messages/s' },
    tenThousand: {
      label: 'batches of 10,000',
      unit: 'messages/s',
      target: { bound: 'at least', value: 100_000, stores: ['minio'] },
    },
  },
  begin: (place) => {
    const payloads = recipients(place.quick ? 2000 : 100_000)
    const scale = place.quick ? 0.1 : 1
    return async () => ({
      thousand: await enqueueRate(place, payloads, 1000 * scale),
      tenThousand: await enqueueRate(place, payloads, 10_000 * scale),
    })
  },
}

async function enqueueRate({ store }: Place, payloads: readonly Recipient[], size: number): Promise<number> {
  const opened = openQueue(store)
  const { queue } = opened
  await becomeWriter(opened)
  const parts = [...batches(payloads.length, size)].map(({ first, count }) => payloads.slice(first, first + count))
  const ms = await timed(async () => {
    for (const part of parts) await queue.enqueueMany(part)
  })
  const { waiting } = await queue.getStats()
  await queue.close()
  if (waiting !== payloads.length) throw new Error(`${waiting} messages wait; ${payloads.length} were enqueued.`)
  return payloads.length / (ms / 1000)
}
