import { createQueue, NotAcknowledged, type Queue } from '@s3queue/core'
import { type ObjectStore, orAborted, StoreUnavailable, UnknownOutcome } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createCoordinatedQueue } from '../src/index.ts'
import { createWorld, type World } from './support.ts'

type State = 'up' | 'silent' | 'down'

/** A store that answers, that answers nothing, or whose connections are refused. */
function switchable(store: ObjectStore): { readonly store: ObjectStore; state: State } {
  const it: { readonly store: ObjectStore; state: State } = {
    state: 'up',
    store: {
      description: store.description,
      get: (key, options) => through(options?.signal, () => store.get(key, options)),
      list: (options) => through(options.signal, () => store.list(options)),
      delete: (keys, options) => through(options?.signal, () => store.delete(keys, options)),
      async put(key, body, options) {
        if (it.state === 'down') return { outcome: 'unknown', error: new UnknownOutcome('ECONNREFUSED 10.0.0.1:9000') }
        return through(options.signal, () => store.put(key, body, options))
      },
    },
  }
  const through = <T>(signal: AbortSignal | undefined, request: () => Promise<T>): Promise<T> => {
    if (it.state === 'down') return Promise.reject(new StoreUnavailable('ECONNREFUSED 10.0.0.1:9000'))
    return it.state === 'up' ? request() : orAborted(new Promise<T>(() => {}), signal)
  }
  return it
}

const QUEUES = {
  core: (world, store) => createQueue<number>(optionsOf(world, store)),
  'coordinated queue': (world, store) => createCoordinatedQueue<number>(optionsOf(world, store)),
  'queue with 3 shards': (world, store) => createCoordinatedQueue<number>({ ...optionsOf(world, store), shards: 3 }),
} satisfies Record<string, (world: World, store: ObjectStore) => Queue<number>>

function optionsOf(world: World, store: ObjectStore) {
  const logger = { warn: () => {}, error: () => {} }
  return { name: 'jobs', store, runtime: world.runtime(), logger, acknowledgeTimeoutMs: 5000, maxPollMs: 1000 }
}

const CALLS: Readonly<Record<string, (queue: Queue<number>) => Promise<unknown>>> = {
  enqueue: (queue) => queue.enqueue(1),
  pause: (queue) => queue.pause(),
  cancel: (queue) => queue.cancel('x'),
  getStats: (queue) => queue.getStats(),
}

const cases = Object.keys(QUEUES).flatMap((kind) =>
  Object.keys(CALLS).flatMap((call) =>
    (['silent', 'down'] as const).flatMap((state) =>
      (['before its first use', 'later'] as const).map((when) => ({ kind, call, state, when })),
    ),
  ),
)

describe('a call that is not acknowledged', () => {
  it.each(cases)('$kind: $call says why if the store is $state $when', async ({ kind, call, state, when }) => {
    const world = createWorld()
    const connection = switchable(world.store)
    const queue = QUEUES[kind as keyof typeof QUEUES](world, connection.store)
    if (when === 'later') await world.run(queue.enqueueMany([1, 2, 3]))
    connection.state = state
    const error = await world.run(Promise.resolve(CALLS[call]?.(queue)).catch((reason: unknown) => reason))
    expect(error).toBeInstanceOf(NotAcknowledged)
    const { cause, message } = error as NotAcknowledged
    expect(cause).toBeInstanceOf(Error)
    expect(message).toContain((cause as Error).message)
    expect(message).toMatch(state === 'down' ? /ECONNREFUSED 10\.0\.0\.1:9000/ : /got no answer/)
  })

  it('names an error of this call, not one of an outage that is long over', async () => {
    const world = createWorld()
    const connection = switchable(world.store)
    const queue = QUEUES.core(world, connection.store)
    await world.run(queue.enqueue(1))
    connection.state = 'down'
    await expect(world.run(queue.enqueue(2))).rejects.toThrow('ECONNREFUSED')
    connection.state = 'up'
    await world.run(queue.enqueue(3))
    await world.pass(600_000)
    connection.state = 'silent'
    await expect(world.run(queue.enqueue(4))).rejects.toThrow('got no answer')
  })

  it('says that no writer answered, if the store is up and no process writes', async () => {
    const world = createWorld()
    const writer = switchable(world.store)
    const first = QUEUES.core(world, writer.store)
    first.process(() => {})
    await world.run(first.enqueue(1))
    const second = createQueue<number>({ ...optionsOf(world, world.store), acknowledgeTimeoutMs: 500, maxPollMs: 100 })
    writer.state = 'silent'
    const error = await world.run(second.pause().catch((reason: unknown) => reason))
    expect(error).toBeInstanceOf(NotAcknowledged)
    const { cause, message } = error as NotAcknowledged
    expect(message).toContain('No writer answered')
    expect(message).toContain((cause as Error).message)
  })
})
