import { describe, expect, it } from 'vitest'
import { intercept, mortalStore } from '../../core/test/support.ts'
import { createWorld, type Process, type World } from './support.ts'

const OPTIONS = { visibilityTimeoutMs: 12_000, takeoverAfterMs: 1_000, maxPollMs: 500 }

/** A writer with a worker, until it is killed. */
function mortalWriter(world: World, handled: unknown[]): Process & { kill(): void } {
  const mortal = mortalStore(world.store)
  const process = world.open(OPTIONS, {}, mortal.store)
  process.queue.process(({ payload }) => void handled.push(payload))
  return { ...process, kill: () => mortal.die() }
}

function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

describe('a claim that several writers take over one after the other', () => {
  it('stays with a living worker that each of them extends it for', async () => {
    const world = createWorld()
    const handled: unknown[] = []
    let writer = mortalWriter(world, handled)
    await world.pass(1_000)
    // The worker never writes itself: it cannot take the lease.
    const worker = world.open(
      OPTIONS,
      {},
      intercept(world.store, '/writer', { put: (_, __, { signal }) => hang(signal) }),
    )
    let wasAborted = false
    const started = new Set<unknown>()
    const end = Promise.withResolvers<void>()
    const running = worker.queue.process(
      async ({ payload }, { signal }) => {
        signal.addEventListener('abort', () => {
          wasAborted = true
        })
        started.add(payload)
        await end.promise
        handled.push(payload)
      },
      { concurrency: 40 },
    )
    await world.pass(2_000)
    await world.run(writer.queue.enqueueMany(Array.from({ length: 400 }, (_, n) => n)))
    await world.pass(1_000)
    expect(running.running).toBeGreaterThan(0)
    const held = running.running
    // Each writer lives for half of the visibility timeout; together they live for much longer than the timeout and the margin.
    for (let lives = 0; lives < 8; lives++) {
      writer.kill()
      await world.pass(2_000)
      writer = mortalWriter(world, handled)
      await world.pass(6_000)
    }
    expect(wasAborted).toBe(false)
    expect(running.running).toBe(held)
    // Only those that no handler of the worker had started were taken back.
    expect(handled.filter((payload) => started.has(payload))).toEqual([])
    end.resolve()
    await world.run(writer.queue.drain())
    expect(new Set(handled).size).toBe(400)
    expect(handled).toHaveLength(400)
    await world.run(worker.queue.close())
    await world.run(writer.queue.close())
  })
})
