import { createManualClock } from '@s3queue/storage/testing'
import { describe, expect, it } from 'vitest'
import { Enqueuer } from '../src/index.ts'
import { openWorld } from './world.ts'

describe('a record and its message', () => {
  it('the message has the record’s id, and comes after it', async () => {
    const { enqueuer, queue, tasks } = await openWorld()
    const { record, queueId, duplicate } = await enqueuer.enqueue({ type: 'a' })
    expect([queueId, duplicate]).toEqual([record.id, false])
    expect(await tasks.get(queueId)).toMatchObject({ type: 'a' })
    expect(await queue.get(queueId)).toMatchObject({ status: 'waiting' })
  })

  it('a process that dies between the two leaves a record and no message; enqueueing the id again adds it', async () => {
    const { enqueuer, queue, tasks } = await openWorld()
    const { enqueue } = queue
    queue.enqueue = () => Promise.reject(new Error('the process died'))
    await expect(enqueuer.enqueue({ id: 'a', type: 'x' })).rejects.toThrow('died')
    expect(await tasks.get('a')).toMatchObject({ type: 'x' })
    expect(await queue.getStats()).toMatchObject({ total: 0 })
    queue.enqueue = enqueue
    expect(await enqueuer.enqueue({ id: 'a', type: 'x' })).toMatchObject({ queueId: 'a', duplicate: false })
    expect(await queue.getStats()).toMatchObject({ waiting: 1, total: 1 })
  })

  it('refuses a promise, a Map and a Date as a record', async () => {
    const { enqueuer, tasks } = await openWorld()
    const others = [Promise.resolve({ type: 'a' }), new Map([['type', 'a']]), new Date()]
    for (const other of others) await expect(enqueuer.enqueue(other as never)).rejects.toThrow('must be an object')
    expect(await tasks.count()).toBe(0)
  })

  it('an answer that was lost: enqueueing the id again adds nothing, and leaves the record alone', async () => {
    const { enqueuer, queue, tasks } = await openWorld()
    await enqueuer.enqueue({ id: 'a', type: 'x' })
    await tasks.update('a', { type: 'changed by its handler' })
    expect(await enqueuer.enqueue({ id: 'a', type: 'x' })).toMatchObject({ duplicate: true })
    expect(await tasks.get('a')).toMatchObject({ type: 'changed by its handler' })
    expect(await queue.getStats()).toMatchObject({ waiting: 1, total: 1 })
  })

  it('two at once with one id: one record, one message', async () => {
    const { enqueuer, queue, tasks } = await openWorld()
    await Promise.all(Array.from({ length: 10 }, () => enqueuer.enqueue({ id: 'a', type: 'x' })))
    expect([await tasks.count(), (await queue.getStats()).waiting]).toEqual([1, 1])
  })

  it('a record that was deleted and made again, whose old message is dead, runs', async () => {
    const { enqueuer, queue, tasks } = await openWorld()
    await enqueuer.enqueue({ id: 'a', type: 'x' })
    const worker = queue.process(() => Promise.reject(new Error('no')))
    await queue.drain()
    await worker.stop()
    await tasks.delete('a')
    await enqueuer.enqueue({ id: 'a', type: 'y' })
    expect(await queue.get('a')).toMatchObject({ status: 'waiting' })
  })

  it('a record whose message is dead and older than the retention runs when it is enqueued again', async () => {
    const { enqueuer, queue } = await openWorld({ retention: { deadAgeMs: 50 } })
    await enqueuer.enqueue({ id: 'a', type: 'x' })
    const worker = queue.process(() => Promise.reject(new Error('no')))
    await queue.drain()
    await worker.stop()
    expect(await queue.get('a')).toMatchObject({ status: 'dead' })
    // Nothing is committed meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await enqueuer.enqueue({ id: 'a', type: 'x' })).toMatchObject({ queueId: 'a', duplicate: false })
    expect(await queue.get('a')).toMatchObject({ status: 'waiting', attempts: 0 })
  })

  it('enqueues under way together share a commit, though their records are written at different moments', async () => {
    const { records, queue, store } = await openWorld()
    await queue.pause()
    const commits = (): string[] => [...store.snapshot().keys()].filter((key) => key.includes('/log/'))
    const before = commits().length
    let turn = Promise.resolve()
    const { insert } = records
    // Each record is written some turns of the event loop after the one before.
    records.insert = (data) => {
      const inserted = turn.then(() => insert.call(records, data))
      turn = inserted.then(() => new Promise((resolve) => setImmediate(resolve)))
      return inserted
    }
    const enqueuer = new Enqueuer({ records, queue: () => queue, clock: createManualClock() })
    await Promise.all(Array.from({ length: 16 }, (_, i) => enqueuer.enqueue({ id: `t${i}`, type: 'x' })))
    expect(commits()).toHaveLength(before + 1)
    expect(await queue.getStats()).toMatchObject({ waiting: 16 })
  })

  it('a message that is dead before its enqueue returns, in a process that does not write: it stays dead', async () => {
    const { enqueuer, queue } = await openWorld()
    const { enqueue } = queue
    queue.enqueue = async (payload, options) => {
      const { id } = await enqueue.call(queue, payload, options)
      const worker = queue.process(() => Promise.reject(new Error('no')))
      await queue.drain()
      await worker.stop()
      return { id }
    }
    await enqueuer.enqueue({ id: 'a', type: 'x' })
    expect(await queue.get('a')).toMatchObject({ status: 'dead', attempts: 1 })
  })

  it('in the process that writes, nothing is looked up for a record with an id of its own', async () => {
    const { enqueuer, queue } = await openWorld()
    await enqueuer.enqueue({ type: 'x' })
    const { get } = queue
    let looks = 0
    queue.get = (id) => {
      looks++
      return get.call(queue, id)
    }
    for (const id of ['a', 'b', 'c']) await enqueuer.enqueue({ id, type: 'x' })
    expect(looks).toBe(0)
    expect(await queue.getStats()).toMatchObject({ waiting: 4 })
  })

  it('ids that cannot be one of a message are refused before anything is done', async () => {
    const { enqueuer, tasks } = await openWorld()
    for (const id of ['', 'x'.repeat(201), 7])
      await expect(enqueuer.enqueue({ id, type: 'x' })).rejects.toMatchObject({ statusCode: 400 })
    expect(await tasks.count()).toBe(0)
  })

  it('a message that the queue refuses leaves no record behind', async () => {
    const { enqueuer, tasks, queue } = await openWorld()
    const far = Date.now() + 400 * 86_400_000
    const refused = [
      { at: far },
      { metadata: { n: 1n } },
      { metadata: { text: 'x'.repeat(2 << 20) } },
      { priority: 5000 },
    ]
    for (const options of refused) await expect(enqueuer.enqueue({ type: 'x' }, options)).rejects.toThrow()
    await expect(enqueuer.enqueue({ id: 'a', type: 'x', visibleAt: far })).rejects.toThrow('a year')
    expect([await tasks.count(), (await queue.getStats()).total]).toEqual([0, 0])
  })

  it('what is no record is refused in words', async () => {
    const { enqueuer } = await openWorld()
    for (const data of [undefined, null, 'a', ['a'], 5])
      await expect(enqueuer.enqueue(data as never)).rejects.toMatchObject({ name: 'QueueError', statusCode: 400 })
  })
})
