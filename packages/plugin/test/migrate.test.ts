/** From the plugin that comes with s3db.js to ours, on what that plugin itself has written. */
import { execFile } from 'node:child_process'
import { S3QueuePlugin as BuiltIn } from 's3db.js'
import { afterAll, expect, it } from 'vitest'
import { files } from './support/place.ts'
import { openWorld, until } from './support/world.ts'

const place = files()
afterAll(() => place.dispose())

it('moves what waits, with its delay, and leaves what has ended', async () => {
  const { db, tasks: resource, location } = await openWorld(place)
  const old = new BuiltIn({ resource: 'tasks', autoStart: false, enableCoordinator: false } as never)
  await db.usePlugin(old as never, 's3queue')
  const enqueue: unknown = Reflect.get(resource, 'enqueue')
  if (typeof enqueue !== 'function') throw new Error('the old plugin has no enqueue')
  const ids: string[] = []
  for (const type of ['a', 'b', 'later', 'done']) ids.push((await enqueue({ id: type, type })).id)
  const entries = (await db.resources.plg_s3queue_tasks_queue?.list()) ?? []
  expect(entries).toHaveLength(4)
  const at = Date.now() + 3_600_000
  for (const { id, originalId } of entries) {
    const patch =
      originalId === 'later' ? { visibleAt: at } : originalId === 'done' ? { status: 'completed' } : undefined
    if (patch !== undefined) await db.resources.plg_s3queue_tasks_queue?.update(id, patch)
  }
  await db.uninstallPlugin('s3queue')
  await db.disconnect()

  expect(await migrate('--connection', location, '--resource', 'tasks')).toEqual({
    ...{ code: 0, output: '3 messages moved, 0 left whose record is gone\n' },
  })

  const handled: string[] = []
  const next = await openWorld(place, location)
  const { tasks } = await next.use({ onMessage: ({ type }) => void handled.push(type) })
  await until(async () => (await tasks.queueStats()).completed === 2)
  expect(handled.sort()).toEqual(['a', 'b'])
  expect(await tasks.queueStats()).toMatchObject({ pending: 1, completed: 2 })
  expect(await next.db.resources.plg_s3queue_tasks_queue?.count()).toBe(1)
}, 60_000)

it('says what is missing, and ends with 1', async () => {
  const { use, location } = await openWorld(place)
  const { queue } = await use()
  await expect(queue.adoptQueue()).rejects.toMatchObject({ statusCode: 404 })
  const { code, output } = await migrate('--connection', location, '--resource', 'tusks')
  expect([code, output]).toEqual([1, expect.stringContaining("Resource 'tusks' not found\nCreate it")])
}, 60_000)

it('names the option that is left out, and ends with 2', async () => {
  const { code, output } = await migrate('--connection', 'memory://a/b')
  expect([code, output]).toEqual([2, expect.stringMatching(/^--resource is missing\.\n[\s\S]*--queue-resource/)])
}, 60_000)

/** The command as it ends, with what it says on both its outputs. */
function migrate(...args: string[]): Promise<{ readonly code: unknown; readonly output: string }> {
  const program = new URL('../src/migrate.ts', import.meta.url).pathname
  return new Promise((resolve) => {
    const all = ['--conditions=@s3queue/source', '--no-warnings', program, ...args]
    execFile(process.execPath, all, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
    )
  })
}
