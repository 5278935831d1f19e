/** What a queue meets in the field: records and resources that vanish, outages, handlers that hang, others with other options. */
import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { S3QueuePlugin } from '../../src/index.ts'
import type { Place } from '../support/place.ts'
import { gate, next, openWorld, TASKS, type Task, until, type World } from '../support/world.ts'

export function describeBadInput(place: Place): void {
  describe('bad input', () => {
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

    it('C60 the resource is deleted under a running queue: what is in hand ends, what waits is a dead letter that says why', async () => {
      const { use, db } = await openWorld(place)
      await db.createResource({ ...TASKS, name: 'doomed', paranoid: false } as never)
      const [started, hold] = [gate(), gate()]
      const { queue, tasks } = await use({
        ...{ resource: 'doomed', concurrency: 1, pollBatchSize: 0, deadLetterResource: 'dead' },
        onMessage: async () => {
          started.open()
          await hold.passed
          return 'done'
        },
      })
      await tasks.enqueue({ id: 'in-hand', type: 'x' })
      await started.passed
      for (const id of ['a', 'b']) await tasks.enqueue({ id, type: 'x' })
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await tasks.deleteAllData()
      Reflect.deleteProperty(db.resources, 'doomed')
      hold.open()
      expect(await completed).toMatchObject({ queueId: 'in-hand', result: 'done' })
      await until(async () => (await db.resources.dead?.count()) === 2)
      const rows = (await db.resources.dead?.list()) ?? []
      expect(rows.map(({ originalId }) => originalId).sort()).toEqual(['a', 'b'])
      for (const { error } of rows) expect(error).toContain('not there any more')
      // The records are gone, and the queue is not: it lies beside them.
      await until(async () => (await queue.getStats()).dead === 2)
      expect(await queue.getStats()).toMatchObject({ completed: 1, pending: 0, processing: 0, dead: 2 })
    })

    it('C60 a record that cannot be read: tried as often as any other, onError is told, and its dead letter says why', async () => {
      const { use, db, tasks: resource } = await openWorld(place)
      const told: string[] = []
      let broken = true
      const { queue, tasks } = await use({
        ...{ maxAttempts: 2, backoff: { baseMs: 1 }, deadLetterResource: 'dead' },
        onError: ({ message }, { id }) => void told.push(`${id}: ${message}`),
      })
      const { id } = await tasks.enqueue({ id: 'a', type: 'x' })
      resource.addHook('beforeGet', async (record: unknown) => {
        if (broken) throw new TypeError('no such format')
        return record
      })
      const dead = next(queue, 'plg:s3-queue:message-dead')
      await queue.startProcessing(({ type }) => `read ${type}`)
      const error = expect.stringContaining('cannot be read: no such format')
      expect(await dead).toMatchObject({ queueId: id, attempts: 2, error })
      expect(told).toEqual([
        expect.stringMatching(/^a: .*no such format/),
        expect.stringMatching(/^a: .*no such format/),
      ])
      await until(async () => (await db.resources.dead?.count()) === 1)
      expect(await db.resources.dead?.list()).toMatchObject([{ originalId: 'a', attempts: 2, error }])
      await until(async () => (await tasks.queueStats()).dead === 1)
      broken = false
      await resource.update(id, { type: 'mended' })
      const completed = next(queue, 'plg:s3-queue:message-completed')
      expect(await queue.redrive()).toBe(1)
      expect(await completed).toMatchObject({ queueId: id, result: 'read mended' })
    })

    it('C17 a dead letter whose record is gone: redriven from its copy; without a copy it is refused, and its row stays', async () => {
      const { use, db, tasks: resource } = await openWorld(place)
      const { queue, tasks } = await use({ maxAttempts: 1, deadLetterResource: 'dead' })
      for (const id of ['copied', 'lost']) await tasks.enqueue({ id, type: 'x' })
      await resource.delete('lost')
      await queue.startProcessing(() => Promise.reject(new Error('no')))
      await until(async () => (await tasks.queueStats()).dead === 2 && (await db.resources.dead?.count()) === 2)
      await queue.stopProcessing()
      await resource.delete('copied')
      expect(await queue.redrive('copied')).toBe(1)
      expect(await resource.get('copied')).toMatchObject({ type: 'x' })
      await expect(queue.redrive('lost')).rejects.toMatchObject({ name: 'QueueError', statusCode: 404 })
      expect(await db.resources.dead?.list()).toMatchObject([{ originalId: 'lost' }])
    })

    if (place.name === 'files') {
      it('C60 a record whose file is broken: a dead letter that says so', async () => {
        const { use, location } = await openWorld(place)
        const { queue, tasks } = await use({ maxAttempts: 2, backoff: { baseMs: 1 } })
        await tasks.enqueue({ id: 'a', type: 'x' })
        await writeFile(new URL(`${location}/resource=tasks/data/id=a.meta.json`), '{broken')
        const dead = next(queue, 'plg:s3-queue:message-dead')
        await queue.startProcessing(() => {})
        expect(await dead).toMatchObject({ attempts: 2, error: expect.stringContaining('cannot be read') })
      })
    }

    it('C60 a schema that would refuse the record now: it is handled as it was stored; enqueueing it anew is refused', async () => {
      const { use, db } = await openWorld(place)
      const { queue, tasks } = await use()
      await tasks.enqueue({ id: 'a', type: 'x' })
      await db.createResource({ ...TASKS, attributes: { ...TASKS.attributes, owner: 'string|required' } })
      await expect(tasks.enqueue({ type: 'y' })).rejects.toMatchObject({ name: 'InvalidResourceItem' })
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await queue.startProcessing(({ id, type, owner }) => ({ id, type, hasOwner: owner !== undefined }))
      expect(await completed).toMatchObject({ queueId: 'a', result: { id: 'a', type: 'x', hasOwner: false } })
      expect(await tasks.queueStats()).toMatchObject({ total: 1, completed: 1 })
    })

    it('C4 an installation that failed leaves the resource to the next plugin', async () => {
      const { use, db } = await openWorld(place)
      const createResource = db.createResource
      db.createResource = () => Promise.reject(new Error('not today'))
      await expect(use({ deadLetterResource: 'dead' })).rejects.toThrow('not today')
      expect(db.resources.tasks).not.toHaveProperty('enqueue')
      db.createResource = createResource
      const { tasks } = await use({ deadLetterResource: 'dead' }, 'second')
      await tasks.enqueue({ type: 'a' })
      expect(await tasks.queueStats()).toMatchObject({ pending: 1 })
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

    it('C50 the same queue with other options in another process: each message has the attempts of who enqueued it, and nothing is lost', async () => {
      const world = await openWorld(place)
      const attempts = new Map<string, number>()
      const onMessage = ({ id, type }: Task & { id: string }): void => {
        attempts.set(id, (attempts.get(id) ?? 0) + 1)
        if (type === 'bad') throw new Error('no')
      }
      const common = { onMessage, backoff: { baseMs: 1 } }
      const one = await world.use({ ...common, maxAttempts: 1, visibilityTimeout: 2000, concurrency: 1 })
      const two = await (await world.other()).use({ ...common, maxAttempts: 4, visibilityTimeout: 60_000 })
      for (const [of, { tasks }] of [['one', one] as const, ['two', two] as const]) {
        await Promise.all([...'abc'].map((id) => tasks.enqueue({ id: `${of}-${id}`, type: 'good' })))
        await tasks.enqueue({ id: `${of}-bad`, type: 'bad' })
      }
      await until(async () => {
        const { completed, dead } = await one.tasks.queueStats()
        return completed === 6 && dead === 2
      })
      expect([attempts.get('one-bad'), attempts.get('two-bad')]).toEqual([1, 4])
      expect(await two.tasks.queueStats()).toMatchObject({ total: 8, pending: 0, processing: 0 })
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
