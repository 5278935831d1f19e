import { describe, expect, it } from 'vitest'
import { type FollowedEvent, type Queue, QueueNotFound } from '../src/index.ts'
import { createWorld, type World } from './support.ts'

const READS: Readonly<Record<string, (queue: Queue<unknown>) => Promise<unknown>>> = {
  getStats: (queue) => queue.getStats(),
  list: (queue) => queue.list({ status: 'waiting' }),
  get: (queue) => queue.get('x'),
  getPayload: (queue) => queue.getPayload('x'),
  waitFor: (queue) => queue.waitFor('x'),
  drain: (queue) => queue.drain(),
  follow: async (queue) => {
    for await (const _ of queue.follow()) return
  },
  resume: (queue) => queue.resume(),
  cancel: (queue) => queue.cancel('x'),
  release: (queue) => queue.release('x'),
  purge: (queue) => queue.purge(),
  redrive: (queue) => queue.redrive(),
  'redrive of those that a function picks': (queue) => queue.redrive(() => true),
  forget: (queue) => queue.forget('x'),
}

/** What reading says of a queue that may be missing. */
const EMPTY: Readonly<Record<string, unknown>> = {
  getStats: { waiting: 0, delayed: 0, active: 0, completed: 0, dead: 0, total: 0 },
  list: { messages: [], next: undefined },
  get: undefined,
  drain: { drained: true, handled: 0 },
  resume: false,
  cancel: false,
  release: false,
  purge: 0,
  redrive: 0,
  'redrive of those that a function picks': 0,
  forget: 0,
}

const CREATES: readonly (readonly [string, (queue: Queue<unknown>) => Promise<unknown>])[] = [
  ['enqueue', (queue: Queue<unknown>) => queue.enqueue('a')],
  ['enqueueMany', (queue: Queue<unknown>) => queue.enqueueMany(['a'])],
  ['process', async (queue: Queue<unknown>) => queue.process(() => {})],
  ['processNext', (queue: Queue<unknown>) => queue.processNext(() => {})],
  ['pause', (queue: Queue<unknown>) => queue.pause()],
]

async function withNeighbour(): Promise<World> {
  const world = createWorld()
  const neighbour = world.open({ name: 'jobs' })
  await world.run(neighbour.enqueue(1))
  await world.run(neighbour.close())
  return world
}

describe('a queue that was never created', () => {
  it.each(Object.keys(READS))(
    '%s: reports that it does not exist, where it was looked for, and creates nothing',
    async (call) => {
      const world = await withNeighbour()
      const before = [...world.store.snapshot().keys()]
      const queue = world.open({ name: 'jbos' })
      const error = await world.run(Promise.resolve(READS[call]?.(queue)).catch((reason: unknown) => reason))
      expect(error).toBeInstanceOf(QueueNotFound)
      expect(error).toMatchObject({ code: 'QUEUE_NOT_FOUND' })
      expect((error as Error).message).toContain('"jbos" does not exist in memory://')
      expect((error as Error).message).toContain('"s3queue/jbos/"')
      await world.run(queue.close())
      expect([...world.store.snapshot().keys()]).toEqual(before)
    },
  )

  it.each(Object.keys(EMPTY))(
    '%s: says the same as of an empty queue with ifMissing: "empty", and creates nothing',
    async (call) => {
      const world = await withNeighbour()
      const before = [...world.store.snapshot().keys()]
      const queue = world.open({ name: 'later', ifMissing: 'empty' })
      expect(await world.run(Promise.resolve(READS[call]?.(queue)))).toEqual(EMPTY[call])
      await world.run(queue.close())
      expect([...world.store.snapshot().keys()]).toEqual(before)
    },
  )

  it('is found by the same queue object once another process has created it', async () => {
    const { open, run } = createWorld()
    const reader = open()
    await expect(run(reader.getStats())).rejects.toThrow(QueueNotFound)
    const producer = open()
    await run(producer.enqueue('a'))
    expect(await run(reader.getStats())).toMatchObject({ waiting: 1 })
  })

  it('is followed from its first message on with ifMissing: "empty"', async () => {
    const { open, run, clock } = createWorld()
    const dashboard = open({ ifMissing: 'empty' })
    const seen: FollowedEvent[] = []
    const following = (async () => {
      for await (const event of dashboard.follow({ names: ['enqueued', 'completed'] }))
        if (seen.push(event) === 2) return
    })()
    await clock.advance(60_000)
    const producer = open()
    producer.process(() => 'done')
    const { id } = await run(producer.enqueue('a'))
    await run(following)
    expect(seen.map(({ name }) => name)).toEqual(['enqueued', 'completed'])
    expect(seen[0]).toMatchObject({ event: { ids: [id] } })
  })

  it.each(CREATES)(
    'is created by %s, and a read that is made with it does not report it missing',
    async (_, create) => {
      const { open, run } = createWorld()
      const queue = open()
      const created = create(queue)
      expect(await run(queue.getStats())).toMatchObject({ dead: 0 })
      await run(created)
      const reader = open()
      await run(reader.getStats())
      await run(queue.close())
    },
  )

  it('is not created by an enqueue that is refused', async () => {
    const { open, run, store } = createWorld()
    const queue = open()
    await expect(run(queue.enqueue(undefined))).rejects.toMatchObject({ code: 'INVALID_PAYLOAD' })
    await expect(run(queue.getStats())).rejects.toThrow(QueueNotFound)
    expect(store.size).toBe(0)
  })

  it('refuses another ifMissing', () => {
    const ifMissing: string = 'create'
    expect(() => createWorld().open({ ifMissing: ifMissing as 'empty' })).toThrow(
      '"ifMissing" must be "reject" or "empty"',
    )
  })
})
