import { describe, expect, it } from 'vitest'
import type { Place } from '../support/place.ts'
import { queueStoreOf } from '../support/queue-store.ts'
import { gate, next, openWorld, recorded, until } from '../support/world.ts'

export function describeEvents(place: Place): void {
  describe('events', () => {
    it('C80 C81 C82 C84 the way of a message, in order and with what it says', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use()
      const names = ['enqueued', 'claimed', 'processing', 'completed', 'outcome'] as const
      const seen = recorded(queue, ...names.map((name) => `plg:s3-queue:message-${name}` as const))
      const { id } = await tasks.enqueue({ type: 'a' })
      const outcome = next(queue, 'plg:s3-queue:message-outcome')
      await queue.startProcessing(() => ({ ok: 1 }))
      await outcome
      const { workerId } = queue
      expect(seen).toEqual([
        ['message-enqueued', { id, queueId: id }],
        ['message-claimed', { queueId: id, workerId, attempts: 1 }],
        ['message-processing', { queueId: id, workerId }],
        [
          'message-completed',
          { queueId: id, originalId: id, duration: expect.any(Number), attempts: 1, result: { ok: 1 } },
        ],
        ['message-outcome', { queueId: id, originalId: id, finalStatus: 'processed', attempts: 1 }],
      ])
    })

    it('C83 message-recovered after a visibility timeout', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use({ visibilityTimeout: 1000, onMessage: () => new Promise(() => {}) })
      const recovered = next(queue, 'plg:s3-queue:message-recovered')
      const { id } = await tasks.enqueue({ type: 'a' })
      expect(await recovered).toEqual({ queueId: id, originalId: id })
      await queue.unregisterWorker()
    })

    it('C85 C86 message-retry and message-dead', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use({ maxAttempts: 2, backoff: { baseMs: 5 }, onMessage: fails })
      const seen = recorded(queue, 'plg:s3-queue:message-retry', 'plg:s3-queue:message-dead')
      const dead = next(queue, 'plg:s3-queue:message-dead')
      const { id } = await tasks.enqueue({ type: 'a' })
      await dead
      const common = { queueId: id, originalId: id, error: 'Error: no' }
      expect(seen).toEqual([
        ['message-retry', { ...common, attempts: 1, maxAttempts: 2, nextVisibleAt: expect.any(Number) }],
        ['message-dead', { ...common, attempts: 2 }],
      ])
    })

    it('C84 C85 C86 message-outcome after each of them, and message-failed where nothing is a dead letter', async () => {
      for (const [failureStrategy, event, finalStatus] of [
        ['hybrid', 'message-dead', 'dead-lettered'],
        ['retry', 'message-failed', 'failed'],
      ] as const) {
        const { use } = await openWorld(place)
        const { queue, tasks } = await use({
          ...{ maxAttempts: 2, backoff: { baseMs: 5 }, failureStrategy, concurrency: 1 },
          onMessage: ({ type }) => (type === 'good' ? undefined : fails()),
        })
        const names = ['retry', 'dead', 'failed', 'completed', 'outcome'] as const
        const seen = recorded(queue, ...names.map((name) => `plg:s3-queue:message-${name}` as const))
        const over = next(queue, 'plg:s3-queue:message-outcome', (outcome) => outcome.finalStatus === finalStatus)
        await tasks.enqueue({ id: 'a', type: 'bad' })
        await over
        const processed = next(queue, 'plg:s3-queue:message-outcome', ({ queueId }) => queueId === 'b')
        await tasks.enqueue({ id: 'b', type: 'good' })
        await processed
        const of = { queueId: 'a', originalId: 'a' }
        expect(seen.map(([name, { ...told }]) => [name, told])).toEqual([
          ['message-retry', expect.objectContaining({ ...of, attempts: 1 })],
          ['message-outcome', { ...of, finalStatus: 'retrying', attempts: 1 }],
          [event, { ...of, error: 'Error: no', attempts: 2 }],
          ['message-outcome', { ...of, finalStatus, attempts: 2 }],
          ['message-completed', expect.objectContaining({ queueId: 'b', attempts: 1 })],
          ['message-outcome', { queueId: 'b', originalId: 'b', finalStatus: 'processed', attempts: 1 }],
        ])
      }
    })

    it('C87 workers-started and workers-stopped', async () => {
      const { use } = await openWorld(place)
      const { queue } = await use()
      const seen = recorded(queue, 'plg:s3-queue:workers-started', 'plg:s3-queue:workers-stopped')
      await queue.startProcessing(() => {}, { concurrency: 7 })
      const { workerId } = queue
      await queue.stopProcessing()
      expect(seen).toEqual([
        ['workers-started', { concurrency: 7, workerId }],
        ['workers-stopped', { workerId }],
      ])
    })

    it('C88 coordinator-promoted and coordinator-demoted', async () => {
      const { use } = await openWorld(place)
      const { queue } = await use()
      const seen = recorded(queue, 'plg:s3-queue:coordinator-promoted', 'plg:s3-queue:coordinator-demoted')
      const promoted = next(queue, 'plg:s3-queue:coordinator-promoted')
      await queue.startProcessing(() => {})
      await promoted
      const { workerId } = queue
      await queue.unregisterWorker()
      expect(seen).toEqual([
        ['coordinator-promoted', { workerId, epoch: expect.any(Number) }],
        ['coordinator-demoted', { workerId }],
      ])
    })

    it('C89 s3-throttled when the store asks for fewer requests; nothing is lost', async () => {
      const world = await openWorld(place)
      const { store, failNext } = queueStoreOf(world)
      const { queue, tasks } = await world.use({ store, onMessage: () => {} })
      await until(() => queue.isCoordinator)
      const throttled = next(queue, 'plg:s3-queue:s3-throttled')
      const completed = next(queue, 'plg:s3-queue:message-completed')
      failNext(
        { kind: 'throttled', retryAfterMs: 50 },
        ({ kind, ...of }) => kind === 'put' && 'key' in of && of.key.includes('/log/'),
      )
      await tasks.enqueue({ type: 'a' })
      expect(await throttled).toEqual({ operation: 'put', retryAfter: 50 })
      await completed
    })

    it('C90 metrics, every heartbeatInterval while a worker runs and somebody listens', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use({ heartbeatInterval: 100, onMessage: () => {} })
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await tasks.enqueue({ type: 'a' })
      await completed
      const { metrics } = await next(queue, 'plg:s3-queue:metrics')
      expect(metrics).toMatchObject({
        activeWorkers: 1,
        isCoordinator: true,
        messagesProcessed: 1,
        throttlingErrors: 0,
      })
      for (const key of ['ticketsAvailable', 'ticketsClaimed', 'ticketsStalled', 'processingRate', 's3OpsPerSec'])
        expect(metrics[key as keyof typeof metrics]).toBeTypeOf('number')
      await queue.stopProcessing()
      const seen = recorded(queue, 'plg:s3-queue:metrics')
      await queue.startProcessing()
      await until(() => seen.length >= 2)
    })

    it('C91 on the database: each completion, what went wrong, and statistics while somebody listens', async () => {
      const { use, db } = await openWorld(place)
      const { tasks } = await use({
        ...{ heartbeatInterval: 100, maxAttempts: 1, deadLetterResource: 'dead', logger: quiet },
        onMessage: ({ type }) => (type === 'bad' ? fails() : undefined),
        onComplete: () => {
          throw new Error('from onComplete')
        },
      })
      const [complete, error] = [gate<unknown>(), gate<unknown>()]
      db.on('plg:queue:message:complete', complete.open)
      db.on('plg:queue:error', error.open)
      const { id } = await tasks.enqueue({ type: 'a' })
      expect(await complete.passed).toEqual({ message: { queueId: id, originalId: id }, duration: expect.any(Number) })
      expect(await error.passed).toEqual({ error: expect.any(Error), message: 'onComplete threw: from onComplete' })
      await tasks.enqueue({ type: 'bad' })
      await tasks.enqueue({ type: 'later' }, { delay: '1h' })
      const stats: unknown[] = []
      db.on('plg:queue:stats', (event) => stats.push(event))
      const wanted = JSON.stringify({ pending: 1, processing: 0, failed: 0, dlq: 1 })
      await until(() => stats.some((event) => JSON.stringify(event) === wanted))
    })

    it('C91 plg:queue:error on the database for each attempt whose handler fails', async () => {
      const { use, db } = await openWorld(place)
      const { queue, tasks } = await use({ maxAttempts: 2, backoff: { baseMs: 5 }, onMessage: fails })
      const errors: unknown[] = []
      db.on('plg:queue:error', (event) => errors.push(event))
      const dead = next(queue, 'plg:s3-queue:message-dead')
      await tasks.enqueue({ type: 'a' })
      await dead
      const failed = { error: expect.any(Error), message: 'no' }
      expect(errors).toEqual([failed, failed])
    })

    it('C86 a listener that throws harms nothing', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use({
        logger: quiet,
        onMessage: () => {},
      })
      queue.on('plg:s3-queue:message-enqueued', () => {
        throw new Error('from a listener')
      })
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await tasks.enqueue({ type: 'a' })
      await completed
    })
  })
}

const quiet = { warn() {}, info() {}, error() {}, debug() {} }

function fails(): never {
  throw new Error('no')
}
