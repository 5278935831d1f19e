/** A queue of several shards on a real server, raised while others use it. */
import { type CoordinatedQueue, createCoordinatedQueue } from '@s3queue/coordinator'
import { InvalidOption } from '@s3queue/storage'
import { createS3Store, type S3StoreOptions } from '@s3queue/storage-s3'
import { expect, onTestFinished, test } from 'vitest'
import { createTestBucket } from '../harness/index.ts'
import { describeOnS3 } from '../harness/suite.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** The queue as a process of its own has it. */
function open(bucket: S3StoreOptions, shards: number): CoordinatedQueue<number> {
  const store = createS3Store(bucket)
  const times = { visibilityTimeoutMs: 3000, takeoverAfterMs: 2000, heartbeatIntervalMs: 500, maxPollMs: 1000 }
  const queue = createCoordinatedQueue<number>({ name: 'sharded', store, shards, ...times })
  onTestFinished(async () => {
    await queue.close()
    store.destroy()
  })
  return queue
}

describeOnS3('a queue of several shards', (server) => {
  test('is raised from three to five at work: each message is completed once, names and all', async () => {
    const bucket = await createTestBucket(server, 'shards')
    const pods = [open(bucket, 3), open(bucket, 3)] as const
    const producer = open(bucket, 3)
    const handled: number[] = []
    for (const pod of pods) pod.process(({ payload }) => handled.push(payload), { concurrency: 10 })
    for (const round of numbers(10)) {
      await producer.enqueueMany(numbers(50).map((n) => 100 * round + n))
      await producer.enqueueMany(numbers(10), (n) => ({ id: `name ${n}`, deduplicationWindowMs: 600_000 }))
    }
    const raised = open(bucket, 5)
    await raised.enqueueMany(numbers(100).map((n) => 10_000 + n))
    await raised.enqueueMany(numbers(10), (n) => ({ id: `name ${n}`, deduplicationWindowMs: 600_000 }))
    await producer.drain()
    expect(await producer.getStats()).toMatchObject({ completed: 610, waiting: 0, active: 0, dead: 0, total: 610 })
    expect(new Set(handled).size).toBe(500 + 100)
    const refused = open(bucket, 4)
    await expect(refused.getStats()).rejects.toThrow(InvalidOption)
  })
})
