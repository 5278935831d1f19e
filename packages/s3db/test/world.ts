/** A real database in memory, and a real queue beside it. */
import { createQueue, type Queue, type QueueOptions } from '@s3queue/core'
import { systemClock, systemIds } from '@s3queue/storage'
import { createMemoryStore, type MemoryStore } from '@s3queue/storage-memory'
import { Database } from 's3db.js'
import { onTestFinished } from 'vitest'
import { Enqueuer, type MessagePayload, Records, type S3dbResource } from '../src/index.ts'

let databases = 0

export interface World {
  readonly db: Database
  readonly tasks: S3dbResource
  readonly store: MemoryStore
  readonly records: Records
  readonly enqueuer: Enqueuer
  /** A queue object as another process would have it. */
  open(): Queue<MessagePayload>
  readonly queue: Queue<MessagePayload>
}

export async function openWorld(options: Pick<QueueOptions, 'retention'> = {}): Promise<World> {
  const connectionString = `memory://s3db-${process.pid}-${++databases}/app`
  const db = new Database({
    connectionString,
    logLevel: 'silent',
    executorPool: { retries: 0 },
  } as ConstructorParameters<typeof Database>[0])
  await db.connect()
  onTestFinished(() => db.disconnect())
  const tasks: S3dbResource = await db.createResource({ name: 'tasks', attributes: { type: 'string|required' } })
  const store = createMemoryStore()
  const open = (): Queue<MessagePayload> => {
    const queue = createQueue<MessagePayload>({
      name: 'tasks',
      store,
      ifMissing: 'empty',
      takeoverAfterMs: 300,
      maxAttempts: 1,
      ...options,
    })
    onTestFinished(() => queue.close())
    return queue
  }
  const queue = open()
  const records = new Records(tasks, systemIds)
  const enqueuer = new Enqueuer({ records, queue: () => queue, clock: systemClock })
  return { db, tasks, store, records, enqueuer, open, queue }
}
