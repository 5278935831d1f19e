import { type ObjectStore, seededRandom, sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld, startInOrder, type World } from './support.ts'

/** The store, and how many requests of each kind went to each folder of the queue, such as `put inbox`. */
function counted({ store }: World): { readonly store: ObjectStore; readonly count: (what: string) => number } {
  const counts = new Map<string, number>()
  const noted = <T>(kind: string, key: string, request: () => T): T => {
    const what = `${kind} ${key.split('/')[3]}`
    counts.set(what, (counts.get(what) ?? 0) + 1)
    return request()
  }
  return {
    count: (what) => counts.get(what) ?? 0,
    store: {
      description: store.description,
      get: (key, options) => noted('get', key, () => store.get(key, options)),
      put: (key, body, options) => noted('put', key, () => store.put(key, body, options)),
      delete: (keys, options) => store.delete(keys, options),
      list: (options) => store.list(options),
    },
  }
}

describe('a worker elsewhere that has much to do', () => {
  it('sends what has ended no more often than the writer looks, and looks no more often than it was told', async () => {
    const world = createWorld()
    const writer = world.open()
    const { store, count } = counted(world)
    const other = world.open({}, { dispatchIntervalMs: 200 }, store)
    const random = seededRandom(1)
    let done = 0
    await startInOrder(world, [
      // The writer's own worker has one message that takes for ever.
      () =>
        writer.queue.process((_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)), {
          maxPrefetch: 0,
        }),
      () =>
        other.queue.process(
          async () => {
            await sleep(world.clock, 20 * random.next())
            done++
          },
          { concurrency: 10 },
        ),
    ])
    await world.run(writer.queue.enqueueMany(Array.from({ length: 5001 }, (_, i) => i)))
    while (done < 1000) await world.pass(10)
    const before = { puts: count('put inbox'), gets: count('get mailboxes'), done, at: world.clock.monotonic() }
    while (done < 5000) await world.pass(10)
    const seconds = (world.clock.monotonic() - before.at) / 1000
    expect(seconds).toBeGreaterThan(1)
    expect(count('put inbox') - before.puts).toBeLessThanOrEqual(10 * seconds + 1)
    expect(count('get mailboxes') - before.gets).toBeLessThanOrEqual(5 * seconds + 1)
  })
})
