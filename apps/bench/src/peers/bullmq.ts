/**
 * The same work done by BullMQ on Redis, as its documentation has it: bulk adds, one worker, jobs removed when they are done.
 *
 * Connections are there and scripts are loaded before anything is measured.
 */
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { batches, type Recipient } from '../payloads.ts'
import { type Elapsed, startStopwatch } from '../stopwatch.ts'
import type { RedisServer } from './redis-server.ts'

/** A queue of its own. */
export interface Peer {
  /** Adds all payloads, `atOnce` of them with each `addBulk`, one after the other. */
  add(payloads: readonly Recipient[], atOnce: number): Promise<Elapsed>
  /** Works off the `count` that are there, with `concurrency` handlers that do nothing. */
  workOff(count: number, concurrency: number): Promise<Elapsed>
  close(): Promise<void>
}

export async function openBullmq({ host, port }: RedisServer, name: string): Promise<Peer> {
  const connect = (): Redis => new Redis({ host, port, maxRetriesPerRequest: null })
  const [adding, working] = [connect(), connect()]
  const queue = new Queue(name, { connection: adding, defaultJobOptions: { removeOnComplete: true } })
  await queue.waitUntilReady()
  return {
    async add(payloads, atOnce) {
      const bulks = [...batches(payloads.length, atOnce)].map(({ first, count }) =>
        payloads.slice(first, first + count).map((data) => ({ name: 'job', data })),
      )
      const elapsed = startStopwatch()
      for (const bulk of bulks) await queue.addBulk(bulk)
      return elapsed()
    },
    workOff: (count, concurrency) => workOff(name, working, count, concurrency),
    async close() {
      await queue.obliterate({ force: true }).catch(() => {})
      await queue.close()
      for (const connection of [adding, working]) connection.disconnect()
    },
  }
}

async function workOff(name: string, connection: Redis, count: number, concurrency: number): Promise<Elapsed> {
  const worker = new Worker(name, async () => {}, { connection, concurrency, autorun: false })
  const done = new Promise<void>((resolve, reject) => {
    let completed = 0
    worker.on('completed', () => {
      if (++completed === count) resolve()
    })
    worker.on('error', reject)
  })
  await worker.waitUntilReady()
  const elapsed = startStopwatch()
  const running = worker.run()
  await done
  const took = elapsed()
  await worker.close()
  await running
  return took
}
