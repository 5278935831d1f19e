/** The same work done by BullMQ on Redis, as its documentation has it: bulk adds, one worker, jobs removed when they are done. */
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import type { Recipient } from '../payloads.ts'
import { type Elapsed, startStopwatch } from '../stopwatch.ts'
import type { RedisServer } from './redis-server.ts'

const ADD_AT_ONCE = 1000

export interface PeerRun {
  readonly enqueue: Elapsed
  readonly process: Elapsed
}

/** Adds all payloads, then works them off with `concurrency` handlers that do nothing. */
export async function runBullmq(
  server: RedisServer,
  payloads: readonly Recipient[],
  concurrency: number,
): Promise<PeerRun> {
  const name = `bench-${concurrency}-${payloads.length}`
  const connect = (): Redis => new Redis({ host: server.host, port: server.port, maxRetriesPerRequest: null })
  const connections = [connect(), connect()] as const
  const queue = new Queue(name, { connection: connections[0], defaultJobOptions: { removeOnComplete: true } })
  try {
    const adding = startStopwatch()
    for (let i = 0; i < payloads.length; i += ADD_AT_ONCE) {
      await queue.addBulk(payloads.slice(i, i + ADD_AT_ONCE).map((data) => ({ name: 'job', data })))
    }
    const enqueue = adding()
    return { enqueue, process: await workOff(name, connections[1], payloads.length, concurrency) }
  } finally {
    await queue.obliterate({ force: true }).catch(() => {})
    await queue.close()
    for (const connection of connections) connection.disconnect()
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
  const working = startStopwatch()
  const running = worker.run()
  await done
  const took = working()
  await worker.close()
  await running
  return took
}
