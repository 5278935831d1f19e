import { InvalidOption } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { type S3QueueOptions, S3QueuePlugin } from '../../src/index.ts'
import type { Place } from '../support/place.ts'
import { gate, next, openWorld, type Task, until } from '../support/world.ts'

export function describeOptions(place: Place): void {
  describe('options', () => {
    it('C30 onError and onComplete may be async, and harm nothing when they throw', async () => {
      const { use } = await openWorld(place)
      const told: unknown[] = []
      const { queue, tasks } = await use({
        ...{ maxAttempts: 1, logger: quiet },
        onMessage: ({ type }) => {
          if (type === 'bad') throw new Error('no')
          return 'yes'
        },
        onError: async (error, record) => {
          told.push([error.message, record.type])
          throw new Error('from onError')
        },
        onComplete: async (record, result) => {
          told.push([record.type, result])
          throw new Error('from onComplete')
        },
      })
      const dead = next(queue, 'plg:s3-queue:message-dead')
      await tasks.enqueue({ type: 'bad' })
      expect(await dead).toMatchObject({ error: 'Error: no' })
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await tasks.enqueue({ type: 'good' })
      await completed
      await queue.stop()
      expect(told).toEqual([
        ['no', 'bad'],
        ['good', 'yes'],
      ])
    })

    it('C30 onMessage, onError and onComplete of plugin.config can be set after installation; other options cannot', async () => {
      const { use } = await openWorld(place)
      const given = { maxAttempts: 1, onMessage: () => 'first', logger: quiet }
      const { queue, tasks } = await use(given)
      const told: unknown[] = []
      queue.config.onComplete = ({ type }, result) => void told.push([type, result])
      queue.config.onError = ({ message }, { type }) => void told.push([type, message])
      let outcome = next(queue, 'plg:s3-queue:message-outcome')
      await tasks.enqueue({ type: 'a' })
      await outcome
      queue.config.onMessage = ({ type }) => {
        if (type === 'bad') throw new Error('no')
        return 'second'
      }
      for (const type of ['b', 'bad']) {
        outcome = next(queue, 'plg:s3-queue:message-outcome')
        await tasks.enqueue({ type })
        await outcome
      }
      await queue.stop()
      expect(told).toEqual([
        ['a', 'first'],
        ['b', 'second'],
        ['bad', 'no'],
      ])
      expect(queue.config.maxAttempts).toBe(1)
      for (const name of ['maxAttempts', 'concurrency'])
        expect(() => Object.assign(queue.config, { [name]: 2 })).toThrow(TypeError)
    })

    it('C31 concurrency, by either name; three by default', async () => {
      for (const [options, most] of [
        [{}, 3],
        [{ workers: 2 }, 2],
        [{ concurrency: 4 }, 4],
      ] as const) {
        const { use } = await openWorld(place)
        const hold = gate()
        let running = 0
        const { queue, tasks } = await use({
          ...options,
          onMessage: async () => {
            running++
            await hold.passed
          },
        })
        await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((type) => tasks.enqueue({ type })))
        await until(() => running === most)
        await queue.getStats()
        expect(running).toBe(most)
        hold.open()
        await queue.stop()
      }
      expect(() => new S3QueuePlugin({ resource: 'a', workers: 2, concurrency: 3 })).toThrow('differ')
    })

    it('C33 pollBatchSize is how many are claimed ahead of the handlers', async () => {
      const { use } = await openWorld(place)
      const hold = gate()
      const { queue, tasks } = await use({ concurrency: 1, pollBatchSize: 0 })
      await Promise.all(['a', 'b', 'c'].map((type) => tasks.enqueue({ type })))
      const started = next(queue, 'plg:s3-queue:message-processing')
      await queue.startProcessing(() => hold.passed)
      await started
      expect(await queue.getStats()).toMatchObject({ processing: 1, pending: 2 })
      hold.open()
    })

    it('C34 visibilityTimeout is in ms, or text; what looks like seconds is warned of', async () => {
      const warnings: string[] = []
      const logger = { ...quiet, warn: (text: string) => warnings.push(text) }
      new S3QueuePlugin({ resource: 'a', visibilityTimeout: 300, logger })
      expect(warnings).toEqual([expect.stringContaining("'300s'")])
      new S3QueuePlugin({ resource: 'a', visibilityTimeout: '5m', logger })
      new S3QueuePlugin({ resource: 'a', visibilityTimeout: 300_000, logger })
      expect(warnings).toHaveLength(1)
      expect(() => new S3QueuePlugin({ resource: 'a', visibilityTimeout: '5 minutes' })).toThrow("'5m'")
      const { use, db } = await openWorld(place)
      const hold = gate()
      const { queue, tasks } = await use({ visibilityTimeout: '5m', onMessage: () => hold.passed })
      const started = next(queue, 'plg:s3-queue:message-processing')
      const { id } = await tasks.enqueue({ type: 'a' })
      await started
      const entry = await db.resources.tasks_queue?.get(id)
      expect(Number(entry?.visibleAt) - Date.now()).toBeGreaterThan(280_000)
      hold.open()
    })

    it('C37 maxAttempts counts all of them, by either name', async () => {
      for (const options of [
        { maxAttempts: 2 },
        { maxRetries: 2 },
        { failureStrategy: { mode: 'hybrid', maxRetries: 2 } },
      ] as const) {
        const { use } = await openWorld(place)
        let tries = 0
        const onMessage = (): never => {
          tries++
          throw new Error('no')
        }
        const { queue, tasks } = await use({ ...options, backoff: { baseMs: 1 }, onMessage })
        const dead = next(queue, 'plg:s3-queue:message-dead')
        await tasks.enqueue({ type: 'a' })
        expect(await dead).toMatchObject({ attempts: 2 })
        expect(tries).toBe(2)
      }
      const { use } = await openWorld(place)
      const { queue, tasks } = await use({ onMessage: fails })
      const dead = next(queue, 'plg:s3-queue:message-dead')
      await tasks.enqueue({ type: 'a' }, { maxAttempts: 1 })
      expect(await dead).toMatchObject({ attempts: 1 })
    })

    it('C38 without a dead letter resource messages end as dead in the queue; failureStrategy says otherwise', async () => {
      const { use, db } = await openWorld(place)
      const { queue, tasks } = await use({ maxAttempts: 1, onMessage: fails })
      const dead = next(queue, 'plg:s3-queue:message-dead')
      const { id } = await tasks.enqueue({ type: 'a' })
      await dead
      expect(await db.resources.tasks_queue?.get(id)).toMatchObject({ status: 'dead', error: 'Error: no' })
      expect(await tasks.queueStats()).toMatchObject({ dead: 1, failed: 0 })

      const retry = await openWorld(place)
      const failing = await retry.use({
        maxAttempts: 1,
        failureStrategy: 'retry',
        deadLetterResource: 'dead',
        onMessage: fails,
      })
      const failed = next(failing.queue, 'plg:s3-queue:message-failed')
      await failing.tasks.enqueue({ id: 'x', type: 'a' })
      expect(await failed).toMatchObject({ queueId: 'x', attempts: 1 })
      expect(await failing.tasks.queueStats()).toMatchObject({ dead: 0, failed: 1 })
      expect(retry.db.resources.dead).toBeUndefined()

      const strict = await openWorld(place)
      const once = await strict.use({
        failureStrategy: { mode: 'dead-letter', deadLetterQueue: 'dead' },
        onMessage: fails,
      })
      const first = next(once.queue, 'plg:s3-queue:message-dead')
      await once.tasks.enqueue({ type: 'a' })
      expect(await first).toMatchObject({ attempts: 1 })
      await until(async () => (await strict.db.resources.dead?.count()) === 1)
    })

    it('C39 autoStart, verbose, namespace', async () => {
      const { use } = await openWorld(place)
      const logged: string[] = []
      const logger = { ...quiet, info: (_event: object, name: string) => logged.push(name) }
      const { queue, tasks } = await use({
        autoStart: false,
        verbose: true,
        namespace: 'My Team',
        logger,
        onMessage: () => {},
      })
      expect(queue.isRunning).toBe(false)
      expect([queue.namespace, queue.slug]).toEqual(['my-team', 's3-queue--my-team'])
      await tasks.enqueue({ type: 'a' })
      expect(logged).toContain('plg:s3-queue:message-enqueued')
    })

    it('C40 backoff: 1 s, 2 s, 4 s, … up to 30 s; or as told, also by a function', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use({ onMessage: fails })
      const retried = next(queue, 'plg:s3-queue:message-retry')
      const before = Date.now()
      await tasks.enqueue({ type: 'a' })
      const wait = (await retried).nextVisibleAt - before
      expect(wait).toBeGreaterThanOrEqual(950)
      expect(wait).toBeLessThan(6000)
      await queue.stop()
      const asked: [number, string][] = []
      const hours = (attempt: number, { message }: Error): number => {
        asked.push([attempt, message])
        return 2 * 3_600_000
      }
      for (const backoff of [hours, { baseMs: 7_200_000, maxMs: 7_200_000 }]) {
        const own = await (await openWorld(place)).use({ backoff, onMessage: fails })
        const told = next(own.queue, 'plg:s3-queue:message-retry')
        await own.tasks.enqueue({ type: 'a' })
        expect((await told).nextVisibleAt - before).toBeGreaterThan(7_190_000)
      }
      expect(asked).toEqual([[1, 'no']])
    })

    it('C41 an unknown option, a wrong type, a number that cannot be: refused, naming the option and the nearest known one', () => {
      const make = (options: object) => () =>
        new S3QueuePlugin({ resource: 'tasks', ...options } as S3QueueOptions<Task>)
      expect(make({ visibiltyTimeout: 1 })).toThrow('Did you mean "visibilityTimeout"?')
      expect(make({ concurrency: -1 })).toThrow('"concurrency"')
      expect(make({ concurrency: '3' })).toThrow(InvalidOption)
      expect(make({ resource: undefined })).toThrow('"resource" is required')
      expect(make({ onMessage: 'x' })).toThrow('must be a function')
      expect(make({ maxPollInterval: Number.NaN })).toThrow('maxPollInterval')
      expect(make({ heartbeatTTL: 5 })).toThrow('heartbeatTTL')
      expect(make({ orderingMode: 'random' })).toThrow("'fifo' or 'lifo'")
      expect(make({ failureStrategy: 'give up' })).toThrow('dead-letter')
      expect(make({ verbose: 1 })).toThrow('true or false')
      for (const [option, of] of [
        [{ backoff: { baseMs: -1 } }, 'backoff'],
        [{ backoff: { base: 1 } }, 'Did you mean "baseMs"?'],
        [{ backoff: 'slow' }, 'backoff'],
        [{ retention: { completedCount: -1 } }, 'completedCount'],
        [{ retention: { count: 1 } }, 'completedCount'],
        [{ queueResource: 5 }, '"queueResource" must be a name'],
        [{ queueResource: 'tasks' }, 'another name than "resource"'],
        [{ deadLetterResource: 'tasks' }, 'another name than "resource"'],
        [{ deadLetterResource: 'tasks_queue' }, 'another name than "queueResource"'],
        [{ deadLetterResource: 'a', resourceNames: { deadLetter: 'b' } }, 'differ'],
        [{ deadLetterResource: 'a', failureStrategy: { mode: 'hybrid', deadLetterQueue: 'b' } }, 'differ'],
        [{ failureStrategy: { mode: 'hybrid', maxRetry: 1 } }, 'Did you mean "maxRetries"?'],
        [{ resourceNames: { que: 'a' } }, 'Did you mean "queue"?'],
        [{ namespace: 5 }, '"namespace" must be a name'],
        [{ namespace: 'a', instanceId: 'b' }, 'differ'],
        [{ resource: 'a'.repeat(101) }, 'part of the keys'],
        [{ store: {} }, 'must be an ObjectStore'],
        [{ logger: 5 }, 'info, warn and error'],
        [{ linger: '60s' }, '"linger"'],
      ] as const)
        expect(make(option)).toThrow(of)
      for (const later of ['redisUrl', 'sqsQueueUrl', 'cron', 'batchSize'])
        expect(make({ [later]: 'x' })).toThrow('not there yet')
      expect(make({ coordinationBackend: 'redis' })).toThrow('come later')
      expect(() => new S3QueuePlugin(undefined as never)).toThrow(InvalidOption)
    })

    it('C41 an unknown option of enqueue is refused', async () => {
      const { use } = await openWorld(place)
      const { tasks } = await use()
      await expect(tasks.enqueue({ type: 'a' }, { delayMs: 1 } as never)).rejects.toThrow('Did you mean "delay"?')
      await expect(tasks.enqueue({ type: 'a' }, { priority: 5000 })).rejects.toThrow('priority')
    })
  })
}

const quiet = { warn() {}, info() {}, error() {}, debug() {} }

function fails(): never {
  throw new Error('no')
}
