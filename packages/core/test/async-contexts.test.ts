/** Async contexts: what the `AsyncLocalStorage` of an application holds in handlers, in listeners, and behind them. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { ObjectStore } from '@s3queue/storage'
import { createIds, noContexts, seededRandom, sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { CalledInHandler, type Queue, type QueueOptions } from '../src/index.ts'
import { createWorld, type World } from './support.ts'

const tenant = new AsyncLocalStorage<string>()

/** Everything that a queue asks of its world, noted with the context in which it asks. */
interface Watched {
  readonly options: Pick<QueueOptions, 'store' | 'runtime' | 'logger'>
  /** The contexts in which there were requests and timers. */
  readonly seen: Set<string | undefined>
}

function watched({ store, clock }: World, seed: number): Watched {
  const seen = new Set<string | undefined>()
  const noted = <A extends unknown[], R>(call: (...args: A) => R): ((...args: A) => R) => {
    return (...args) => {
      seen.add(tenant.getStore())
      return call(...args)
    }
  }
  const random = seededRandom(seed)
  const { get, put, delete: remove, list } = store
  const watchedStore: ObjectStore = {
    description: store.description,
    ...{ get: noted(get.bind(store)), put: noted(put.bind(store)) },
    ...{ delete: noted(remove.bind(store)), list: noted(list.bind(store)) },
  }
  const watchedClock = { ...clock, setTimer: noted(clock.setTimer.bind(clock)) }
  return {
    seen,
    options: { store: watchedStore, runtime: { clock: watchedClock, random, ids: createIds(clock, random) } },
  }
}

/** A queue that three requests use at the same moment. */
async function threeRequests(queue: Queue<string>, world: World): Promise<void> {
  const requests = ['a', 'b', 'c'].map((name) => tenant.run(name, () => queue.enqueue(name)))
  await world.run(Promise.all(requests))
}

describe('handlers', () => {
  it('run in the context in which process() was called, whichever request has woken the queue', async () => {
    const world = createWorld()
    const queue = world.open<string>()
    const seen: (string | undefined)[] = []
    tenant.run('worker', () => {
      queue.process(async ({ payload }) => {
        seen.push(`${payload} ${tenant.getStore()}`)
        await sleep(world.clock, 10)
        seen.push(`${payload} ${tenant.getStore()}`)
      })
    })
    await threeRequests(queue, world)
    await world.run(queue.drain())
    expect(seen).toEqual(['a', 'a', 'b', 'b', 'c', 'c'].map((name) => `${name} worker`))
    await world.run(queue.close())
  })

  it('run without a context if process() was called outside of any, and do not inherit what the one before has entered', async () => {
    const world = createWorld()
    const queue = world.open<string>()
    const seen: (string | undefined)[] = []
    queue.process(
      ({ payload }) => {
        seen.push(tenant.getStore())
        tenant.enterWith(`handler of ${payload}`)
      },
      { concurrency: 2 },
    )
    await threeRequests(queue, world)
    await world.run(queue.drain())
    expect(seen).toEqual([undefined, undefined, undefined])
    await world.run(queue.close())
  })

  it('with a schema run in that context, and so do the listeners of their signals', async () => {
    const world = createWorld()
    const seen: (string | undefined)[] = []
    const validate = async (value: unknown) => {
      seen.push(`schema ${tenant.getStore()}`)
      return { value }
    }
    const queue = world.open<string>({ schema: { '~standard': { version: 1, vendor: 'test', validate } } })
    const { id } = await world.run(tenant.run('request', () => queue.enqueue('x')))
    const started = Promise.withResolvers<void>()
    tenant.run('worker', () => {
      queue.process((_, { signal }) => {
        seen.push(`handler ${tenant.getStore()}`)
        signal.addEventListener('abort', () => seen.push(`signal ${tenant.getStore()}`))
        started.resolve()
        return new Promise(() => {})
      })
    })
    await world.run(started.promise)
    await world.run(tenant.run('operator', () => queue.cancel(id)))
    expect(seen).toEqual(['schema request', 'schema worker', 'handler worker', 'signal worker'])
    await world.run(queue.close())
  })
})

