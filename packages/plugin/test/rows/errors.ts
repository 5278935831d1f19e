import { PluginError } from 's3db.js'
import { describe, expect, it } from 'vitest'
import { createActionHandler, QueueError, S3QueuePlugin } from '../../src/index.ts'
import type { Place } from '../support/place.ts'
import { gate, next, openWorld, TASKS, until, type World } from '../support/world.ts'

const ACTIONS = {
  name: 'actions',
  attributes: { id: 'string|required', resource: 'string|optional', action: 'string|optional', data: 'json|optional' },
} as const

export function describeErrors(place: Place): void {
  describe('errors and bad input', () => {
    it('C70 a QueueError is a PluginError, with all that telemetry wants', async () => {
      const { use } = await openWorld(place)
      const { queue } = await use()
      const error = await queue.startProcessing().then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(QueueError)
      expect(error).toBeInstanceOf(PluginError)
      if (!(error instanceof QueueError)) return
      const { name, statusCode, retriable, suggestion, docs, metadata } = error
      expect({ name, statusCode, retriable }).toEqual({ name: 'QueueError', statusCode: 400, retriable: false })
      expect(error.toJson()).toMatchObject({
        name,
        message: error.message,
        statusCode,
        retriable,
        suggestion,
        docs,
        metadata,
      })
      expect(JSON.parse(JSON.stringify(error))).toEqual(JSON.parse(JSON.stringify(error.toJson())))
    })

    it('C71 C72 C73 messages that say what to do: insert, update and delete; what cannot be done is a dead letter at once', async () => {
      const { db, use } = await openWorld(place)
      await db.createResource({ ...ACTIONS })
      const { queue, tasks: actions } = await use({
        resource: 'actions',
        onMessage: createActionHandler(db as never) as never,
      })
      const carried = async (message: object): Promise<unknown> => {
        const completed = next(queue, 'plg:s3-queue:message-completed')
        await actions.enqueue(message as never)
        return (await completed).result
      }
      const data = { id: 'a', type: 'x' }
      expect(await carried({ resource: 'tasks', action: 'insert', data })).toEqual({ id: 'a' })
      expect(await carried({ resource: 'tasks', action: 'insert', data })).toEqual({ id: 'a' })
      await carried({ resource: 'tasks', action: 'update', data: { id: 'a', type: 'y' } })
      expect(await db.resources.tasks?.get('a')).toMatchObject({ type: 'y' })
      await carried({ resource: 'tasks', action: 'delete', data: { id: 'a' } })
      expect(await db.resources.tasks?.exists('a')).toBe(false)

      for (const [message, text] of [
        [{ action: 'insert' }, 'Resource not found in message'],
        [{ resource: 'tasks' }, 'Action not found in message'],
        [{ resource: 'nobody', action: 'insert' }, "Resource 'nobody' not found"],
        [{ resource: 'tasks', action: 'upsert' }, "Unsupported action 'upsert'"],
        [{ resource: 'tasks', action: 'update', data: {} }, 'needs its id'],
      ] as const) {
        const dead = next(queue, 'plg:s3-queue:message-dead')
        await actions.enqueue(message as never)
        expect(await dead).toMatchObject({ attempts: 1, error: expect.stringContaining(text) })
      }
    })

    it('C71 C72 C73 have their status codes', async () => {
      const { tasks } = await openWorld(place)
      const handler = createActionHandler({ resources: { tasks } as never })
      const context = { queueId: 'q' } as never
      const codes: [object, number][] = [
        [{ action: 'insert' }, 400],
        [{ resource: 'a' }, 400],
        [{ resource: 'a', action: 'insert' }, 404],
        [{ resource: 'tasks', action: 'toString' }, 400],
      ]
      for (const [message, statusCode] of codes)
        await expect(handler({ id: 'a', ...message }, context)).rejects.toMatchObject({ statusCode, retriable: false })
    })

    it('C74 what another worker has: 423, retriable', async () => {
      const { use, db } = await openWorld(place)
      const refused = gate<unknown>()
      const [started, go] = [gate(), gate()]
      const { queue, tasks } = await use({
        ...{ autoAcknowledge: false, concurrency: 2 },
        onMessage: async (_task, context) => {
          if (context.attempt > 1) return context.ack('second')
          started.open()
          await go.passed
          await context.ack('first').catch(refused.open)
        },
      })
      const { id } = await tasks.enqueue({ type: 'a' })
      await started.passed
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await db.resources.tasks_queue?.update(id, { status: 'pending' })
      await completed
      go.open()
      expect(await refused.passed).toMatchObject({ name: 'QueueError', statusCode: 423, retriable: true })
    })

    it('C4 two plugins on one resource: the second is refused with a suggestion', async () => {
      const { use, db } = await openWorld(place)
      await use()
      const second = new S3QueuePlugin({ resource: 'tasks', namespace: 'other' })
      await expect(db.usePlugin(second, 'second')).rejects.toMatchObject({
        statusCode: 409,
        suggestion: expect.stringContaining('priority'),
      })
    })

    it('C60 a record deleted while its message waits: a dead letter that says so', async () => {
      const { use, tasks: resource } = await openWorld(place)
      const { queue, tasks } = await use()
      const { id } = await tasks.enqueue({ type: 'a' })
      await resource.delete(id)
      const dead = next(queue, 'plg:s3-queue:message-dead')
      await queue.startProcessing(() => {})
      expect(await dead).toMatchObject({
        queueId: id,
        attempts: 1,
        error: expect.stringContaining('not there any more'),
      })
    })

    it('C60 an outage while the record is read: nothing is lost, no attempt counts', async () => {
      const { use, db } = await openWorld(place)
      const { queue, tasks } = await use({ logger: quiet })
      const { id } = await tasks.enqueue({ type: 'a' })
      const heal = breakGets(db, 1)
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await queue.startProcessing(() => 'read')
      expect(await completed).toMatchObject({ queueId: id, attempts: 1, result: 'read' })
      heal()
    })

    it('C101 a handler that hangs loses its message after the visibility timeout', async () => {
      const { use } = await openWorld(place)
      let runs = 0
      const { queue, tasks } = await use({
        ...{ visibilityTimeout: 1000, concurrency: 2 },
        onMessage: () => (++runs === 1 ? new Promise(() => {}) : 'second'),
      })
      const recovered = next(queue, 'plg:s3-queue:message-recovered')
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await tasks.enqueue({ type: 'a' })
      await recovered
      expect(await completed).toMatchObject({ attempts: 2, result: 'second' })
    })

    it('C5 the resource is gone under a running queue: the handler’s message dies with a clear error', async () => {
      const { use, tasks: resource } = await openWorld(place)
      const { queue, tasks } = await use()
      await tasks.enqueue({ id: 'a', type: 'x' })
      await resource.deleteMany(['a'])
      const dead = next(queue, 'plg:s3-queue:message-dead')
      await queue.startProcessing(() => {})
      expect((await dead).error).toContain('QueueError')
    })

    it('C2 two queues on one database do not starve each other', async () => {
      const { use, db } = await openWorld(place)
      await db.createResource({ ...TASKS, name: 'emails' })
      const done = { tasks: 0, emails: 0 }
      const a = await use({ onMessage: () => void done.tasks++ }, 'a')
      const b = await use({ resource: 'emails', onMessage: () => void done.emails++ }, 'b')
      await Promise.all([...'12345'].flatMap((type) => [a.tasks.enqueue({ type }), b.tasks.enqueue({ type })]))
      await until(() => done.tasks === 5 && done.emails === 5)
    })

    it('C50 the same queue with other options in another process: nothing is lost', async () => {
      const world = await openWorld(place)
      const handled: string[] = []
      const onMessage = ({ type }: { type: string }): void => void handled.push(type)
      const one = await world.use({ maxAttempts: 1, visibilityTimeout: 2000, onMessage })
      const two = await (await world.other()).use({ maxAttempts: 5, visibilityTimeout: 60_000, onMessage })
      await Promise.all([...'abc'].map((type) => one.tasks.enqueue({ type })))
      await Promise.all([...'def'].map((type) => two.tasks.enqueue({ type })))
      await until(async () => (await one.tasks.queueStats()).completed === 6)
      expect(handled.sort()).toEqual([...'abcdef'])
    })

    it('C61 HOSTNAME names the worker, and does not make two workers one', async () => {
      const world = await openWorld(place)
      const before = process.env.HOSTNAME
      process.env.HOSTNAME = 'my host'
      try {
        const one = await world.use({ onMessage: () => {} })
        const two = await (await world.other()).use({ onMessage: () => {} })
        expect(one.queue.workerId).toMatch(/^my-host\./)
        expect(two.queue.workerId).toMatch(/^my-host\./)
        expect(one.queue.workerId).not.toBe(two.queue.workerId)
      } finally {
        if (before === undefined) delete process.env.HOSTNAME
        else process.env.HOSTNAME = before
      }
    })
  })
}

const quiet = { warn() {}, info() {}, error() {}, debug() {} }

/** The next reads of the database fail as in an outage. */
function breakGets(db: World['db'], times: number): () => void {
  const client = db.client as unknown as { getObject(key: string): Promise<unknown> }
  const getObject = client.getObject
  let left = times
  client.getObject = function (key) {
    if (!key.includes('resource=tasks') || left-- <= 0) return getObject.call(this, key)
    return Promise.reject(
      Object.assign(new Error('Please try again'), { name: 'ServiceUnavailable', $metadata: { httpStatusCode: 503 } }),
    )
  }
  return () => {
    client.getObject = getObject
  }
}
