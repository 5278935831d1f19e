import { QueueView } from '@s3queue/s3db'
import { describe, expect, it } from 'vitest'
import type { HandlerContext } from '../../src/index.ts'
import type { Place } from '../support/place.ts'
import { gate, next, openWorld, until, type World } from '../support/world.ts'

export function describeQueueResource(place: Place): void {
  describe('the queue resource and the dead letter resource', () => {
    it('C15 list, get, query, count, update, delete; entries say all there is to say', async () => {
      const { use, db } = await openWorld(place)
      const { queue, tasks } = await use()
      const { id } = await tasks.enqueue({ type: 'a' })
      const later = await tasks.enqueue({ type: 'b' }, { delay: '1h' })
      const view = viewOf(db)
      const keys = ['id', 'originalId', 'status', 'visibleAt', 'attempts', 'maxAttempts', 'claimedBy', 'claimedAt']
      const more = ['queuedAt', 'createdAt', 'completedAt', 'result', 'error', '_etag']
      expect(Object.keys(await view.get(id))).toEqual(expect.arrayContaining([...keys, ...more]))
      expect(await view.get(id)).toMatchObject({
        originalId: id,
        status: 'pending',
        visibleAt: 0,
        attempts: 0,
        maxAttempts: 3,
      })
      const { visibleAt, _etag } = await view.get(later.id)
      expect(visibleAt).toBeGreaterThan(Date.now() + 3_500_000)
      expect((await view.list()).map((entry) => entry.id)).toEqual([id, later.id])
      expect((await view.list({ offset: 1, limit: 1 })).map((entry) => entry.id)).toEqual([later.id])
      expect((await view.query({ status: 'pending', originalId: id })).map((entry) => entry.id)).toEqual([id])
      expect([await view.count(), await view.count({ status: 'processing' })]).toEqual([2, 0])
      expect((await view.get(id))._etag).not.toBe(_etag)
      await expect(view.get('nobody')).rejects.toMatchObject({ name: 'QueueError', statusCode: 404 })
      await expect(view.update(id, { maxAttempts: 9 })).rejects.toMatchObject({ statusCode: 400 })
      await expect(view.update(later.id, { status: 'pending', visibleAt: 0 })).rejects.toMatchObject({
        statusCode: 400,
      })
      expect(await view.delete(later.id)).toEqual({ deleted: true })

      const completed = next(queue, 'plg:s3-queue:message-completed')
      await queue.startProcessing(() => ({ sent: 1 }))
      await completed
      expect(await view.get(id)).toMatchObject({ status: 'completed', attempts: 1, result: { sent: 1 }, error: null })
      expect((await view.get(id)).completedAt).toBeTypeOf('number')
      expect(await view.delete(id)).toEqual({ deleted: true })
      expect(await view.exists(id)).toBe(false)
    })

    it('C15 the partition byStatus selects entries; any other option, partition, field or value is refused, not ignored', async () => {
      const { use, db } = await openWorld(place)
      const { queue, tasks } = await use()
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await queue.startProcessing(() => 'done')
      await tasks.enqueue({ id: 'done', type: 'a' })
      await completed
      await queue.stopProcessing()
      for (const id of ['one', 'two']) await tasks.enqueue({ id, type: 'a' })
      const view = viewOf(db)
      const pending = { partition: 'byStatus', partitionValues: { status: 'pending' } } as const
      expect(await view.listIds(pending)).toEqual(['one', 'two'])
      for (const found of [await view.list(pending), await view.listPartition(pending)])
        expect(found.map(({ id }) => id)).toEqual(['one', 'two'])
      expect((await view.query({ id: 'two' }, pending)).map(({ id }) => id)).toEqual(['two'])
      expect(await view.query({ status: 'completed' }, pending)).toEqual([])
      expect(await view.list({ ...pending, limit: 1, offset: 1 })).toMatchObject([{ id: 'two' }])
      expect([await view.count(pending), await view.count({ partition: 'byStatus' }), await view.count()]).toEqual([
        2, 3, 3,
      ])
      expect(await queue.countQueueBy({ status: 'pending' })).toBe(2)
      const refused: (() => Promise<unknown>)[] = [
        () => view.list({ partition: 'byDate' } as never),
        () => view.list({ partitionValues: { status: 'pending' } }),
        () => view.list({ ...pending, partitionValues: { state: 'pending' } } as never),
        () => view.list({ ...pending, partitionValues: { status: 'open' } } as never),
        () => view.list({ status: 'pending' } as never),
        () => view.list({ limit: -1 }),
        () => view.list({ offset: 0.5 }),
        () => view.list({ offset: Number.POSITIVE_INFINITY }),
        () => view.query({ where: { status: 'pending' } } as never),
        () => view.query({ status: 'waiting' }),
        () => view.query({ status: ['pending'] }),
        () => view.query({ status: undefined }),
        () => view.query({ attempts: { $gt: 1 } }),
        () => view.query({}, { max: 3 } as never),
        () => view.query('pending' as never),
        () => view.count({ where: 1 } as never),
        () => view.listIds({ where: 1 } as never),
        () => queue.countQueueBy({ state: 'pending' } as never),
        () => tasks.queueStatsBy({ status: 'open' }),
      ]
      for (const call of refused)
        await expect(call(), String(call)).rejects.toMatchObject({ name: 'QueueError', statusCode: 400 })
      await expect(view.query({ statuss: 'pending' } as never)).rejects.toMatchObject({
        suggestion: expect.stringContaining('"status"'),
      })
    })

    it('C15 getMany, getAll, page and patch; what a queue cannot do is refused with what to use', async () => {
      const { use, db } = await openWorld(place)
      const { queue, tasks } = await use({ maxAttempts: 1 })
      for (const id of ['a', 'b', 'c']) await tasks.enqueue({ id, type: 'x' })
      const view = viewOf(db)
      const idsOf = (entries: readonly { id: string }[]): string[] => entries.map(({ id }) => id)
      expect(idsOf(await view.getMany(['c', 'unknown', 'a']))).toEqual(['c', 'a'])
      expect(idsOf(await view.getAll())).toEqual(['a', 'b', 'c'])
      const first = await view.page({ size: 2 })
      expect(first).toMatchObject({ page: 1, pageSize: 2, hasMore: true, totalItems: null, totalPages: null })
      const second = await view.page({ size: 2, cursor: first.nextCursor })
      expect([idsOf(first.items), idsOf(second.items)]).toEqual([['a', 'b'], ['c']])
      expect(second).toMatchObject({ page: null, hasMore: false, nextCursor: null })
      expect(idsOf((await view.page({ size: 2, page: 2, partition: 'byStatus' })).items)).toEqual(['c'])
      for (const options of [{ size: 0 }, { page: 0 }, { cursor: 'x' }, { page: 1, cursor: '2' }, { offset: 1 }])
        await expect(view.page(options)).rejects.toMatchObject({ name: 'QueueError', statusCode: 400 })

      const died = next(queue, 'plg:s3-queue:message-dead', ({ queueId }) => queueId === 'c')
      await queue.startProcessing(fails)
      await died
      await queue.stopProcessing()
      expect(await view.patch('a', { status: 'pending' })).toMatchObject({ id: 'a', status: 'pending' })
      const refused = ['insert', 'insertMany', 'upsert', 'replace', 'updateConditional'] as const
      for (const name of refused)
        await expect(view[name]()).rejects.toMatchObject({ statusCode: 400, suggestion: expect.any(String) })
      for (const name of ['on', 'once', 'addHook'] as const)
        expect(() => view[name]()).toThrow(expect.objectContaining({ statusCode: 400 }))
    })

    it('C16 an entry in hand that is set to pending is taken from its worker and runs again; the old claim is fenced off', async () => {
      const { use, db } = await openWorld(place)
      const contexts: HandlerContext[] = []
      const [stuck, second] = [gate(), gate()]
      const { queue, tasks } = await use({
        concurrency: 2,
        onMessage: async (_task, context) => {
          contexts.push(context)
          if (contexts.length === 1) await stuck.passed
          else second.open()
          return `run ${contexts.indexOf(context) + 1}`
        },
      })
      const started = next(queue, 'plg:s3-queue:message-processing')
      const { id } = await tasks.enqueue({ type: 'a' })
      await started
      await until(() => contexts.length === 1)
      const [entry] = await viewOf(db).query({ status: 'processing' })
      expect(entry).toMatchObject({ id, claimedBy: queue.workerId, attempts: 1 })
      expect(Date.now() - (entry?.claimedAt ?? 0)).toBeLessThan(60_000)
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await viewOf(db).update(id, { status: 'pending', visibleAt: 0, claimedBy: null })
      expect(contexts[0]?.signal.aborted).toBe(true)
      await second.passed
      expect(await completed).toMatchObject({ result: 'run 2' })
      stuck.open()
      await queue.drain()
      expect(contexts[1]?.fencingToken).toBeGreaterThan(contexts[0]?.fencingToken ?? 0)
      expect(await viewOf(db).get(id)).toMatchObject({ status: 'completed', result: 'run 2' })
      expect(await tasks.queueStats()).toMatchObject({ completed: 1, total: 1 })
    })

    it('C17 the dead letter resource has a row for each dead message; enqueue(dl.data) and delete run it again; so does redrive', async () => {
      const { use, db } = await openWorld(place)
      let healed = false
      const { queue, tasks } = await use({
        ...{ maxAttempts: 2, backoff: { baseMs: 1 }, deadLetterResource: 'failed_tasks' },
        onMessage: () => {
          if (!healed) throw new TypeError('no')
        },
      })
      await tasks.enqueue({ id: 'a', type: 'x', data: { n: 1 } })
      await tasks.enqueue({ id: 'b', type: 'y' })
      const rows = db.resources.failed_tasks
      await until(async () => (await rows?.count()) === 2)
      const dead = (await rows?.list()) ?? []
      const row = dead.find(({ originalId }) => originalId === 'a')
      const data = { id: 'a', type: 'x', data: { n: 1 } }
      expect(row).toMatchObject({ originalId: 'a', error: 'TypeError: no', attempts: 2, data })
      await until(async () => (await tasks.queueStats()).dead === 2)
      healed = true
      const one = next(queue, 'plg:s3-queue:message-completed', ({ queueId }) => queueId === 'a')
      await tasks.enqueue(row?.data as never)
      await rows?.delete(row?.id as string)
      expect(await one).toMatchObject({ attempts: 1 })
      const two = next(queue, 'plg:s3-queue:message-completed', ({ queueId }) => queueId === 'b')
      expect(await queue.redrive()).toBe(1)
      await two
      expect(await tasks.queueStats()).toMatchObject({ completed: 2, dead: 0, total: 2 })
    })

    it('C17 is filled once, though the process dies between the row and its note, and though rows are deleted', async () => {
      const world = await openWorld(place)
      const { queue, tasks } = await world.use({ maxAttempts: 1, onMessage: fails })
      const died = next(queue, 'plg:s3-queue:message-dead')
      await tasks.enqueue({ id: 'a', type: 'x' })
      await died
      await queue.stop()
      // Died without a row: a process that has the option makes it. What a crash between row and note leaves is the same with the row.
      const rowsOf = (other: World): World['db']['resources'][string] => other.db.resources.dead as never
      const second = await world.other()
      const again = await second.use({ maxAttempts: 1, deadLetterResource: 'dead', onMessage: fails })
      await until(async () => (await rowsOf(second).count()) === 1)
      await until(async () => (await again.tasks.queueStats()).dead === 1)
      const [row] = await rowsOf(second).list()
      await again.queue.stop()
      await rowsOf(second).delete(row?.id as string)
      const third = await world.other()
      const last = await third.use({ deadLetterResource: 'dead', onMessage: () => {} })
      const promoted = next(last.queue, 'plg:s3-queue:message-completed')
      await last.tasks.enqueue({ type: 'good' })
      await promoted
      expect(await rowsOf(third).count()).toBe(0)
      expect(await last.tasks.queueStats()).toMatchObject({ dead: 0 })
    })

    it('C17 a dead letter whose error is cut in the middle of an emoji gets its row', async () => {
      const { use, db } = await openWorld(place)
      const { tasks } = await use({
        ...{ maxAttempts: 1, deadLetterResource: 'dead' },
        onMessage: () => {
          throw new Error(`${'a'.repeat(1999)}😀`)
        },
      })
      await tasks.enqueue({ id: 'a', type: 'x' })
      await until(async () => (await db.resources.dead?.count()) === 1)
      const [row] = (await db.resources.dead?.list()) ?? []
      expect(row).toMatchObject({ originalId: 'a', error: expect.stringMatching(/^Error: a{1999}/) })
      expect(String(row?.error).isWellFormed()).toBe(true)
    })

    it('C17 redrive finds dead letters that the dead letter resource refuses, by their ids and all of them', async () => {
      const { use, db } = await openWorld(place)
      await db.createResource({
        ...{ name: 'dead', behavior: 'body-overflow' },
        attributes: { id: 'string|required', originalId: 'string|required', ticket: 'string|required' },
      })
      let isHealed = false
      const { queue, tasks } = await use({
        ...{ maxAttempts: 1, deadLetterResource: 'dead', logger: quiet },
        onMessage: () => {
          if (!isHealed) throw new Error('no')
        },
      })
      for (const id of ['a', 'b', 'c']) await tasks.enqueue({ id, type: 'x' })
      await until(async () => (await tasks.queueStats()).dead === 3)
      isHealed = true
      expect(await queue.redrive('unknown')).toBe(0)
      expect(await queue.redrive('a')).toBe(1)
      expect(await queue.redrive()).toBe(2)
      await until(async () => (await tasks.queueStats()).completed === 3)
      expect(await tasks.queueStats()).toMatchObject({ dead: 0, total: 3 })
    })

    it('C11 countQueue, truncateQueue, deleteQueue and estimateQueueUsage, on the resource and on the plugin: the queue is emptied, the records stay', async () => {
      const { use, db, tasks: resource } = await openWorld(place)
      const { queue, tasks } = await use({ maxAttempts: 1, deadLetterResource: 'dead' })
      await queue.startProcessing(({ type }) => {
        if (type === 'bad') throw new Error('no')
      })
      const fill = async (ids: readonly string[]): Promise<void> => {
        for (const id of ids)
          await tasks.enqueue({ id, type: id.replace(/\d/, '') }, id.startsWith('later') ? { delay: '1h' } : {})
      }
      const isThere = (wanted: object) => async (): Promise<boolean> => {
        const stats: object = { ...(await tasks.queueStats()) }
        return Object.entries(wanted).every(([status, count]) => Reflect.get(stats, status) === count)
      }
      await fill(['bad1', 'good1', 'later1'])
      await until(isThere({ pending: 1, completed: 1, dead: 1 }))
      await until(async () => (await db.resources.dead?.count()) === 1)
      expect([await tasks.countQueue(), await tasks.countQueue('dead'), await queue.countQueue('all')]).toEqual([
        1, 1, 3,
      ])
      expect([
        await tasks.countQueueBy({ id: 'good1' }),
        (await tasks.queueStatsBy({ id: 'good1' })).completed,
      ]).toEqual([1, 1])

      expect(await tasks.truncateQueue()).toEqual({ queueDeleted: 2, deadLetterDeleted: 0 })
      expect(await tasks.queueStats()).toMatchObject({ pending: 0, dead: 1 })
      await fill(['later2'])
      expect(await queue.truncateQueue({ includeDeadLetter: true })).toEqual({ queueDeleted: 1, deadLetterDeleted: 1 })

      await fill(['bad3', 'later3'])
      await until(async () => (await db.resources.dead?.count()) === 1)
      await until(isThere({ dead: 1 }))
      expect(await tasks.deleteQueue({ includeDeadLetter: false })).toEqual({
        ...{ queueDeleted: 1, deadLetterDeleted: 0, removedTickets: 0 },
        ...{ queueResourceDeleted: true, deadLetterResourceDeleted: false },
      })
      expect([db.resources.tasks_queue, queue.isRunning, await db.resources.dead?.count()]).toEqual([
        undefined,
        false,
        1,
      ])
      expect(await resource.count()).toBe(6)
      expect(tasks.estimateQueueUsage().requests).toBeGreaterThan(0)
      expect(tasks.estimateQueueUsage()).toMatchObject(queue.estimateUsage())
    })

    it('C11 after deleteQueue() the plugin refuses messages and workers until it is installed again', async () => {
      const { use, db } = await openWorld(place)
      const [started, hold] = [gate(), gate()]
      const { queue, tasks } = await use({
        ...{ deadLetterResource: 'dead', maxAttempts: 1, concurrency: 1, pollBatchSize: 0 },
        onMessage: async ({ type }) => {
          if (type === 'bad') throw new Error('no')
          started.open()
          await hold.passed
        },
      })
      await tasks.enqueue({ id: 'a', type: 'bad' })
      await until(async () => (await db.resources.dead?.count()) === 1)
      await tasks.enqueue({ id: 'b', type: 'held' })
      await started.passed
      const deleting = tasks.deleteQueue({ stopProcessing: false, clearTickets: true })
      expect(await deleting).toEqual({
        ...{ queueDeleted: 1, deadLetterDeleted: 1, removedTickets: 1 },
        ...{ queueResourceDeleted: true, deadLetterResourceDeleted: true },
      })
      hold.open()
      await queue.stopProcessing()
      expect([db.resources.tasks_queue, db.resources.dead]).toEqual([undefined, undefined])
      for (const refused of [
        () => tasks.enqueue({ type: 'c' }),
        () => tasks.startProcessing(),
        () => queue.processNext(),
        () => queue.redrive(),
        () => queue.deleteQueue(),
      ])
        await expect(refused()).rejects.toMatchObject({
          ...{ name: 'QueueError', statusCode: 410 },
          suggestion: expect.stringContaining('usePlugin'),
        })
      expect(await queue.getStats()).toMatchObject({ pending: 0, processing: 0, dead: 0 })
      await db.usePlugin(queue)
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await tasks.enqueue({ id: 'd', type: 'served' })
      expect(await completed).toMatchObject({ queueId: 'd' })
      expect([db.resources.tasks_queue, db.resources.dead]).not.toContain(undefined)
    })
  })
}

function fails(): never {
  throw new Error('no')
}

function viewOf(db: World['db']): QueueView {
  const view: unknown = db.resources.tasks_queue
  if (view instanceof QueueView) return view
  throw new Error('there is no view')
}

const quiet = { warn() {}, info() {}, error() {}, debug() {} }
