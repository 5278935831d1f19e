import { InvalidRequest, type ObjectStore } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld, linkTo, s3Like, slowly, startInOrder, troublesOf } from '../support.ts'
import { measureVersions } from './measure.ts'

const MINUTE_MS = 60_000
const DAY_S = 86_400

describe('versions of one key in a bucket with versioning', () => {
  it('the lease of an idle queue gets 7,200 a day, and no other key more than 600', { timeout: 60_000 }, async () => {
    const { writer, ...others } = await measureVersions({
      everyMs: Number.POSITIVE_INFINITY,
      warmUpMs: 5 * MINUTE_MS,
      measureMs: 60 * MINUTE_MS,
    })
    // One renewal in 12 s: 0.4 of `takeoverAfterMs`.
    expect(writer).toBeGreaterThan(0.95 * (DAY_S / 12))
    expect(writer).toBeLessThanOrEqual(DAY_S / 12)
    expect(Math.max(...Object.values(others))).toBeLessThanOrEqual(600)
  })

  it('the lease of a busy queue gets at most one a second', async () => {
    const { writer } = await measureVersions({ everyMs: 1000, warmUpMs: MINUTE_MS / 2, measureMs: 2 * MINUTE_MS })
    expect(writer).toBeGreaterThan(0.9 * DAY_S)
    expect(writer).toBeLessThanOrEqual(DAY_S)
  })

  it('a lease that gets no more versions: the writer works on and reports it, and another takes over once there is room', async () => {
    const world = createWorld()
    const bound = { isReached: false }
    const store = boundedLease(s3Like(world), bound)
    const link = linkTo(store)
    const [writer, other] = [world.open({}, {}, link.store), world.open({}, {}, store)]
    const done: unknown[] = []
    const start = (queue: typeof writer.queue) => () => queue.process(slowly(world, 10, done), { concurrency: 2 })
    await startInOrder(world, [start(writer.queue), start(other.queue)])
    const [troubles, refusals] = [troublesOf(writer.queue), troublesOf(other.queue)]
    bound.isReached = true
    for (let n = 0; n < 20; n++) {
      await world.run(writer.queue.enqueue(n))
      await world.pass(30_000)
    }
    expect(done).toHaveLength(20)
    expect(troubles.map(({ message }) => message)).toContain('no more versions')
    link.cut()
    await expect(world.run(other.queue.enqueue('later'))).rejects.toThrow('no more versions')
    expect(refusals.map(({ message }) => message)).toContain('no more versions')
    bound.isReached = false
    await world.run(other.queue.enqueue('at last'))
    await world.pass(60_000)
    expect(done).toContain('at last')
  })
})

/** A store that refuses further writes of the lease while the bound is reached. */
function boundedLease(store: ObjectStore, bound: { readonly isReached: boolean }): ObjectStore {
  return {
    ...store,
    async put(key, body, options) {
      if (bound.isReached && key.endsWith('/writer')) throw new InvalidRequest('no more versions')
      return store.put(key, body, options)
    },
  }
}
