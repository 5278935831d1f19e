import { expect, it } from 'vitest'
import { adoptQueue, type S3dbResource } from '../src/index.ts'
import { openWorld, type World } from './world.ts'

it('what waits in the old queue comes over in its order, though the library lists by ids', async () => {
  const world = await openWorld()
  const old = await oldQueue(world, ['c', 'a', 'b'])
  expect(await adoptQueue(old, world.enqueuer)).toEqual({ moved: 3, withoutRecord: 0, unread: 0 })
  const handled: string[] = []
  world.queue.process(({ id }) => void handled.push(id), { concurrency: 1 })
  await world.queue.drain()
  expect(handled).toEqual(['c', 'a', 'b'])
})

it('an entry that cannot be read is counted and left, and those behind it come over; the next run takes it', async () => {
  const world = await openWorld()
  const old = await oldQueue(world, ['a', 'b', 'c'])
  const { get } = old
  old.get = (id, options) =>
    id === 'entry-b'
      ? Promise.reject(Object.assign(new Error('not now'), { code: 'SlowDown' }))
      : get.call(old, id, options)
  expect(await adoptQueue(old, world.enqueuer)).toEqual({ moved: 2, withoutRecord: 0, unread: 1 })
  expect(await old.listIds()).toEqual(['entry-b'])
  old.get = get
  expect(await adoptQueue(old, world.enqueuer)).toEqual({ moved: 1, withoutRecord: 0, unread: 0 })
  expect(await world.queue.getStats()).toMatchObject({ waiting: 3 })
})

it('a run that ends half-way, and another one: each message once', async () => {
  const world = await openWorld()
  const old = await oldQueue(world, ['a', 'b', 'c'])
  const { delete: remove } = old
  old.delete = (id) => (id === 'entry-b' ? Promise.reject(new Error('the process died')) : remove.call(old, id))
  await expect(adoptQueue(old, world.enqueuer)).rejects.toThrow('died')
  old.delete = remove
  expect(await adoptQueue(old, world.enqueuer)).toMatchObject({ moved: 2 })
  expect(await world.queue.getStats()).toMatchObject({ waiting: 3, total: 3 })
  expect(await old.count()).toBe(0)
})

/** As the old plugin keeps it: entries with ids of their own, and when they were enqueued. */
async function oldQueue({ db, tasks }: World, types: readonly string[]): Promise<S3dbResource> {
  const old: S3dbResource = await db.createResource({
    name: 'old_queue',
    attributes: { originalId: 'string|required', status: 'string', queuedAt: 'number' },
  })
  for (const [i, type] of types.entries()) {
    await tasks.insert({ id: type, type })
    await old.insert({ id: `entry-${type}`, originalId: type, status: 'pending', queuedAt: 1000 + i })
  }
  return old
}
