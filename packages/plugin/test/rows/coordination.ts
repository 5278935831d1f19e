/** The options about looking, recovery and coordination, each by what follows from it, or does not. */
import { describe, expect, it } from 'vitest'
import { resolveS3QueueOptions } from '../../src/options.ts'
import type { Place } from '../support/place.ts'
import { type QueueStore, queueStoreOf, type Request } from '../support/queue-store.ts'
import { gate, next, openWorld, type Task, until } from '../support/world.ts'

export function describeCoordination(place: Place): void {
  describe('looking, recovery and coordination', () => {
    it('C32 pollInterval is the shortest wait between two looks of an idle worker; each is twice the one before, up to maxPollInterval; a message resets it', async () => {
      const world = await openWorld(place)
      const hold = gate()
      const writer = await world.use({ concurrency: 1, pollBatchSize: 0, onMessage: () => hold.passed })
      await until(() => writer.queue.isCoordinator)
      const started = next(writer.queue, 'plg:s3-queue:message-processing')
      await writer.tasks.enqueue({ type: 'held' })
      await started
      const other = await world.other()
      const watched = queueStoreOf(other)
      const polling = { pollInterval: 50, maxPollInterval: 400 }
      const { queue } = await other.use({ ...polling, store: watched.store, onMessage: () => {} })
      await until(() => waits(watched).filter((ms) => ms >= 395).length >= 2)
      // While nothing comes: 50, 100, 200, 400, 400, …, where without a longest one it would be at 3200 soon. Timers are late at times, never early.
      await until(() =>
        waits(watched)
          .slice(6)
          .some((ms) => ms < 1500),
      )
      const idle = waits(watched)
      expect(idle.every((ms) => ms >= 45)).toBe(true)
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await writer.tasks.enqueue({ type: 'a' })
      await completed
      await until(() =>
        waits(watched)
          .slice(idle.length)
          .some((ms) => ms < 395),
      )
      expect(waits(watched).every((ms) => ms >= 45)).toBe(true)
      hold.open()
    })

    it('C35 recoveryInterval is when a dead letter that could not be written is tried again; recoveryBatchSize is how many at once', async () => {
      const { use, db } = await openWorld(place)
      const { queue, tasks } = await use({
        ...{ maxAttempts: 1, deadLetterResource: 'dead', recoveryInterval: 600, recoveryBatchSize: 2 },
        ...{ logger: quiet, concurrency: 5 },
      })
      const rows = db.resources.dead
      if (rows === undefined) throw new Error('there is no dead letter resource')
      const insert = rows.insert.bind(rows)
      let [failedAt, writtenAt] = [0, 0]
      let beganAt: number | undefined
      rows.insert = (data) => {
        // For a moment: whoever begins to write the queue looks for dead letters, too, perhaps just then.
        const now = performance.now()
        beganAt ??= now
        if (now - beganAt < 300) {
          failedAt = now
          return Promise.reject(new Error('not now'))
        }
        writtenAt = now
        return insert(data)
      }
      await queue.startProcessing(({ type }) => (type === 'good' ? undefined : Promise.reject(new Error('no'))))
      const working = next(queue, 'plg:s3-queue:message-completed')
      await tasks.enqueue({ type: 'good' })
      await working
      await tasks.enqueue({ type: 'a' })
      await until(async () => (await rows.count()) === 1)
      expect(writtenAt - failedAt).toBeGreaterThanOrEqual(590)

      const hold = gate()
      let [running, most] = [0, 0]
      rows.insert = async (data) => {
        most = Math.max(most, ++running)
        await hold.passed
        return insert(data).finally(() => running--)
      }
      for (const type of 'bcdef') await tasks.enqueue({ type })
      await until(() => running > 0)
      await until(async () => (await tasks.queueStats()).pending + (await tasks.queueStats()).processing === 0)
      hold.open()
      await until(async () => (await rows.count()) === 6)
      expect(most).toBe(2)
      await until(async () => (await tasks.queueStats()).dead === 6)
    })

    it('C36 processedCacheTTL is taken and changes nothing: what has ended runs again as soon as it is enqueued', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use({ processedCacheTTL: '1h', onMessage: () => {} })
      for (let run = 0; run < 2; run++) {
        const completed = next(queue, 'plg:s3-queue:message-completed')
        await tasks.enqueue({ id: 'a', type: 'x' })
        await completed
      }
      expect(await tasks.queueStats()).toMatchObject({ completed: 2 })
    })

    it('C50 coordinatorElectionInterval: after twice as much silence of the coordinator another process takes over, and nothing is lost', async () => {
      const world = await openWorld(place)
      const watched = queueStoreOf(world)
      const coordination = { coordinatorElectionInterval: 500, coordinatorEpochDuration: 100, enableCoordinator: false }
      const common = { ...coordination, visibilityTimeout: 2000, logger: quiet }
      const hold = gate()
      const first = await world.use({ ...common, store: watched.store, concurrency: 1, onMessage: () => hold.passed })
      await until(() => first.queue.isCoordinator)
      const started = next(first.queue, 'plg:s3-queue:message-processing')
      for (const id of ['in-hand', 'waiting']) await first.tasks.enqueue({ id, type: 'x' })
      await started
      const handled: string[] = []
      const other = await world.other()
      const second = await other.use({ ...common, onMessage: ({ id }: { id: string }) => void handled.push(id) })
      expect(second.queue.isCoordinator).toBe(false)
      const promoted = next(second.queue, 'plg:s3-queue:coordinator-promoted')
      const cutAt = Date.now()
      watched.cut(true)
      expect(await promoted).toMatchObject({ workerId: second.queue.workerId, epoch: expect.any(Number) })
      // A sign of life may have been just before the cut, and the intervals are there whatever the epoch's duration says.
      expect(Date.now() - cutAt).toBeGreaterThan(300)
      await until(() => handled.length === 2)
      expect(handled.sort()).toEqual(['in-hand', 'waiting'])
      await until(async () => (await second.tasks.queueStats()).completed === 2)
      watched.cut(false)
      hold.open()
    })

    it('C51 heartbeatInterval is in ms, heartbeatTTL in seconds, and at least twice as long; a worker gives signs of life', async () => {
      expect(resolveS3QueueOptions({ resource: 'a', heartbeatInterval: 15_000, heartbeatTTL: 45 })).toMatchObject({
        ...{ heartbeatMs: 15_000, heartbeatTtlMs: 45_000 },
      })
      expect(resolveS3QueueOptions({ resource: 'a', heartbeatTTL: '1m' })).toMatchObject({ heartbeatTtlMs: 60_000 })
      expect(() => resolveS3QueueOptions({ resource: 'a', heartbeatTTL: 19 })).toThrow('heartbeatTTL')
      const world = await openWorld(place)
      const writer = await world.use({ onMessage: () => {} })
      await until(() => writer.queue.isCoordinator)
      const other = await world.other()
      const watched = queueStoreOf(other)
      await other.use({ store: watched.store, heartbeatInterval: 100, heartbeatTTL: 1, onMessage: () => {} })
      const signs = (): number =>
        watched.requests.filter(({ kind, key }) => kind === 'put' && key.includes('/workers/')).length
      await until(() => signs() >= 3)
    })

    it('C52 dispatchInterval is another name for pollInterval, which goes first; ticketBatchSize and ticketTTL change nothing', async () => {
      expect(resolveS3QueueOptions({ resource: 'a' }).pollMs).toBe(100)
      expect(resolveS3QueueOptions({ resource: 'a', dispatchInterval: '2s' }).pollMs).toBe(2000)
      expect(resolveS3QueueOptions({ resource: 'a', dispatchInterval: 50, pollInterval: 1000 }).pollMs).toBe(1000)
      const world = await openWorld(place)
      const [both, hold] = [gate(), gate()]
      let running = 0
      const onMessage = async (): Promise<void> => {
        if (++running === 6) both.open()
        await hold.passed
      }
      const tickets = { ticketBatchSize: 1, ticketTTL: 1, concurrency: 3, pollBatchSize: 0 }
      const one = await world.use({ ...tickets, onMessage })
      await (await world.other()).use({ ...tickets, onMessage })
      for (const type of 'abcdef') await one.tasks.enqueue({ type })
      await both.passed
      hold.open()
      await until(async () => (await one.tasks.queueStats()).completed === 6)
    })

    it('C53 every process with a worker gets messages, with the coordinator or said to be without', async () => {
      const world = await openWorld(place)
      const [both, hold] = [gate(), gate()]
      const at: string[] = []
      const handler = (name: string) => async (): Promise<void> => {
        at.push(name)
        if (at.length === 2) both.open()
        await hold.passed
      }
      const common = { concurrency: 1, pollBatchSize: 0, enableCoordinator: false }
      const one = await world.use({ ...common, onMessage: handler('one') })
      await (await world.other()).use({ ...common, onMessage: handler('two') })
      for (const type of ['a', 'b']) await one.tasks.enqueue({ type })
      await both.passed
      expect(at.sort()).toEqual(['one', 'two'])
      hold.open()
      await until(async () => (await one.tasks.queueStats()).completed === 2)
    })

    it('C55 how many workers there are is one object, which whoever asks reads with one request', async () => {
      const world = await openWorld(place)
      // The coordinator must stay the same, however busy the machine is.
      const calm = { coordinatorElectionInterval: 15_000 }
      const common = { ...calm, heartbeatInterval: 100, heartbeatTTL: 1, onMessage: (_task: Task): void => {} }
      const writer = await world.use(common)
      await until(() => writer.queue.isCoordinator)
      await (await world.other()).use(common)
      const third = await world.other()
      const watched = queueStoreOf(third)
      const { queue } = await third.use({ ...common, store: watched.store })
      let [workers, readings] = [0, 0]
      queue.on('plg:s3-queue:metrics', ({ metrics }) => {
        workers = metrics.activeWorkers
        readings++
      })
      await until(() => workers === 3)
      // Before the coordinator has published anything, the heartbeats themselves are read.
      const published = ({ key }: Request): boolean => key.endsWith('/registry')
      const key = watched.requests.find(published)?.key ?? ''
      await until(async () => (await watched.store.get(key)).outcome === 'found')
      const [before, after] = [watched.requests.length, readings + 3]
      await until(() => readings >= after)
      const later = watched.requests.slice(before).filter(({ kind }) => kind === 'get' || kind === 'list')
      expect(later.filter(published).length).toBeGreaterThanOrEqual(2)
      // No process but the coordinator reads the heartbeats of others.
      expect(later.filter(({ key }) => key.includes('/workers/'))).toEqual([])
    })
  })
}

const quiet = { warn() {}, info() {}, error() {}, debug() {} }

/** Waits between two looks into the mailbox, in ms. */
function waits({ requests }: QueueStore): number[] {
  const looks = requests.filter(({ kind, key }) => kind === 'get' && key.includes('/mailboxes/'))
  return looks.slice(1).map(({ at }, i) => at - (looks[i]?.at ?? at))
}
