import { createIds, seededRandom, sleep, withMetering } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { type FollowedEvent, type FollowOptions, NotRetriable, type Queue, retry, snooze } from '../src/index.ts'
import { createWorld, record, type World } from './support.ts'

/** What a follower reads from now on, and how to end it. */
function follow(world: World, queue: Queue<unknown>, options: FollowOptions = {}) {
  const end = new AbortController()
  const seen: FollowedEvent[] = []
  const done = (async () => {
    for await (const event of queue.follow({ ...options, signal: end.signal })) seen.push(event)
  })()
  return {
    seen,
    async stop() {
      end.abort()
      await world.run(done)
    },
  }
}

const pass = (world: World, ms: number): Promise<void> => world.run(sleep(world.clock, ms))

/** What the log does not know. */
const UNTOLD = { heldMs: undefined, ranMs: undefined }

/** What has no clock of its own in it. */
const comparable = ({ name, event }: { readonly name: string; readonly event: object }): unknown => [
  name,
  { ...event, ...UNTOLD, durationMs: undefined, error: undefined, failures: undefined },
]

describe('following a queue', () => {
  it('tells in any process what the processes tell that write and work', async () => {
    const world = createWorld()
    const writer = world.open<string>({ visibilityTimeoutMs: 1000, backoff: { baseMs: 100 } })
    const told = record(
      writer,
      ...(['enqueued', 'claimed', 'completed', 'retried', 'snoozed', 'died', 'expired', 'cancelled'] as const),
    )
    const reader = world.open({ ifMissing: 'empty' })
    const following = follow(world, reader, { pollMs: 50 })
    await pass(world, 100)
    writer.process(
      async ({ payload }, { attempt, signal }) => {
        if (payload === 'fine') return { of: payload }
        if (payload === 'again' && attempt === 1) return retry({ reason: 'busy' })
        if (payload === 'later' && attempt === 1 && told.every(({ name }) => name !== 'snoozed')) return snooze(200)
        if (payload === 'bad') throw new NotRetriable('never')
        if (payload === 'cancelled') return new Promise((resolve) => signal.addEventListener('abort', resolve))
        if (payload === 'late' && attempt === 1) return new Promise(() => {})
      },
      { concurrency: 10, autoExtend: false },
    )
    const messages = ['fine', 'again', 'later', 'bad', 'cancelled', 'late']
    await world.run(writer.enqueueMany(messages, (payload) => ({ id: payload })))
    await pass(world, 100)
    await world.run(writer.cancel('cancelled'))
    await world.run(writer.drain())
    await pass(world, 1000)
    await following.stop()
    expect(following.seen.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        ...['enqueued', 'claimed', 'completed', 'retried', 'snoozed', 'died', 'expired', 'cancelled'],
      ]),
    )
    const ofMessages = following.seen.filter(({ name }) => name !== 'promoted')
    const sorted = (events: unknown[]): unknown[] =>
      events.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    expect(sorted(ofMessages.map(comparable))).toEqual(sorted(told.map(comparable)))
    const detailsOf = (events: readonly { readonly name: string; readonly event: object }[], name: string) => ({
      ...events.find((event) => event.name === name)?.event,
      ...UNTOLD,
    })
    expect(detailsOf(following.seen, 'died')).toEqual(detailsOf(told, 'died'))
    expect(detailsOf(following.seen, 'retried')).toEqual(detailsOf(told, 'retried'))
    expect(detailsOf(following.seen, 'completed')).toMatchObject({ id: 'fine', result: { of: 'fine' }, durationMs: 0 })
    await world.run(reader.close())
    await world.run(writer.close())
    expect(world.clock.pendingTimers).toBe(0)
  })

  it('begins now: what happened before is not told, and every event comes once, with its time', async () => {
    const world = createWorld()
    const writer = world.open()
    await world.run(writer.enqueue('before'))
    const following = follow(world, world.open(), { pollMs: 100, names: ['enqueued'] })
    await pass(world, 1000)
    const at = world.clock.now()
    for (const id of ['a', 'b', 'c']) {
      await world.run(writer.enqueue(id, { id }))
      await pass(world, 700)
    }
    await pass(world, 5000)
    await following.stop()
    expect(following.seen.map(({ event }) => event)).toEqual([{ ids: ['a'] }, { ids: ['b'] }, { ids: ['c'] }])
    expect(following.seen[0]).toMatchObject({ at, shard: 0 })
    await world.run(writer.close())
  })

  it('tells of a change of writer', async () => {
    const world = createWorld()
    const following = follow(world, world.open({ ifMissing: 'empty' }), { names: ['promoted'] })
    for (let i = 0; i < 2; i++) {
      const writer = world.open()
      await world.run(writer.enqueue(i))
      await world.run(writer.close())
      await pass(world, 20_000)
    }
    await following.stop()
    expect(following.seen.map(({ event }) => event)).toEqual([{ epoch: 1 }, { epoch: 2 }])
  })

  it('costs one request for each look at nothing new, further and further apart', async () => {
    const world = createWorld()
    const writer = world.open()
    await world.run(writer.enqueue('a'))
    const metered = withMetering(world.store, { clock: world.clock })
    const following = follow(world, world.open({ store: metered }), { pollMs: 100, maxPollMs: 10_000 })
    await pass(world, 60_000)
    metered.reset()
    await pass(world, 600_000)
    const { requests, kinds } = metered.metrics()
    // 60 looks, and every eighth asks the base as well, and for the last slot, which may be gone.
    expect(requests).toBeLessThanOrEqual(76)
    expect(kinds.get.requests).toBe(requests)
    await following.stop()
    await world.run(writer.close())
  })

  it.each([
    ['looks seldom', 60_000, 0],
    ['takes its time with each event', 100, 60_000],
  ])('tells a reader that %s of a gap when a collection overtakes it', async (_, pollMs, takesMs) => {
    const world = createWorld()
    const random = seededRandom(7)
    const runtime = { clock: world.clock, random, ids: createIds(world.clock, random), snapshotAfterCommits: 4 }
    const writer = world.open({ runtime })
    writer.process(() => {})
    await world.run(writer.enqueue(0, { id: '0' }))
    const end = new AbortController()
    const seen: FollowedEvent[] = []
    const reading = (async () => {
      for await (const event of world.open().follow({ pollMs, maxPollMs: pollMs, signal: end.signal })) {
        seen.push(event)
        if (takesMs > 0) await sleep(world.clock, takesMs)
      }
    })()
    await pass(world, 1000)
    for (let i = 1; i <= 40; i++) await world.run(writer.enqueue(i, { id: String(i) }))
    await world.run(writer.drain())
    await pass(world, 70 * 60_000)
    const gaps = seen.filter(({ name }) => name === 'gap')
    expect(gaps).toHaveLength(1)
    expect(gaps[0]?.event).toMatchObject({ fromSlot: expect.any(Number), toSlot: expect.any(Number) })
    // Behind the gap it goes on, and passes over nothing.
    await world.run(writer.enqueue('after', { id: 'after' }))
    await pass(world, 10 * 60_000)
    expect(
      seen
        .slice(seen.indexOf(gaps[0] as FollowedEvent))
        .filter(({ name }) => name === 'completed')
        .at(-1)?.event,
    ).toMatchObject({ id: 'after' })
    end.abort()
    await world.run(reading)
    await world.run(writer.close())
  })

  it('ends when the queue is closed, and takes no names that the log does not have', async () => {
    const world = createWorld()
    const reader = world.open({ ifMissing: 'empty' })
    const done = (async () => {
      for await (const _ of reader.follow());
    })()
    await pass(world, 1000)
    await world.run(reader.close())
    await world.run(done)
    expect(world.clock.pendingTimers).toBe(0)
    expect(() => world.open().follow({ names: ['started' as 'claimed'] })).toThrow(/names/)
    expect(() => world.open().follow({ pollMs: 1 })).toThrow(/pollMs/)
    expect(() => world.open().follow({ pollMs: 5000, maxPollMs: 1000 })).toThrow(/maxPollMs/)
    expect(() => world.open().follow({ poll: 1 } as never)).toThrow(/poll/)
  })
})