describe('listeners', () => {
  it('run in the context in which on() was called', async () => {
    const world = createWorld()
    const queue = world.open<string>()
    const seen: (string | undefined)[] = []
    tenant.run('listener', () => queue.on('enqueued', () => seen.push(tenant.getStore())))
    queue.on('completed', () => seen.push(tenant.getStore()))
    await threeRequests(queue, world)
    queue.process(() => {})
    await world.run(queue.drain())
    expect(seen).toEqual(['listener', ...[undefined, undefined, undefined]])
    await world.run(queue.close())
  })
})

describe('the work of a queue', () => {
  it('belongs to no call: no request and no timer keeps the context of a caller or a handler', async () => {
    const world = createWorld()
    const [one, other] = [watched(world, 1), watched(world, 2)]
    const queues = [world.open<string>(one.options), world.open<string>(other.options)] as const
    const each = async (use: (queue: Queue<string>) => Promise<unknown>): Promise<void> => {
      for (const queue of queues) await world.run(tenant.run('request', () => use(queue)))
    }
    await each((queue) => queue.enqueue('a'))
    await each((queue) => queue.enqueueMany(['b', 'x'.repeat(300_000)], { delayMs: 100 }))
    await each((queue) => queue.getStats())
    await each((queue) => queue.pause())
    await each((queue) => queue.resume())
    const { id } = await world.run(tenant.run('request', () => queues[1].enqueue('c')))
    await each((queue) => queue.get(id))
    await each((queue) => queue.getPayload(id))
    await each((queue) => queue.list({ status: 'waiting' }))
    tenant.run('worker', () => {
      queues[0].process(async ({ payload }, context) => {
        tenant.enterWith(`handler of ${payload}`)
        context.log('started')
        context.progress(1)
        await context.extend(60_000)
        await sleep(world.clock, 30_000)
        if (payload === 'b') throw new Error('no')
      })
    })
    await each((queue) => queue.waitFor(id))
    await each((queue) => queue.drain())
    await each((queue) => queue.redrive(() => true))
    await each((queue) => queue.cancel('nothing'))
    await each((queue) => queue.close())
    expect([...one.seen]).toEqual([undefined])
    expect([...other.seen]).toEqual([undefined])
  })
})

describe('a handler that waits for itself', () => {
  it.each<[string, (queue: Queue<string>, stop: () => Promise<void>) => Promise<unknown>]>([
    ['close()', (queue) => queue.close()],
    ['stop()', (_, stop) => stop()],
    ['drain()', (queue) => queue.drain()],
  ])('with %s fails immediately, with an error that says so', async (call, wait) => {
    const world = createWorld()
    const queue = world.open<string>({ maxAttempts: 1 })
    const errors: unknown[] = []
    const { id } = await world.run(queue.enqueue('x'))
    const worker = queue.process(async () => {
      await sleep(world.clock, 10)
      await wait(queue, () => worker.stop()).catch((error: unknown) => errors.push(error))
    })
    await world.run(queue.waitFor(id))
    expect(world.clock.monotonic()).toBeLessThan(5000)
    expect(errors).toEqual([expect.any(CalledInHandler)])
    expect(String(errors[0])).toContain(`${call} of queue "jobs" was called within one of its handlers`)
    expect(await world.run(queue.drain())).toMatchObject({ drained: true })
    await world.run(queue.close())
  })

  it('may close another queue, and stop its worker without waiting', async () => {
    const world = createWorld()
    const [queue, other] = [world.open<string>(), world.open<string>({ name: 'others' })]
    await world.run(queue.enqueue('x'))
    const done = Promise.withResolvers<void>()
    const worker = queue.process(async () => {
      await other.close()
      await worker.stop({ timeoutMs: 0 })
      done.resolve()
    })
    await world.run(done.promise)
    await world.run(queue.close())
  })

  it('is cut off when its time is over, on a platform without async contexts', async () => {
    const world = createWorld()
    const random = seededRandom(7)
    const runtime = { clock: world.clock, random, ids: createIds(world.clock, random), contexts: noContexts }
    const queue = world.open<string>({ visibilityTimeoutMs: 1000, runtime })
    await world.run(queue.enqueue('x'))
    const closed = Promise.withResolvers<void>()
    queue.process(() => queue.close().then(closed.resolve))
    await world.run(closed.promise)
    expect(world.clock.monotonic()).toBeGreaterThanOrEqual(1000)
  })
})
