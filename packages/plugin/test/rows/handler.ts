import { AsyncLocalStorage } from 'node:async_hooks'
import { inspect } from 'node:util'
import { CachePlugin, PluginError } from 's3db.js'
import { describe, expect, it } from 'vitest'
import type { HandlerContext } from '../../src/index.ts'
import type { Place } from '../support/place.ts'
import { next, openWorld, recorded, TASKS, until } from '../support/world.ts'

export function describeHandler(place: Place): void {
  describe('handlers', () => {
    it('C60 the record is read when its turn has come', async () => {
      const { use, tasks: resource } = await openWorld(place)
      const { queue, tasks } = await use()
      const { id } = await tasks.enqueue({ type: 'old' })
      await resource.update(id, { type: 'new' })
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await queue.startProcessing((task) => ({ id: task.id, type: task.type }))
      expect(await completed).toMatchObject({ result: { id, type: 'new' } })
    })

    it('C60 a cache of the database does not stand between the handler and the record, nor between getStats and the dead letters', async () => {
      const world = await openWorld(place)
      const { use, tasks: resource, db } = world
      await db.usePlugin(new CachePlugin({ driver: 'memory', logLevel: 'silent' }) as never)
      const { queue, tasks } = await use({ maxAttempts: 1, deadLetterResource: 'failed_tasks' })
      const { id } = await tasks.enqueue({ type: 'old' })
      for (let n = 0; n < 3; n++) await resource.get(id)
      expect(await tasks.queueStats()).toMatchObject({ dead: 0 })
      const other = await world.other()
      await other.tasks.update(id, { type: 'new' })
      expect(await resource.get(id)).toMatchObject({ type: 'old' })
      const dead = next(queue, 'plg:s3-queue:message-dead')
      await queue.startProcessing(({ type }) => Promise.reject(new Error(`saw ${type}`)))
      expect(await dead).toMatchObject({ error: 'Error: saw new' })
      await until(async () => (await tasks.queueStats()).dead === 1 && (await queue.countQueue('all')) === 1)
    })

    it('C60 handlers, onComplete and listeners run in the context in which they were given, not in that of the first request', async () => {
      const tenant = new AsyncLocalStorage<string>()
      const { use } = await openWorld(place)
      const seen: string[] = []
      const note = (what: string): void => void seen.push(`${what} ${tenant.getStore()}`)
      const { queue, tasks } = await use({ onComplete: () => note('onComplete') })
      const outcome = tenant.run('listener', () => next(queue, 'plg:s3-queue:message-completed'))
      tenant.run('listener', () => queue.on('plg:s3-queue:message-completed', () => note('on')))
      const removed = (): void => note('removed')
      queue.once('plg:s3-queue:message-completed', removed)
      queue.off('plg:s3-queue:message-completed', removed)
      queue.once('plg:s3-queue:message-completed', () => note('once'))
      await Promise.all(['a', 'b', 'c'].map((type) => tenant.run(type, () => tasks.enqueue({ type }))))
      await tenant.run('worker', () =>
        queue.startProcessing(async () => {
          note('handler')
        }),
      )
      await outcome
      await until(async () => seen.length === 10)
      const three = (text: string): string[] => [text, text, text]
      expect(seen.sort()).toEqual([
        ...three('handler worker'),
        ...three('on listener'),
        ...three('onComplete worker'),
        'once undefined',
      ])
    })

    it('C61 a handler that waits for the end of all handlers is told that it would wait for itself', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use()
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await tasks.enqueue({ type: 'a' })
      const codeOf = (call: Promise<unknown>): Promise<unknown> => call.then(String, ({ code }) => code)
      await queue.startProcessing(async () => [await codeOf(queue.stopProcessing()), await codeOf(queue.drain())])
      expect(await completed).toMatchObject({ result: ['CALLED_IN_HANDLER', 'CALLED_IN_HANDLER'] })
      await queue.stopProcessing()
    })

    it('C61 the context can be logged, copied and sent as JSON, and says the same', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use()
      const completed = next(queue, 'plg:s3-queue:message-completed')
      const { id: queueId } = await tasks.enqueue({ type: 'a' })
      await queue.startProcessing((_task, context) => ({
        ...{ copied: { ...context }, sent: JSON.parse(JSON.stringify(context)), logged: inspect(context) },
      }))
      const fields = { queueId, workerId: queue.workerId, attempt: 1, attempts: 1, maxAttempts: 3 }
      const whole = { ...fields, visibleUntil: expect.any(Number), queuedAt: expect.stringMatching(/^20.*Z$/) }
      const { result } = await completed
      expect(result).toMatchObject({
        copied: whole,
        sent: whole,
        logged: expect.stringContaining(`queueId: '${queueId}'`),
      })
      expect(result).not.toHaveProperty('sent.record')
    })

    it('C61 the context says all there is to say; attempt counts from 1 and equals attempts', async () => {
      const { use } = await openWorld(place)
      const contexts: Partial<HandlerContext>[] = []
      const { queue, tasks } = await use({
        ...{ backoff: { baseMs: 1 }, maxAttempts: 2 },
        onMessage: (_task, context) => {
          const { workerId, queueId, attempt, attempts, maxAttempts, queuedAt, claimedAt, metadata, lockToken } =
            context
          contexts.push({ workerId, queueId, attempt, attempts, maxAttempts, queuedAt, claimedAt, metadata, lockToken })
          if (attempt === 1) throw new Error('again')
        },
      })
      const completed = next(queue, 'plg:s3-queue:message-completed')
      const { id } = await tasks.enqueue({ type: 'a' }, { metadata: { traceId: 't1' } })
      await completed
      const common = { workerId: queue.workerId, queueId: id, maxAttempts: 2 }
      const metadata = expect.objectContaining({ traceId: 't1', etag: expect.any(String) })
      expect(contexts).toMatchObject([
        { ...common, attempt: 1, attempts: 1, metadata },
        { ...common, attempt: 2, attempts: 2, metadata },
      ])
      for (const { queuedAt = '', claimedAt = '' } of contexts) {
        expect(new Date(queuedAt).toISOString()).toBe(queuedAt)
        expect(Date.parse(claimedAt)).toBeGreaterThanOrEqual(Date.parse(queuedAt))
      }
      expect(contexts[0]?.lockToken).not.toBe(contexts[1]?.lockToken)
    })

    it('C62 what is returned is the result; nothing is fine', async () => {
      const { use, db } = await openWorld(place)
      const { queue, tasks } = await use({ onMessage: ({ type }) => (type === 'nothing' ? undefined : { type }) })
      const both = ['nothing', 'something'].map((id) =>
        next(queue, 'plg:s3-queue:message-completed', ({ queueId }) => queueId === id),
      )
      for (const type of ['nothing', 'something']) await tasks.enqueue({ id: type, type })
      await Promise.all(both)
      expect(await db.resources.tasks_queue?.get('nothing')).toMatchObject({ status: 'completed', result: null })
      expect(await db.resources.tasks_queue?.get('something')).toMatchObject({ result: { type: 'something' } })
    })

    it('C63 what throws is tried again after a wait, and is then a dead letter; onError is told each time', async () => {
      const { use } = await openWorld(place)
      const errors: string[] = []
      const { queue, tasks } = await use({
        ...{ maxAttempts: 3, backoff: { baseMs: 1 } },
        onMessage: (_task, { attempt }) => {
          throw new Error(`no ${attempt}`)
        },
        onError: ({ message }) => void errors.push(message),
      })
      const seen = recorded(queue, 'plg:s3-queue:message-retry')
      const dead = next(queue, 'plg:s3-queue:message-dead')
      await tasks.enqueue({ type: 'a' })
      expect(await dead).toMatchObject({ attempts: 3, error: 'Error: no 3' })
      expect(errors).toEqual(['no 1', 'no 2', 'no 3'])
      expect(seen).toHaveLength(2)
    })

    it('C63 what throws and is no error keeps its words, its name, and whether to try again', async () => {
      const { use } = await openWorld(place)
      const thrown: unknown[] = [
        { name: 'PostgrestError', message: 'duplicate key', code: '23505' },
        { code: 7 },
        'text',
        { message: 'never', retriable: false },
      ]
      const errors: Error[] = []
      const { queue, tasks } = await use({
        ...{ maxAttempts: 2, backoff: { baseMs: 1 }, concurrency: 1 },
        onMessage: ({ n }) => Promise.reject(thrown[n as number]),
        onError: (error) => void errors.push(error),
      })
      const seen = recorded(queue, 'plg:s3-queue:message-dead')
      for (const n of thrown.keys()) await tasks.enqueue({ type: 'a', n })
      await until(() => seen.length === 4)
      const told = seen.map(([, event]) => event as { error: string; attempts: number })
      expect(told.map(({ error, attempts }) => `${error} ${attempts}`).sort()).toEqual([
        ...['Error: never 1', 'Error: text 2', 'Error: {"code":7} 2', 'PostgrestError: duplicate key 2'],
      ])
      expect(errors[0]).toMatchObject({ name: 'PostgrestError', cause: { code: '23505' } })
    })

    it('C64 an error with retriable: false is a dead letter at once; an outage that the library met is not', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use({
        backoff: { baseMs: 1 },
        onMessage: ({ type }, { attempt }) => {
          if (type === 'never') throw new PluginError('never', { statusCode: 400, retriable: false } as never)
          const original = Object.assign(new Error('Please reduce your request rate.'), { name: 'SlowDown' })
          if (attempt === 1) throw new PluginError('store', { original } as never)
        },
      })
      const dead = next(queue, 'plg:s3-queue:message-dead')
      await tasks.enqueue({ type: 'never' })
      expect(await dead).toMatchObject({ attempts: 1 })
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await tasks.enqueue({ type: 'outage' })
      expect(await completed).toMatchObject({ attempts: 2 })
    })

    it('C65 a handler updates its own record', async () => {
      const { use, tasks: resource } = await openWorld(place)
      const { queue, tasks } = await use({
        onMessage: async ({ id }) => ({ changed: (await resource.update(id, { type: 'done' })).type }),
      })
      const completed = next(queue, 'plg:s3-queue:message-completed')
      const { id } = await tasks.enqueue({ type: 'a' })
      expect(await completed).toMatchObject({ result: { changed: 'done' } })
      expect(await resource.get(id)).toMatchObject({ type: 'done' })
    })

    it('C66 a handler enqueues into another queue', async () => {
      const { use, db } = await openWorld(place)
      await db.createResource({ ...TASKS, name: 'emails' })
      const mail = await use({ resource: 'emails', onMessage: ({ type }) => `sent ${type}` }, 'mail')
      const { tasks } = await use({ onMessage: async ({ type }) => void (await mail.tasks.enqueue({ type })) })
      const sent = next(mail.queue, 'plg:s3-queue:message-completed')
      await tasks.enqueue({ type: 'order' })
      expect(await sent).toMatchObject({ result: 'sent order' })
    })

    it('C62 autoAcknowledge: false: ack() completes, nack() fails, and saying nothing fails', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use({
        ...{ autoAcknowledge: false, maxAttempts: 1 },
        onMessage: async ({ type }, { ack, nack, renewLock, progress, log }) => {
          progress({ percent: 50 })
          log('half way')
          expect(await renewLock(1000)).toBe(true)
          if (type === 'ack') await ack({ sent: true })
          if (type === 'nack') await nack(new Error('not today'))
          return 'ignored'
        },
      })
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await tasks.enqueue({ type: 'ack' })
      expect(await completed).toMatchObject({ result: { sent: true } })
      for (const [type, error] of [
        ['nack', 'Error: not today'],
        ['nothing', 'was not acknowledged'],
      ] as const) {
        const dead = next(queue, 'plg:s3-queue:message-dead', ({ queueId }) => queueId === type)
        await tasks.enqueue({ id: type, type })
        expect((await dead).error).toContain(error)
      }
    })
  })
}
