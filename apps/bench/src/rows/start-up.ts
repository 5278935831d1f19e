/** What a process pays before its first message: on a namespace that nobody used before, and on one that is known. */
import { systemIds } from '@s3queue/storage'
import { recipient } from '../payloads.ts'
import { openQueue, timed } from '../queues.ts'
import type { Row } from '../row.ts'

export const startUp: Row = {
  name: 'start-up',
  about:
    'From createQueue() until the first enqueue() has resolved. On a new namespace, a store whose conditional writes only a test can vouch for is probed first.',
  stores: ['memory', 'fs', 'minio', 'far'],
  metrics: {
    newMs: { label: 'new namespace', unit: 'ms' },
    newRequests: { label: 'new namespace', unit: 'requests' },
    knownMs: { label: 'known namespace, new queue', unit: 'ms' },
    knownRequests: { label: 'known namespace, new queue', unit: 'requests' },
  },
  begin:
    ({ store }) =>
    async () => {
      const namespace = `bench-${systemIds.ulid()}`
      const measure = async (): Promise<{ readonly ms: number; readonly requests: number }> => {
        const { queue, meter } = openQueue(store, { namespace })
        const ms = await timed(() => queue.enqueue(recipient(0)))
        const { requests } = meter.metrics()
        await queue.close()
        return { ms, requests }
      }
      const first = await measure()
      const second = await measure()
      return { newMs: first.ms, newRequests: first.requests, knownMs: second.ms, knownRequests: second.requests }
    },
}
