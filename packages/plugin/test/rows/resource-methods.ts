import { describe, expect, it } from 'vitest'
import type { Place } from '../support/place.ts'
import { gate, next, openWorld, recorded } from '../support/world.ts'

export function describeResourceMethods(place: Place): void {
  describe('resource methods', () => {
    it('C10 options that cannot be: refused in the words of the plugin, and neither record nor message is there', async () => {
      const { use, tasks: resource } = await openWorld(place)
      const { tasks } = await use()
      const refused: [object, string][] = [
        [{ priority: 5000 }, '"priority"'],
        [{ maxAttempts: 0 }, '"maxAttempts"'],
        [{ backoff: { baseMs: -1 } }, '"baseMs"'],
        [{ at: 'tomorrow' }, '"at"'],
        [{ at: new Date('never') }, '"at"'],
        [{ at: new Date(), delay: 5 }, '"delay"'],
        [{ delay: -1 }, '"delay"'],
        [{ deduplicationKey: '' }, '"deduplicationKey"'],
        [{ deduplicationKey: 'k', deduplicationWindow: '99d' }, '"deduplicationWindow"'],
        [{ deduplicationWindow: '1m' }, '"deduplicationWindow"'],
        [{ metadata: 'x' }, '"metadata"'],
        [{ prioriti: 1 }, 'priority'],
      ]
      for (const [options, named] of refused) {
        await expect(tasks.enqueue({ type: 'a' }, options)).rejects.toThrow(named)
        await expect(tasks.enqueue({ type: 'a' }, options)).rejects.toMatchObject({ name: 'InvalidOption' })
      }
      await expect(tasks.enqueue(undefined as never)).rejects.toMatchObject({ name: 'QueueError', statusCode: 400 })
      expect([await resource.count(), (await tasks.queueStats()).total]).toEqual([0, 0])
    })

    it('C10 enqueue inserts the record, valid by its schema, and resolves to it', async () => {
      const { use, tasks: resource } = await openWorld(place)
      const { tasks } = await use()
      const message = await tasks.enqueue({ type: 'send-email', data: { to: 'a@example.org' } })
      expect(message).toMatchObject({ id: expect.any(String), type: 'send-email', data: { to: 'a@example.org' } })
      expect(await resource.get(message.id)).toMatchObject({ type: 'send-email', data: { to: 'a@example.org' } })
      await expect(tasks.enqueue({ data: 1 } as never)).rejects.toMatchObject({ name: 'InvalidResourceItem' })
      expect(await tasks.queueStats()).toMatchObject({ total: 1, pending: 1 })
    })

    it('C10 enqueueing a record that waits adds nothing; one that has ended runs again, with what is new in it', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use()
      const seen = recorded(queue, 'plg:s3-queue:message-enqueued')
      await tasks.enqueue({ id: 'order-1', type: 'a' })
      expect(await tasks.enqueue({ id: 'order-1', type: 'b' })).toMatchObject({ type: 'a' })
      expect(await tasks.queueStats()).toMatchObject({ pending: 1 })
      expect(seen).toHaveLength(1)
      const types: string[] = []
      const once = (): Promise<unknown> => next(queue, 'plg:s3-queue:message-completed')
      let completed = once()
      await queue.startProcessing(({ type }) => void types.push(type))
      await completed
      completed = once()
      await tasks.enqueue({ id: 'order-1', type: 'c' })
      await completed
      expect(types).toEqual(['a', 'c'])
    })

    it('C10 a crash between the record and its message leaves nothing that runs; enqueueing it again repairs it', async () => {
      const { use, tasks: resource } = await openWorld(place)
      const { tasks } = await use()
      await resource.insert({ id: 'half', type: 'a' })
      expect(await tasks.queueStats()).toMatchObject({ total: 0 })
      await tasks.enqueue({ id: 'half', type: 'a' })
      expect(await tasks.queueStats()).toMatchObject({ pending: 1 })
    })

    it('C10 a deduplication key: another record with it is not added', async () => {
      const { use, tasks: resource } = await openWorld(place)
      const { tasks } = await use()
      const first = await tasks.enqueue({ type: 'a' }, { deduplicationKey: 'k' })
      const second = await tasks.enqueue({ type: 'b' }, { deduplicationKey: 'k', deduplicationWindow: '1m' })
      expect(second.id).toBe(first.id)
      expect(await resource.count()).toBe(1)
      expect(await tasks.queueStats()).toMatchObject({ pending: 1 })
    })

    it('C11 queueStats counts each condition', async () => {
      const { use } = await openWorld(place)
      const hold = gate()
      const { queue, tasks } = await use({
        ...{ concurrency: 3, maxAttempts: 1 },
        onMessage: ({ type }) => {
          if (type === 'bad') throw new Error('no')
          return type === 'slow' ? hold.passed : undefined
        },
      })
      const settled = [next(queue, 'plg:s3-queue:message-completed'), next(queue, 'plg:s3-queue:message-dead')]
      const started = next(queue, 'plg:s3-queue:message-processing', ({ queueId }) => queueId === 'slow')
      for (const type of ['good', 'bad', 'slow']) await tasks.enqueue({ id: type, type })
      await tasks.enqueue({ type: 'later' }, { delay: '1h' })
      await Promise.all([...settled, started])
      const stats = { total: 4, pending: 1, processing: 1, completed: 1, failed: 0, dead: 1 }
      expect(await tasks.queueStats()).toEqual(stats)
      hold.open()
    })

    it('C12 startProcessing(handler, { concurrency }) and stopProcessing()', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use()
      expect(queue.isRunning).toBe(false)
      let most = 0
      let running = 0
      const all = gate()
      const done = next(queue, 'plg:s3-queue:message-completed')
      await tasks.startProcessing(
        async () => {
          most = Math.max(most, ++running)
          if (running === 2) all.open()
          await all.passed
          running--
        },
        { concurrency: 2 },
      )
      await Promise.all(['a', 'b', 'c'].map((type) => tasks.enqueue({ type })))
      await done
      expect(most).toBe(2)
      await tasks.stopProcessing()
      expect(queue.isRunning).toBe(false)
    })

    it('C13 extendQueueVisibility: true while the claim is held here, false when it is not', async () => {
      const { use } = await openWorld(place)
      const started = gate()
      const hold = gate()
      const { queue, tasks } = await use({
        visibilityTimeout: 30_000,
        onMessage: async () => {
          started.open()
          await hold.passed
        },
      })
      const events = recorded(queue, 'plg:s3-queue:lock-renewed', 'plg:s3-queue:lock-renewal-rejected')
      const { id } = await tasks.enqueue({ type: 'a' })
      await started.passed
      expect(await tasks.extendQueueVisibility(id, 5 * 60_000)).toBe(true)
      expect(await tasks.extendQueueVisibility(id, 1000, { lockToken: 'another' })).toBe(false)
      expect(await tasks.extendQueueVisibility('nobody', 1000)).toBe(false)
      const [renewed] = events
      expect(renewed?.[1]).toMatchObject({ queueId: id, extraMilliseconds: 300_000 })
      const { newVisibleAt = 0 }: { newVisibleAt?: number } = renewed?.[1] ?? {}
      expect(newVisibleAt).toBeGreaterThan(Date.now() + 310_000)
      expect(events.map(([name]) => name)).toEqual(['lock-renewed', 'lock-renewal-rejected', 'lock-renewal-rejected'])
      const completed = next(queue, 'plg:s3-queue:message-completed')
      hold.open()
      await completed
      expect(await tasks.extendQueueVisibility(id, 1000)).toBe(false)
    })

    it('C13 a claim of another process is extended there alone: false here, and the event says where it is', async () => {
      const world = await openWorld(place)
      const hold = gate()
      const one = await world.use({ onMessage: () => hold.passed })
      const started = next(one.queue, 'plg:s3-queue:message-processing')
      const { id } = await one.tasks.enqueue({ type: 'a' })
      await started
      const two = await (await world.other()).use()
      const rejected = next(two.queue, 'plg:s3-queue:lock-renewal-rejected')
      expect(await two.tasks.extendQueueVisibility(id, 1000)).toBe(false)
      expect(await rejected).toEqual({ queueId: id, reason: 'held_elsewhere' })
      expect(await one.tasks.extendQueueVisibility(id, 1000)).toBe(true)
      hold.open()
    })

    it('C13 renewQueueLock and renewLock take the token of the claim; without a time they add a visibility timeout', async () => {
      const { use } = await openWorld(place)
      const [claimed, hold] = [gate<{ queueId: string; lockToken: string }>(), gate()]
      const { queue, tasks } = await use({
        visibilityTimeout: 60_000,
        onMessage: async (_task, { queueId, lockToken, renewLock }) => {
          expect(await renewLock()).toBe(true)
          claimed.open({ queueId, lockToken })
          await hold.passed
        },
      })
      const renewed = recorded(queue, 'plg:s3-queue:lock-renewed')
      const completed = next(queue, 'plg:s3-queue:message-completed')
      const { id } = await tasks.enqueue({ type: 'a' })
      const { queueId, lockToken } = await claimed.passed
      expect(queueId).toBe(id)
      expect(await tasks.renewQueueLock(id, lockToken)).toBe(true)
      expect(await queue.renewLock(id, lockToken, 1000)).toBe(true)
      expect(await tasks.renewQueueLock(id, `${lockToken}0`)).toBe(false)
      expect(renewed.map(([, event]) => event)).toEqual([
        { queueId: id, lockToken, newVisibleAt: expect.any(Number), extraMilliseconds: 60_000 },
        { queueId: id, lockToken, newVisibleAt: expect.any(Number), extraMilliseconds: 60_000 },
        { queueId: id, lockToken, newVisibleAt: expect.any(Number), extraMilliseconds: 1000 },
      ])
      hold.open()
      await completed
    })

    it('C14 clearQueueCache changes nothing about what is handled', async () => {
      const { use } = await openWorld(place)
      const handled: string[] = []
      const { queue, tasks } = await use({ onMessage: ({ type }) => void handled.push(type) })
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await tasks.enqueue({ type: 'a' })
      await completed
      await tasks.clearQueueCache()
      expect(await tasks.queueStats()).toMatchObject({ completed: 1 })
      expect(handled).toEqual(['a'])
    })
  })
}
