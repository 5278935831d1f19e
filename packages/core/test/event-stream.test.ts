/** Events read in a loop: all of them, from the call on, until an end. */
import { setImmediate as turn } from 'node:timers/promises'
import { createMemoryStore } from '@s3queue/storage-memory'
import { describe, expect, it } from 'vitest'
import { createQueue, type NamedEvent } from '../src/index.ts'
import { createWorld } from './support.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

describe('events in a loop', () => {
  it('are all read at full speed, however many come in one turn of the event loop', async () => {
    const queue = createQueue<number>({ name: 'jobs', store: createMemoryStore() })
    const seen = { enqueued: 0, claimed: 0, started: 0, completed: 0 } as Record<string, number>
    const reading = (async () => {
      for await (const { name, event } of queue.events()) {
        seen[name] = (seen[name] ?? 0) + ('ids' in event ? event.ids.length : 1)
      }
    })()
    queue.process(() => {}, { concurrency: 1000 })
    await queue.enqueueMany(numbers(100_000))
    await queue.drain()
    await queue.close()
    await reading
    expect(seen).toMatchObject({ enqueued: 100_000, claimed: 100_000, started: 100_000, completed: 100_000 })
  }, 30_000)

  it('are those since the call, whenever the loop begins', async () => {
    const { open, run } = createWorld()
    const queue = open<string>()
    await run(queue.enqueue('before', { id: 'before' }))
    const events = queue.events({ names: ['enqueued', 'enqueued'] })
    await run(queue.enqueue('x', { id: 'x' }))
    await run(queue.close())
    const seen: unknown[] = []
    for await (const { event } of events) seen.push(event)
    expect(seen).toEqual([{ ids: ['x'] }])
  })

  it('end with the signal, once what came before is read; also with one that was aborted before', async () => {
    const { open, run, clock } = createWorld()
    const queue = open<string>()
    const end = new AbortController()
    const seen: NamedEvent[] = []
    const reading = (async () => {
      for await (const event of queue.events({ names: ['enqueued'], signal: end.signal })) {
        seen.push(event)
        await clock.advance(1)
      }
    })()
    await run(queue.enqueue('a', { id: 'a' }))
    end.abort()
    await run(queue.enqueue('b', { id: 'b' }))
    await run(reading)
    expect(seen).toEqual([{ name: 'enqueued', event: { ids: ['a'] } }])
    for await (const event of queue.events({ signal: end.signal })) seen.push(event)
    expect(seen).toHaveLength(1)
    await run(queue.close())
  })

  it('end when the loop is left, and for whoever waits for the next', async () => {
    const { open, run } = createWorld()
    const queue = open<string>()
    const events = queue.events({ names: ['enqueued'] })
    await run(queue.enqueueMany(['a', 'b']))
    await run(queue.enqueueMany(['c', 'd']))
    for await (const _ of events) break
    const iterator = events[Symbol.asyncIterator]()
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
    const other = queue.events()[Symbol.asyncIterator]()
    const waiting = [other.next(), other.next()]
    await other.return?.()
    expect(await Promise.all(waiting)).toEqual(Array(2).fill({ value: undefined, done: true }))
    await run(queue.close())
  })

  it('end with an error for a loop that is behind, and for one that there is not; the queue goes on', async () => {
    const queue = createQueue<number>({ name: 'jobs', store: createMemoryStore() })
    const never = queue.events()
    let read = 0
    const slow = (async () => {
      for await (const _ of queue.events({ names: ['claimed', 'started', 'completed'] })) {
        if (read++ % 10 === 0) await turn()
      }
    })()
    const failed = expect(slow).rejects.toThrow(/More than 100000 events wait to be read/)
    queue.process(() => {}, { concurrency: 1000 })
    await queue.enqueueMany(numbers(100_000))
    await queue.drain()
    await failed
    const iterator = never[Symbol.asyncIterator]()
    await expect(iterator.next()).rejects.toThrow(RangeError)
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
    expect(await queue.getStats()).toMatchObject({ completed: 100_000 })
    await queue.close()
  }, 30_000)
})
