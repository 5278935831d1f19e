import { TTLPlugin } from 's3db.js'
import { describe, expect, it } from 'vitest'
import type { Place } from '../support/place.ts'
import { gate, next, openWorld, recorded, until } from '../support/world.ts'

export function describeBehaviour(place: Place): void {
  describe('behaviour', () => {
    it('C100 two processes with workers: each message is handled once', async () => {
      const world = await openWorld(place)
      const handled: string[] = []
      const onMessage = ({ id }: { id: string }): void => void handled.push(id)
      const one = await world.use({ onMessage, concurrency: 5 })
      const two = await (await world.other()).use({ onMessage, concurrency: 5 })
      const enqueued = await Promise.all(
        Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? one : two).tasks.enqueue({ type: `t${n}` })),
      )
      await until(async () => (await one.tasks.queueStats()).completed === 60)
      expect(handled.sort()).toEqual(enqueued.map(({ id }) => id).sort())
    })

    it('C102 a handler that outlives its visibility timeout: its late result is refused, one completion is recorded', async () => {
      const { use, db } = await openWorld(place)
      const late = gate()
      let runs = 0
      const { queue, tasks } = await use({
        ...{ visibilityTimeout: 1000, concurrency: 2 },
        onMessage: async (_task, { signal }) => {
          if (++runs === 2) return 'in time'
          await late.passed
          expect(signal.aborted).toBe(true)
          return 'late'
        },
      })
      const seen = recorded(queue, 'plg:s3-queue:message-completed')
      const completed = next(queue, 'plg:s3-queue:message-completed')
      const { id } = await tasks.enqueue({ type: 'a' })
      await completed
      late.open()
      await queue.drain()
      expect(await db.resources.tasks_queue?.get(id)).toMatchObject({ status: 'completed', result: 'in time' })
      expect(seen).toHaveLength(1)
      expect(await tasks.queueStats()).toMatchObject({ completed: 1, total: 1 })
    })

    it('C102 autoExtend keeps a slow handler’s claim', async () => {
      const { use } = await openWorld(place)
      let runs = 0
      const { queue, tasks } = await use({
        ...{ visibilityTimeout: 600, autoExtend: true, logger: quiet },
        onMessage: async () => {
          runs++
          await new Promise((resolve) => setTimeout(resolve, 1500))
        },
      })
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await tasks.enqueue({ type: 'a' })
      await completed
      expect(runs).toBe(1)
    })

    it('C104 delay, at, and a visibleAt of the record itself', async () => {
      const { use } = await openWorld(place)
      const handled: [string, number][] = []
      const { queue, tasks } = await use({ onMessage: ({ type }) => void handled.push([type, Date.now()]) })
      await tasks.enqueue({ type: 'first' })
      await until(() => handled.length === 1)
      const start = Date.now()
      await tasks.enqueue({ type: 'delay' }, { delay: 1000 })
      await tasks.enqueue({ type: 'at' }, { at: new Date(start + 1500) })
      await tasks.enqueue({ type: 'own', visibleAt: start + 2000 })
      await tasks.enqueue({ type: 'now' })
      await until(() => handled.length === 5)
      expect(handled.map(([type]) => type)).toEqual(['first', 'now', 'delay', 'at', 'own'])
      // The queue goes by the time of the store, which some tell in whole seconds.
      expect((handled[4]?.[1] ?? 0) - start).toBeGreaterThanOrEqual(1000)
      await queue.stop()
    })

    it('C105 priority on enqueue', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use({ concurrency: 1 })
      for (const [type, priority] of [
        ['low', -1],
        ['first', 0],
        ['urgent', 10],
        ['second', 0],
      ] as const)
        await tasks.enqueue({ type }, { priority })
      const order: string[] = []
      await queue.startProcessing(({ type }) => void order.push(type))
      await until(() => order.length === 4)
      expect(order).toEqual(['urgent', 'first', 'second', 'low'])
    })

    it('C105 orderingMode: first in first out, or last in first out, at concurrency 1', async () => {
      const letters = [...'abcdefghij']
      for (const orderingMode of ['fifo', 'lifo'] as const) {
        const { use } = await openWorld(place)
        const { queue, tasks } = await use({ concurrency: 1, orderingMode })
        for (const type of letters) await tasks.enqueue({ type })
        const order: string[] = []
        await queue.startProcessing(({ type }) => void order.push(type))
        await until(() => order.length === letters.length)
        expect(order).toEqual(orderingMode === 'fifo' ? letters : [...letters].reverse())
      }
    })

    it('C108 a graceful stop: what is in hand ends, what waits stays, and another process goes on at once', async () => {
      const world = await openWorld(place)
      const [started, hold] = [gate(), gate()]
      const one = await world.use({
        concurrency: 1,
        onMessage: async () => {
          started.open()
          await hold.passed
        },
      })
      await one.tasks.enqueue({ id: 'a', type: 'a' })
      await one.tasks.enqueue({ id: 'b', type: 'b' })
      await started.passed
      const two = await (await world.other()).use({ onMessage: () => 'other' })
      const completed = next(two.queue, 'plg:s3-queue:message-completed', ({ queueId }) => queueId === 'b')
      const stopping = one.queue.stop()
      hold.open()
      await stopping
      expect(await completed).toMatchObject({ result: 'other' })
      expect(await two.tasks.queueStats()).toMatchObject({ completed: 2, total: 2 })
    })

    it.each(['stopProcessing', 'disconnect'] as const)(
      'C30 C84 C108 a process that does not write is told of what it completed before it leaves: %s',
      async (how) => {
        const world = await openWorld(place)
        const [busy, hold] = [gate(), gate()]
        const writer = await world.use({
          ...{ concurrency: 1, pollBatchSize: 0, coordinatorElectionInterval: 5000 },
          onMessage: async () => {
            busy.open()
            await hold.passed
          },
        })
        await until(() => writer.queue.isCoordinator)
        await writer.tasks.enqueue({ id: 'held', type: 'x' })
        await busy.passed
        const other = await world.other()
        const told: string[] = []
        const [started, go] = [gate(), gate()]
        const { queue } = await other.use({
          coordinatorElectionInterval: 5000,
          onMessage: async () => {
            started.open()
            await go.passed
            return 'done'
          },
          onComplete: ({ id }, result) => void told.push(`onComplete ${id} ${result}`),
        })
        queue.on(
          'plg:s3-queue:message-completed',
          ({ queueId, result }) => void told.push(`event ${queueId} ${result}`),
        )
        await writer.tasks.enqueue({ id: 'a', type: 'x' })
        await started.passed
        const left = how === 'disconnect' ? other.db.disconnect() : queue.stopProcessing()
        go.open()
        await left
        expect(told).toEqual(['event a done', 'onComplete a done'])
        expect(writer.queue.isCoordinator).toBe(true)
        hold.open()
      },
    )

    it('C109 completed messages are forgotten by the retention; the TTLPlugin on the resource keeps working', async () => {
      const { use, db } = await openWorld(place)
      const { queue, tasks } = await use({ retention: { completedCount: 2 }, onMessage: () => {} })
      for (const type of 'abc') await tasks.enqueue({ id: type, type })
      await until(async () => (await tasks.queueStats()).completed === 3)
      const left = (await db.resources.tasks_queue?.list()) as unknown as { id: string }[]
      expect(left).toHaveLength(2)
      await queue.stop()

      const ttl = new TTLPlugin({
        resources: { tasks: { ttl: 1, onExpire: 'hard-delete' } },
        logLevel: 'silent',
      } as never)
      await db.usePlugin(ttl as never)
      const { id } = await tasks.enqueue({ type: 'short-lived' })
      expect(await db.resources.plg_ttl_expiration_index?.count()).toBeGreaterThan(0)
      expect(await tasks.get(id)).toMatchObject({ type: 'short-lived' })
    })
  })
}

const quiet = { warn() {}, info() {}, error() {}, debug() {} }
