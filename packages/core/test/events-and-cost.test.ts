import { InvalidOption } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld } from './support.ts'

describe('events and cost', () => {
  it('can be iterated, by name, until the queue is closed', async () => {
    const { open, run } = createWorld()
    const queue = open<string>()
    const seen: string[] = []
    const reading = (async () => {
      for await (const { name } of queue.events({ names: ['enqueued', 'completed'] })) seen.push(name)
    })()
    await run(queue.enqueue('x'))
    queue.process(() => {})
    await run(queue.drain())
    await run(queue.close())
    await run(reading)
    expect(seen).toEqual(['enqueued', 'completed'])
  })

  it('refuse a name that is none', async () => {
    const { open, run } = createWorld()
    const queue = open()
    expect(() => queue.on('finished' as never, () => {})).toThrow(InvalidOption)
    await run(queue.close())
  })

  it('tell what the queue cost, from what it really asked of the store', async () => {
    const { open, run, store } = createWorld()
    let requests = 0
    const count =
      <A extends unknown[], R>(call: (...args: A) => R) =>
      (...args: A): R => {
        requests++
        return call(...args)
      }
    const queue = open<number>({
      store: {
        ...store,
        get: count(store.get),
        put: count(store.put),
        delete: count(store.delete),
        list: count(store.list),
      },
    })
    expect(queue.getCost()).toMatchObject({ requests: 0, dollars: 0, requestsPerMessage: undefined })
    await run(queue.enqueueMany(Array.from({ length: 100 }, (_, n) => n)))
    queue.process(() => {}, { concurrency: 10 })
    await run(queue.drain())
    const cost = queue.getCost()
    expect(cost).toMatchObject({ requests, enqueued: 100, handled: 100, requestsPerMessage: requests / 100 })
    expect(cost.dollarsPerMillionMessages).toBeGreaterThan(0)
    await run(queue.close())
  })
})
