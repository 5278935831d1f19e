/** Async contexts of a shared queue: what the `AsyncLocalStorage` of an application holds in handlers and listeners of all shards. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { CalledInHandler } from '@s3queue/core'
import { sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import type { CoordinatedQueue } from '../src/index.ts'
import { createShardedWorld } from './shards/support.ts'

const tenant = new AsyncLocalStorage<string>()

describe.each([1, 3])('in a queue of %d shards', (shards) => {
  it('handlers and listeners run in the context in which they were given, also those of another process', async () => {
    const world = createShardedWorld()
    const [producer, worker] = [world.queue({ shards }), world.queue()]
    const seen = new Set<string>()
    const note = (what: string): void => void seen.add(`${what} ${tenant.getStore()}`)
    tenant.run('listener', () => worker.on('started', () => note('listener')))
    tenant.run('worker', () => {
      worker.process(async () => {
        note('handler')
        await sleep(world.clock, 10)
        note('handler')
      })
    })
    for (let n = 0; n < 12; n++) await world.run(tenant.run(`request ${n}`, () => producer.enqueue(n)))
    await world.run(tenant.run('request', () => worker.drain()))
    expect([...seen].sort()).toEqual(['handler worker', 'listener listener'])
  })

  it.each<[string, (queue: CoordinatedQueue<number>, stop: () => Promise<void>) => Promise<unknown>]>([
    ['close()', (queue) => queue.close()],
    ['stop()', (_, stop) => stop()],
    ['drain()', (queue) => queue.drain()],
  ])('a handler that waits for itself with %s gets an error immediately', async (call, wait) => {
    const world = createShardedWorld()
    const queue = world.queue<number>({ shards })
    const errors: unknown[] = []
    const { id } = await world.run(queue.enqueue(1))
    const worker = queue.process(async () => {
      await wait(queue, () => worker.stop()).catch((error: unknown) => errors.push(error))
    })
    await world.run(queue.waitFor(id))
    expect(errors).toEqual([expect.any(CalledInHandler)])
    expect(String(errors[0])).toContain(call)
  })
})
