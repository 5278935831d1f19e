import { describe, expect, it } from 'vitest'
import type { Place } from '../support/place.ts'
import { gate, next, openWorld, recorded, until } from '../support/world.ts'

export function describePluginMethods(place: Place): void {
  describe('plugin methods', () => {
    it('C20 startProcessing: a second call does nothing and says so; without a handler it is refused', async () => {
      const { use } = await openWorld(place)
      const warnings: string[] = []
      const logger = { warn: (text: string) => warnings.push(text), info() {}, error() {}, debug() {} }
      const { queue, tasks } = await use({ logger })
      await expect(queue.startProcessing()).rejects.toMatchObject({
        statusCode: 400,
        suggestion: expect.stringContaining('onMessage'),
      })
      const handled: string[] = []
      await queue.startProcessing(({ type }) => void handled.push(type))
      await queue.startProcessing(() => {})
      expect(warnings).toEqual([expect.stringContaining('runs already')])
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await tasks.enqueue({ type: 'a' })
      await completed
      expect(handled).toEqual(['a'])
    })

    it('C21 stopProcessing takes nothing new and waits for what is in hand', async () => {
      const { use } = await openWorld(place)
      const [started, hold] = [gate<AbortSignal>(), gate()]
      const { queue, tasks } = await use({
        concurrency: 1,
        onMessage: async (_task, { signal }) => {
          started.open(signal)
          await hold.passed
        },
      })
      await tasks.enqueue({ type: 'a' })
      await tasks.enqueue({ type: 'b' })
      const signal = await started.passed
      let stopped = false
      const stopping = queue.stopProcessing().then(() => {
        stopped = true
      })
      // Whatever it gives back is in the log before these are.
      for (const type of 'cdef') await tasks.enqueue({ type })
      expect([stopped, signal.aborted]).toEqual([false, false])
      expect(await tasks.queueStats()).toMatchObject({ processing: 1, pending: 5 })
      hold.open()
      await stopping
      expect(await tasks.queueStats()).toMatchObject({ completed: 1, pending: 5, processing: 0 })
    })

    it('C22 stop() and drain()', async () => {
      const { use } = await openWorld(place)
      const [started, hold] = [gate(), gate()]
      const { queue, tasks } = await use({
        onMessage: async () => {
          started.open()
          await hold.passed
        },
      })
      await tasks.enqueue({ type: 'a' })
      await started.passed
      const [stopping, draining] = [queue.stop(), queue.drain()]
      hold.open()
      expect(await draining).toEqual({ drained: true })
      await stopping
      expect(queue.isRunning).toBe(false)
      // A stopped plugin still enqueues.
      await tasks.enqueue({ type: 'b' })
      expect(await queue.getStats()).toMatchObject({ completed: 1, pending: 1 })
      await queue.stop()
    })

    it('C22 drain() gives up after a visibility timeout', async () => {
      const { use } = await openWorld(place)
      const [started, hold] = [gate(), gate()]
      const { queue, tasks } = await use({
        visibilityTimeout: 1000,
        onMessage: async () => {
          started.open()
          await hold.passed
        },
      })
      await tasks.enqueue({ type: 'a' })
      await started.passed
      expect(await queue.drain()).toEqual({ drained: false })
      hold.open()
    })

    it('C23 processNext handles one message and says whether there was one', async () => {
      const { use } = await openWorld(place)
      const handled: string[] = []
      const { queue, tasks } = await use({ autoStart: false, onMessage: ({ type }) => void handled.push(type) })
      expect(await queue.processNext()).toBe(false)
      await tasks.enqueue({ type: 'a' })
      await tasks.enqueue({ type: 'b' })
      expect(await queue.processNext()).toBe(true)
      expect(handled).toEqual(['a'])
      expect(await queue.processNext(({ type }) => void handled.push(`other ${type}`))).toBe(true)
      expect(handled).toEqual(['a', 'other b'])
      expect(await queue.processNext()).toBe(false)
      await queue.startProcessing()
      expect(await queue.processNext()).toBe(false)
    })

    it('C23 what processNext handles is told of as a worker tells: events, onComplete, and the dead letter', async () => {
      const { use, db } = await openWorld(place)
      const told: string[] = []
      const { queue, tasks } = await use({
        ...{ autoStart: false, maxAttempts: 1, deadLetterResource: 'failed_tasks' },
        onMessage: ({ type }) => (type === 'bad' ? Promise.reject(new Error('no')) : 'done'),
        onComplete: ({ id }, result) => void told.push(`onComplete ${id} ${result}`),
      })
      const seen = recorded(
        queue,
        ...(['plg:s3-queue:message-claimed', 'plg:s3-queue:message-processing'] as const),
        ...(['plg:s3-queue:message-completed', 'plg:s3-queue:message-dead'] as const),
      )
      await tasks.enqueue({ id: 'a', type: 'good' })
      await tasks.enqueue({ id: 'b', type: 'bad' })
      while (await queue.processNext());
      expect(told).toEqual(['onComplete a done'])
      expect(seen.map(([name, event]) => `${name} ${(event as { queueId: string }).queueId}`)).toEqual([
        ...['message-claimed a', 'message-processing a', 'message-completed a'],
        ...['message-claimed b', 'message-processing b', 'message-dead b'],
      ])
      await until(async () => (await db.resources.failed_tasks?.count()) === 1)
    })

    it('C24 getStats is queueStats', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use()
      await tasks.enqueue({ type: 'a' })
      expect(await queue.getStats()).toEqual({ total: 1, pending: 1, processing: 0, completed: 0, failed: 0, dead: 0 })
      expect(await queue.getStats()).toEqual(await tasks.queueStats())
      expect([await queue.countQueue(), await queue.countQueue('all'), await queue.countQueue('dead')]).toEqual([
        1, 1, 0,
      ])
      expect(await queue.countQueueBy({ status: 'pending' })).toBe(1)
      expect(await queue.queueStatsBy({ status: 'pending' })).toMatchObject({ total: 1, pending: 1 })
      await expect(queue.countQueue('open')).rejects.toMatchObject({ statusCode: 400 })
    })

    it('C24 pause, resume, isPaused, getOldestAge, workers and health', async () => {
      const world = await openWorld(place)
      const { queue, tasks } = await world.use()
      const other = await (await world.other()).use()
      const unused = { isRunning: false, coordinatorElected: false, isCoordinator: false, coordinatedShards: [] }
      expect(queue.health()).toEqual({ ...unused, lastHeartbeat: undefined })
      expect([await queue.isPaused(), await queue.getOldestAge()]).toEqual([false, undefined])
      expect(await queue.pause()).toBe(true)
      expect(await queue.pause()).toBe(false)
      expect([await queue.isPaused(), await other.queue.isPaused()]).toEqual([true, true])
      const enqueuedAt = Date.now()
      await tasks.enqueue({ type: 'a' })
      const handled = gate()
      await other.queue.startProcessing(() => handled.open())
      await until(() => Date.now() - enqueuedAt > 200)
      const age = (await other.queue.getOldestAge()) ?? 0
      expect(age).toBeGreaterThan(100)
      expect(age).toBeLessThan(60_000)
      await queue.startProcessing(() => handled.open())
      expect(await other.queue.resume()).toBe(true)
      await handled.passed
      await until(async () => (await queue.getStats()).completed === 1)
      expect(await queue.getOldestAge()).toBeUndefined()
      await until(async () => {
        const { writer, workers = [] } = (await other.queue.workers()) ?? {}
        const ids = new Set([writer, ...workers.map(({ id }) => id)])
        return ids.has(queue.workerId) && ids.has(other.queue.workerId)
      })
      expect([queue, other.queue].filter(({ isCoordinator }) => isCoordinator)).toHaveLength(1)
      for (const one of [queue, other.queue]) {
        const { lastHeartbeat = 0, coordinatedShards, ...health } = one.health()
        expect(health).toEqual({ isRunning: true, coordinatorElected: true, isCoordinator: one.isCoordinator })
        expect(coordinatedShards).toEqual(one.isCoordinator ? [0] : [])
        expect(Date.now() - lastHeartbeat).toBeLessThan(60_000)
      }
    })

    it('C25 unregisterWorker hands over at once', async () => {
      const world = await openWorld(place)
      const { queue, tasks } = await world.use({ onMessage: () => new Promise(() => {}), visibilityTimeout: '5m' })
      const started = next(queue, 'plg:s3-queue:message-processing')
      const { id } = await tasks.enqueue({ type: 'a' })
      await started
      const other = await (await world.other()).use()
      await queue.unregisterWorker()
      const completed = next(other.queue, 'plg:s3-queue:message-completed')
      await other.queue.startProcessing(() => 'taken over')
      expect(await completed).toMatchObject({ queueId: id, result: 'taken over' })
    })

    it('C26 clearProcessedCache and getStorage: valid claims are listed as locks', async () => {
      const { use } = await openWorld(place)
      const hold = gate()
      const { queue, tasks } = await use({ onMessage: () => hold.passed })
      const storage = queue.getStorage()
      expect(await storage.list('locks')).toEqual([])
      const started = next(queue, 'plg:s3-queue:message-processing')
      const { id } = await tasks.enqueue({ type: 'a' })
      await started
      expect(await storage.list('locks')).toEqual([`plugin=s3-queue/locks/${id}`])
      queue.clearProcessedCache()
      await storage.set(storage.getPluginKey(null, 'note'), { a: 1 })
      expect(await storage.get(storage.getPluginKey(null, 'note'))).toMatchObject({ a: 1 })
      hold.open()
    })

    it('C27 isRunning, lastHeartbeat, coordinatorElected and isCoordinator are true readings', async () => {
      const { use } = await openWorld(place)
      const { queue } = await use()
      expect([queue.isRunning, queue.lastHeartbeat, queue.coordinatorElected, queue.isCoordinator]).toEqual([
        false,
        0,
        false,
        false,
      ])
      const promoted = next(queue, 'plg:s3-queue:coordinator-promoted')
      await queue.startProcessing(() => {})
      expect(await promoted).toMatchObject({ workerId: queue.workerId, epoch: expect.any(Number) })
      await until(() => queue.coordinatorElected)
      expect([queue.isRunning, queue.isCoordinator]).toEqual([true, true])
      expect(Date.now() - queue.lastHeartbeat).toBeLessThan(60_000)
      await queue.stop()
      expect([queue.isRunning, queue.isCoordinator]).toEqual([false, false])
    })
  })
}
