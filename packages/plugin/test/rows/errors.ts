import { PluginError } from 's3db.js'
import { describe, expect, it } from 'vitest'
import { createActionHandler, QueueError } from '../../src/index.ts'
import type { Place } from '../support/place.ts'
import { gate, next, openWorld } from '../support/world.ts'

const ACTIONS = {
  name: 'actions',
  attributes: { id: 'string|required', resource: 'string|optional', action: 'string|optional', data: 'json|optional' },
} as const

export function describeErrors(place: Place): void {
  describe('errors', () => {
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
  })
}
