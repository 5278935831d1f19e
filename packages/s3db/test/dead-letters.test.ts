import { systemClock } from '@s3queue/storage'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DeadLetters, openDeadLetterResource, type S3dbResource } from '../src/index.ts'
import { openWorld, type World } from './world.ts'

describe('the dead letter resource', () => {
  it('gets a row, and the queue forgets the message', async () => {
    const world = await openWorld()
    await die(world, 'a')
    const { letters, rows } = await open(world)
    await letters.move()
    expect(await rows.list()).toMatchObject([
      { originalId: 'a', attempts: 1, error: 'Error: no', data: { id: 'a', type: 'x' } },
    ])
    expect(await world.queue.getStats()).toMatchObject({ dead: 0 })
  })

  it('a process that dies between the row and its note: the next one finds the row, and makes no second one', async () => {
    const world = await openWorld()
    await die(world, 'a')
    const { letters, rows } = await open(world)
    const { forget } = world.queue
    world.queue.forget = () => Promise.reject(new Error('the process died'))
    await letters.move()
    expect(await rows.count()).toBe(1)
    expect(await world.queue.getStats()).toMatchObject({ dead: 1 })
    world.queue.forget = forget
    await (await open(world)).letters.move()
    expect(await rows.count()).toBe(1)
    expect(await world.queue.getStats()).toMatchObject({ dead: 0 })
    // A row that is deleted stays away.
    await rows.delete((await rows.listIds())[0] as string)
    await letters.move()
    expect(await rows.count()).toBe(0)
  })

  it('a resource that cannot be written now is tried again by itself', async () => {
    const world = await openWorld()
    await die(world, 'a')
    const told: unknown[] = []
    const { letters, rows } = await open(world, told)
    const { insert } = rows
    rows.insert = () => {
      rows.insert = insert
      return Promise.reject(Object.assign(new Error('not now'), { code: 'SlowDown' }))
    }
    await letters.move()
    expect(told).toMatchObject([{ message: 'not now' }])
    while ((await rows.count()) === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  })

  it('what the resource refuses stays dead and is told of; what died after it gets its row', async () => {
    const world = await openWorld()
    const told: unknown[] = []
    const { letters, rows } = await open(world, told, 1)
    const { insert } = rows
    rows.insert = (row) =>
      row.originalId === 'a' ? Promise.reject(new TypeError('a is not welcome')) : insert.call(rows, row)
    for (const id of ['a', 'b', 'c']) await die(world, id)
    await letters.move()
    expect((await rows.list()).map(({ originalId }) => originalId)).toEqual(['b', 'c'])
    expect(await world.queue.list({ status: 'dead' })).toMatchObject({ messages: [{ id: 'a' }] })
    const message = expect.stringMatching(/"a" does not go into the resource "dead": a is not welcome/)
    expect(told).toContainEqual(expect.objectContaining({ name: 'QueueError', message }))
  })

  it('one that the plugin of s3db.js has made takes them too, also those whose record is gone', async () => {
    const world = await openWorld()
    await world.db.createResource({
      ...{ name: 'dead', behavior: 'body-overflow', timestamps: true },
      attributes: {
        ...{ id: 'string|required', originalId: 'string|required', queueId: 'string|required' },
        ...{ data: 'json|required', error: 'string|required', attempts: 'number|required' },
        createdAt: 'datetime|required',
      },
    })
    const { letters, rows } = await open(world)
    await die(world, 'a')
    await die(world, 'b')
    await world.tasks.delete('b')
    await letters.move()
    expect((await rows.list()).map(({ originalId, data }) => [originalId, data])).toEqual([
      ['a', { id: 'a', type: 'x' }],
      ['b', {}],
    ])
  })

  it('each death has a row of its own, also of one message', async () => {
    const world = await openWorld()
    const { letters, rows } = await open(world)
    for (let n = 0; n < 2; n++) {
      await die(world, 'a')
      await letters.move()
    }
    expect(await rows.count()).toBe(2)
  })
})

describe('more rows than the library lists at once', () => {
  it('all are handed out and all are removed, also where reading one fails once', async () => {
    const world = await openWorld()
    const { letters, rows } = await open(world)
    const ids = Array.from({ length: 1005 }, (_, i) => `row-${String(i).padStart(4, '0')}`)
    await Promise.all(ids.map((id) => rows.insert({ id, originalId: id, queueId: id, attempts: 1 })))
    const idsOf = async (): Promise<string[]> => {
      const seen: string[] = []
      for await (const { id } of letters.rows()) seen.push(id)
      return seen
    }
    expect(await idsOf()).toEqual(ids)
    const { get } = rows
    rows.get = (id, options) =>
      id === 'row-1003'
        ? Promise.reject(Object.assign(new Error('not now'), { code: 'SlowDown' }))
        : get.call(rows, id, options)
    await expect(idsOf()).rejects.toThrow('not now')
    expect(await letters.removeAll()).toBe(1005)
    expect(await rows.count()).toBe(0)
  })
})

async function die({ enqueuer, queue }: World, id: string): Promise<void> {
  await enqueuer.enqueue({ id, type: 'x' })
  const worker = queue.process(() => Promise.reject(new Error('no')))
  await queue.drain()
  await worker.stop()
}

async function open(
  world: World,
  told: unknown[] = [],
  batchSize = 10,
): Promise<{ letters: DeadLetters; rows: S3dbResource }> {
  const rows = await openDeadLetterResource(world.db as never, 'dead')
  const letters = new DeadLetters({
    ...{ resource: rows, records: world.records, queue: () => world.queue, clock: systemClock },
    ...{ retryMs: 20, batchSize, tell: (error: unknown) => void told.push(error) },
  })
  onTestFinished(() => letters.stop())
  return { letters, rows }
}
