/** What can go wrong between a process and its S3 server. */
import { randomBytes } from 'node:crypto'
import { startFaultProxy } from '@s3queue/e2e/harness'
import { describeOnS3 } from '@s3queue/e2e/suite'
import { createBucket, createS3Store } from '@s3queue/storage-s3'
import { expect, it, onTestFinished } from 'vitest'
import { connect, minio } from './support/place.ts'
import { next, openWorld, until } from './support/world.ts'

describeOnS3('faults on MinIO', (server) => {
  const place = minio(server)
  const { accessKeyId, secretAccessKey } = server.credentials
  const locationOf = (bucket: string): string =>
    `http://${accessKeyId}:${secretAccessKey}@${new URL(server.endpoint).host}/${bucket}/app`

  it('C60 the store answers 503 while the record is read: read again, no attempt counts, nothing is lost', async () => {
    const location = await place.location()
    const proxy = await startFaultProxy(server.endpoint)
    onTestFinished(() => proxy.stop())
    const world = await openWorld(place, location.replace(new URL(server.endpoint).host, new URL(proxy.endpoint).host))
    const errors: unknown[] = []
    world.db.on('plg:queue:error', (event) => errors.push(event))
    const { queue, tasks } = await world.use({ maxAttempts: 1 })
    const { id } = await tasks.enqueue({ type: 'a' })
    // The SDK behind the library asks a few times by itself.
    const target = { method: 'GET', path: /resource(=|%3D)tasks/, times: 4 }
    const { met } = proxy.inject({ kind: 'answer', status: 503 }, target)
    const completed = next(queue, 'plg:s3-queue:message-completed')
    await queue.startProcessing(({ type }) => `read ${type}`)
    await met
    expect(await completed).toMatchObject({ queueId: id, attempts: 1, result: 'read a' })
    expect(errors.length).toBeGreaterThan(0)
  })

  it('C4 a bucket that is not there: the database says so when it connects, and a queue with a store of its own at its first use', async () => {
    await expect(connect(locationOf('no-such-bucket-here'))).rejects.toThrow()
    const store = createS3Store({
      ...{ endpoint: server.endpoint, region: server.region, credentials: server.credentials },
      bucket: 'no-such-bucket-here',
    })
    onTestFinished(() => store.destroy())
    const { tasks } = await (await openWorld(place)).use({ store })
    await expect(tasks.enqueue({ type: 'a' })).rejects.toMatchObject({
      code: 'NO_SUCH_BUCKET',
      message: expect.stringContaining('no-such-bucket-here'),
    })
  })

  it('C4 the queue’s bucket comes later: its worker says what is missing, and works as soon as it is there', async () => {
    const { endpoint, region, credentials } = server
    const options = { endpoint, region, credentials, bucket: `late-${randomBytes(6).toString('hex')}` }
    const store = createS3Store(options)
    onTestFinished(() => store.destroy())
    const world = await openWorld(place)
    const told: unknown[] = []
    world.db.on('plg:queue:error', (event) => told.push(event))
    const { queue, tasks } = await world.use({ store, onMessage: () => 'done' })
    await until(() => told.some((event) => JSON.stringify(event).includes(options.bucket)))
    expect(queue.isRunning).toBe(true)
    await createBucket(options)
    const completed = next(queue, 'plg:s3-queue:message-completed')
    const { id } = await tasks.enqueue({ type: 'a' })
    expect(await completed).toMatchObject({ queueId: id, result: 'done' })
  })
})
