import { execFile } from 'node:child_process'
import { Database } from 's3db.js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type QueueError, S3QueuePlugin, withQueue } from '../../src/index.ts'
import { connect, type Place } from '../support/place.ts'
import { gate, next, openWorld, TASKS, type Task } from '../support/world.ts'

export function describeInstalling(place: Place): void {
  describe('installing', () => {
    it('C1 after db.connect(): the workers start by themselves', async () => {
      const { use } = await openWorld(place)
      const { queue, tasks } = await use({ onMessage: () => ({ done: true }) })
      expect(queue.isRunning).toBe(true)
      const completed = next(queue, 'plg:s3-queue:message-completed')
      const { id } = await tasks.enqueue({ type: 'a' })
      expect(await completed).toMatchObject({ queueId: id, result: { done: true } })
    })

    it('C1 before db.connect(): usePlugin and new Database({ plugins }) install the plugin when the database is connected', async () => {
      const location = await place.location()
      const first = await connect(location)
      await first.createResource({ ...TASKS })
      await first.disconnect()
      const make = (): { queue: S3QueuePlugin<Task>; handled: Promise<string> } => {
        const { open, passed: handled } = gate<string>()
        return { queue: new S3QueuePlugin<Task>({ resource: 'tasks', onMessage: ({ type }) => open(type) }), handled }
      }
      const early = make()
      const late = unconnected(location)
      await late.usePlugin(early.queue)
      await expect(early.queue.getStats()).rejects.toMatchObject({
        statusCode: 409,
        suggestion: expect.stringContaining('await db.connect()'),
      })
      await late.connect()
      await enqueueOn(late, { type: 'used early' })
      expect(await early.handled).toBe('used early')
      expect(early.queue.isRunning).toBe(true)
      await late.disconnect()

      // The same plugin, with the next database.
      const later = unconnected(location)
      await later.usePlugin(early.queue)
      await later.connect()
      onTestFinished(() => later.disconnect())
      const completed = next(early.queue, 'plg:s3-queue:message-completed')
      const { id } = await enqueueOn(later, { type: 'used again' })
      expect(await completed).toMatchObject({ queueId: id })
      await later.disconnect()

      const given = make()
      const db = await connect(location, { plugins: [given.queue] })
      onTestFinished(() => db.disconnect())
      await enqueueOn(db, { type: 'given' })
      expect(await given.handled).toBe('given')
    })

    it('C1 before the resource exists: a plugin of new Database({ plugins }) is installed when the resource is created', async () => {
      for (const uses of ['plugins', 'usePlugin'] as const) {
        const location = await place.location()
        const handled = gate<string>()
        const queue = new S3QueuePlugin<Task>({
          ...{ resource: 'tasks', logger: quiet, deadLetterResource: 'dead' },
          onMessage: ({ type }) => handled.open(type),
        })
        const db = unconnected(location, uses === 'plugins' ? { plugins: [queue] } : {})
        if (uses === 'usePlugin') await db.usePlugin(queue)
        await db.connect()
        onTestFinished(() => db.disconnect())
        await expect(queue.getStats()).rejects.toMatchObject({ statusCode: 404 })
        await expect(queue.startProcessing()).rejects.toMatchObject({ statusCode: 404 })
        expect(queue.isRunning).toBe(false)
        await db.createResource({ ...TASKS })
        await enqueueOn(db, { type: uses })
        expect(await handled.passed).toBe(uses)
        expect(queue.isRunning).toBe(true)
      }
    })

    it('C1 after an installation that failed, usePlugin or the next use installs the plugin', async () => {
      const location = await place.location()
      const first = await connect(location)
      await first.createResource({ ...TASKS })
      await first.disconnect()
      for (const repeat of ['usePlugin', 'getStats', 'enqueue'] as const) {
        const queue = new S3QueuePlugin<Task>({
          resource: 'tasks',
          logger: quiet,
          deadLetterResource: `dead_${repeat}`,
        })
        const db = unconnected(location, { plugins: [queue] })
        let isBroken = true
        const createResource = db.createResource.bind(db)
        db.createResource = (definition) =>
          isBroken ? Promise.reject(new Error('not today')) : createResource(definition)
        await db.connect()
        onTestFinished(() => db.disconnect())
        await expect(queue.getStats()).rejects.toThrow('not today')
        await expect(enqueueOn(db, { type: 'early' })).rejects.toThrow('not today')
        isBroken = false
        if (repeat === 'usePlugin') await db.usePlugin(queue)
        if (repeat === 'getStats') expect(await queue.getStats()).toMatchObject({ dead: 0 })
        await enqueueOn(db, { type: repeat })
        expect((await queue.getStats()).pending).toBeGreaterThan(0)
      }
    })

    it('C1 plugin.install(db), called directly, is enough', async () => {
      const { db } = await openWorld(place)
      const queue = new S3QueuePlugin<Task>({ resource: 'tasks' })
      await queue.install(db)
      expect(await queue.getStats()).toMatchObject({ total: 0 })
    })

    it('C1 a subclass, or a class that a bundler has renamed, has the same queue', async () => {
      const world = await openWorld(place)
      const { tasks } = await world.use()
      const handled = gate<string>()
      const Renamed = class a extends S3QueuePlugin<Task> {}
      const queue = new Renamed({ resource: 'tasks', onMessage: ({ type }) => handled.open(type) })
      await (await world.other()).db.usePlugin(queue)
      await tasks.enqueue({ type: 'of another bundle' })
      expect(await handled.passed).toBe('of another bundle')
    })

    it('C4 of several plugins of new Database({ plugins }) one cannot be installed: the others are, and its use says why', async () => {
      const location = await place.location()
      const first = await connect(location)
      await first.createResource({ ...TASKS })
      await first.createResource({ ...TASKS, name: 'emails' })
      await first.disconnect()
      const logger = { warn() {}, info() {}, error() {}, debug() {} }
      const make = (resource: string, namespace: string): S3QueuePlugin<Task> =>
        new S3QueuePlugin<Task>({ resource, namespace, logger, onMessage: () => {} })
      const [one, second, missing, other] = [
        make('tasks', 'a'),
        make('tasks', 'b'),
        make('nobody', 'c'),
        make('emails', 'd'),
      ]
      const db = await connect(location, { plugins: [one, second, missing, other] })
      onTestFinished(() => db.disconnect())
      expect(await one.getStats()).toMatchObject({ total: 0 })
      expect(await other.countQueue()).toBe(0)
      await expect(second.getStats()).rejects.toMatchObject({
        statusCode: 409,
        message: expect.stringContaining('a queue already'),
      })
      await expect(missing.startProcessing()).rejects.toMatchObject({ statusCode: 404 })
      await expect(missing.countQueue()).rejects.toMatchObject({ statusCode: 404 })
    })

    it('C2 several instances side by side, by alias or namespace, each with its own helper resources', async () => {
      const { db, use } = await openWorld(place)
      await db.createResource({ ...TASKS, name: 'emails' })
      const handled: string[] = []
      const onMessage = ({ type }: Task): void => void handled.push(type)
      const a = await use({ onMessage, deadLetterResource: 'plg_dead' }, 'high')
      const b = await use({ onMessage, resource: 'emails', namespace: 'mail' })
      const both = [next(a.queue, 'plg:s3-queue:message-completed'), next(b.queue, 'plg:s3-queue:message-completed')]
      await a.tasks.enqueue({ type: 'task' })
      await b.tasks.enqueue({ type: 'mail' })
      await Promise.all(both)
      expect(handled.sort()).toEqual(['mail', 'task'])
      expect(db.resources.plg_high_s3queue_tasks_queue).toBeDefined()
      expect(db.resources.plg_mail_s3queue_emails_queue).toBeDefined()
      expect(db.resources.plg_high_dead).toBeDefined()
      expect([a.queue.namespace, b.queue.namespace]).toEqual(['high', 'mail'])
    })

    it('C3 names of one’s own are reachable under db.resources; those that begin with plg_ take the namespace', async () => {
      const { db, use } = await openWorld(place)
      await use({ queueResource: 'tasks_line', deadLetterResource: 'dead_tasks' }, 'x')
      expect(db.resources.tasks_line).toBe(db.resources.plg_x_s3queue_tasks_queue)
      expect(db.resources.dead_tasks?.name).toBe('dead_tasks')
      // Other plugins go through all resources; a queue is none of theirs.
      expect(Object.keys(db.resources).sort()).toEqual(['dead_tasks', 'tasks'])
      await db.createResource({ ...TASKS, name: 'other' })
      await use({ resource: 'other', queueResource: 'plg_line' }, 'y')
      expect(db.resources.plg_y_line).toBeDefined()
    })

    it('C3 the plugin says what its resources are called, and has them', async () => {
      const { db, use } = await openWorld(place)
      const { queue } = await use({ queueResource: 'line', deadLetterResource: 'plg_dead' }, 'x')
      expect([queue.queueResourceName, queue.deadLetterResourceName]).toEqual([
        'plg_x_s3queue_tasks_queue',
        'plg_x_dead',
      ])
      expect(queue.queueResource?.name).toBe('plg_x_s3queue_tasks_queue')
      expect(queue.queueResource).toBe(db.resources.line)
      expect(queue.targetResource).toBe(db.resources.tasks)
      expect(queue.deadLetterResourceObj).toBe(db.resources.plg_x_dead)
      await queue.deleteQueue()
      expect([queue.queueResource, queue.deadLetterResourceObj]).toEqual([null, null])
      const other = new S3QueuePlugin({ resource: 'tasks' })
      expect([other.queueResourceName, other.deadLetterResourceName]).toEqual(['plg_s3queue_tasks_queue', null])
      expect([other.queueResource, other.targetResource, other.deadLetterResourceObj]).toEqual([null, null, null])
    })

    it('C4 a resource that is not there: QueueError 404, not retriable, with a suggestion', async () => {
      const { db } = await openWorld(place)
      const queue = new S3QueuePlugin({ resource: 'taks' })
      await expect(db.usePlugin(queue)).rejects.toMatchObject({
        ...{ name: 'QueueError', statusCode: 404, retriable: false },
        suggestion: expect.stringContaining('createResource'),
      })
    })

    it('C5 two databases in one process have independent queues', async () => {
      const [one, two] = [await openWorld(place), await openWorld(place)]
      const [a, b] = [await one.use(), await two.use()]
      await a.tasks.enqueue({ type: 'a' })
      expect(await a.tasks.queueStats()).toMatchObject({ pending: 1 })
      expect(await b.tasks.queueStats()).toMatchObject({ pending: 0 })
    })

    it('C6 the queue keeps its objects where the database has its own', async () => {
      const { use, other } = await openWorld(place)
      const { tasks } = await use()
      const { id } = await tasks.enqueue({ type: 'a' })
      const elsewhere = await (await other()).use()
      expect(await elsewhere.tasks.queueStats()).toMatchObject({ pending: 1 })
      expect(await elsewhere.tasks.get(id)).toMatchObject({ type: 'a' })
    })

    it('C6 any prefix and any name of a resource that s3db.js takes has a queue', async () => {
      const location = await place.location('my app (é):~/.data')
      const db = await connect(location)
      onTestFinished(() => db.disconnect())
      await db.createResource({ ...TASKS, name: 'mes tâches' })
      const queue = new S3QueuePlugin<Task>({ resource: 'mes tâches', onMessage: ({ type }) => type })
      await db.usePlugin(queue)
      const completed = next(queue, 'plg:s3-queue:message-completed')
      await withQueue<Task>(db.resources['mes tâches'] ?? TASKS).enqueue({ type: 'a' })
      expect(await completed).toMatchObject({ result: 'a' })
      const purged = new Promise((resolve) => queue.once('plugin.dataPurged', resolve))
      await queue.uninstall({ purgeData: true })
      expect(await purged).toEqual({ deleted: expect.any(Number) })
    })

    it('C7 db.disconnect() stops the worker and leaves nothing running; uninstallPlugin takes everything off', async () => {
      const location = await place.location()
      const db = await connect(location)
      const resource = await db.createResource({ ...TASKS })
      const queue = new S3QueuePlugin<Task>({ resource: 'tasks', onMessage: () => {} })
      await db.usePlugin(queue)
      await db.disconnect()
      expect(queue.isRunning).toBe(false)
      expect(await queue.getStats().catch((error: QueueError) => error.statusCode)).toBe(409)

      const again = await connect(location)
      onTestFinished(() => again.disconnect())
      expect(resource).not.toBe(again.resources.tasks)
      const second = new S3QueuePlugin<Task>({ resource: 'tasks', onMessage: () => {} })
      await again.usePlugin(second)
      const purged = new Promise((resolve) => second.on('plugin.dataPurged', resolve as never))
      second.removeAllListeners = () => second
      await again.uninstallPlugin('s3queue', { purgeData: true })
      expect(await purged).toMatchObject({ deleted: expect.any(Number) })
      expect(again.resources.tasks_queue).toBeUndefined()
      expect(again.resources.tasks).not.toHaveProperty('enqueue')
      expect(again.plugins.s3queue).toBeUndefined()
    })

    if (place.name === 'memory') {
      it('C7 a process ends by itself after db.disconnect()', { timeout: 70_000 }, async () => {
        const program = new URL('../support/ends-by-itself.ts', import.meta.url).pathname
        const args = ['--conditions=@s3queue/source', '--no-warnings', program]
        const output = await new Promise<string>((resolve, reject) => {
          execFile(process.execPath, args, { timeout: 60_000 }, (error, stdout) =>
            error ? reject(error) : resolve(stdout),
          )
        })
        expect(output.trim()).toBe('handled a')
      })
    }
  })
}

const quiet = { warn() {}, info() {}, error() {}, debug() {} }

/** As `connect`, before the connection. */
function unconnected(location: string, options: object = {}): Database {
  return new Database({
    ...{ connectionString: location, logLevel: 'silent', executorPool: { retries: 0 } },
    clientOptions: { httpClientOptions: { useReckerHandler: false } },
    ...options,
  } as ConstructorParameters<typeof Database>[0])
}

async function enqueueOn(db: Database, data: Task): Promise<{ readonly id: string }> {
  return withQueue<Task>(db.resources.tasks ?? TASKS).enqueue(data)
}
