/** S3Queue in a process of the benchmark. */
import { createCoordinatedQueue } from '@s3queue/coordinator'
import type { Worker } from '@s3queue/core'
import type { Recipient } from '../payloads.ts'
import { NAMESPACE } from '../queues.ts'
import { openLocation } from '../stores/location.ts'
import type { PodQueue } from './pod-queue.ts'
import type { PodSetup } from './protocol.ts'

const HIGHEST_PRIORITY = 1000

/** `onPromoted` is called when this process becomes the writer. */
export function openStoreQueue(
  { location, queue: name, options }: Extract<PodSetup, { kind: 'store' }>,
  onPromoted: () => void,
): PodQueue {
  const { store, close } = openLocation(location)
  const queue = createCoordinatedQueue<Recipient>({ ...options, name, namespace: NAMESPACE, store })
  queue.on('promoted', onPromoted)
  queue.on('trouble', () => {})
  let worker: Worker | undefined
  return {
    async work(handler, { concurrency, maxPrefetch }) {
      worker = queue.process(({ payload }, { signal }) => handler(payload.n, signal), { concurrency, maxPrefetch })
    },
    async enqueue(payloads, { priority, delayMs }) {
      const settings = { delayMs, priority: priority === 'urgent' ? HIGHEST_PRIORITY : 0 }
      const [only] = payloads
      const enqueued =
        only !== undefined && payloads.length === 1
          ? [await queue.enqueue(only, settings)]
          : await queue.enqueueMany(payloads, settings)
      return enqueued.map(({ id }) => id)
    },
    pause: () => queue.pause(),
    resume: () => queue.resume(),
    cancel: (id) => queue.cancel(id),
    requests: () => queue.getCost().requests,
    async close() {
      await worker?.stop({ timeoutMs: 0 })
      await queue.close()
      close()
    },
  }
}
