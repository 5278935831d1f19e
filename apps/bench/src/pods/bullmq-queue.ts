/** BullMQ in a process of the benchmark, as its documentation has it: finished jobs are removed. */
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import type { Recipient } from '../payloads.ts'
import type { PodQueue } from './pod-queue.ts'
import type { PodSetup, Priority } from './protocol.ts'

/** Of those above 0, 1 is the most urgent; 0 is no priority. */
const PRIORITIES: Readonly<Record<Priority, number>> = { none: 0, low: 2, urgent: 1 }

export async function openBullmqQueue({
  host,
  port,
  queue: name,
}: Extract<PodSetup, { kind: 'redis' }>): Promise<PodQueue> {
  const connect = (): Redis => new Redis({ host, port, maxRetriesPerRequest: null })
  const connections = [connect(), connect()] as const
  const [adding, working] = connections
  const queue = new Queue<Recipient>(name, { connection: adding, defaultJobOptions: { removeOnComplete: true } })
  await queue.waitUntilReady()
  let worker: Worker<Recipient> | undefined
  return {
    async work(handler, { concurrency }) {
      const { signal } = new AbortController()
      worker = new Worker<Recipient>(name, async ({ data }) => handler(data.n, signal), {
        connection: working,
        concurrency,
      })
      await worker.waitUntilReady()
    },
    async enqueue(payloads, { priority, delayMs }) {
      const opts = { priority: PRIORITIES[priority], delay: delayMs ?? 0 }
      const jobs = await queue.addBulk(payloads.map((data) => ({ name: 'job', data, opts })))
      return jobs.flatMap(({ id }) => id ?? [])
    },
    pause: () => queue.pause(),
    resume: () => queue.resume(),
    cancel: (id) => queue.remove(id),
    requests: () => 0,
    async close() {
      await worker?.close(true)
      await queue.close()
      for (const connection of connections) connection.disconnect()
    },
  }
}
