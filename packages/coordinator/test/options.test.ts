import { InvalidOption } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { type CoordinatorOptions, createCoordinatedQueue, createMailboxTransport } from '../src/index.ts'
import { createWorld, linkTo, slowly, workInOrder } from './support.ts'

describe('options', () => {
  it.each([2000, 8000])(
    'C50 another process is elected after %i ms of silence at most, as it is set, and after 5 s while there is work',
    async (ms) => {
      const world = createWorld()
      const link = linkTo(world.store)
      const options = { takeoverAfterMs: ms, visibilityTimeoutMs: 20_000 }
      const pods = [world.open(options, {}, link.store), world.open(options), world.open(options)]
      const elected: number[] = []
      for (const { queue } of pods.slice(1)) queue.on('promoted', () => elected.push(world.clock.monotonic()))
      await workInOrder(world, pods, slowly(world, 500, []))
      await world.run(world.open(options).queue.enqueueMany(Array.from({ length: 500 }, (_, i) => i)))
      // Longer than any term could last if elections went by a clock.
      await world.pass(10 * 60_000)
      await world.run(world.open(options).queue.enqueueMany(Array.from({ length: 500 }, (_, i) => i)))
      await world.pass(3000)
      expect(elected).toEqual([])
      const cutAt = world.clock.monotonic()
      link.cut()
      await world.pass(Math.min(ms + 2000, 5000))
      expect(elected).toHaveLength(1)
      // Its last sign was given up to a second before.
      expect((elected[0] ?? 0) - cutAt).toBeGreaterThan(Math.min(ms, 3000) - 1000)
    },
  )

  const wrong: [string, CoordinatorOptions & Record<string, unknown>, string][] = [
    ['C50', { takeoverAfterMs: 10 }, 'takeoverAfterMs'],
    ['C51', { heartbeatIntervalMs: 50 }, 'heartbeatIntervalMs'],
    ['C51', { heartbeatIntervalMs: 10_000, heartbeatTtlMs: 15_000 }, 'heartbeatTtlMs'],
    ['C52', { dispatchIntervalMs: 5 }, 'dispatchIntervalMs'],
    ['C52', { dispatchInterval: 100 }, 'dispatchInterval'],
  ]
  it.each(wrong)('%s refuses %j', (_, options, name) => {
    const open = (): unknown => createCoordinatedQueue({ name: 'jobs', store: createWorld().store, ...options })
    expect(open).toThrow(InvalidOption)
    expect(open).toThrow(name)
    expect(open).toThrow(/^createCoordinatedQueue: /)
  })

  it('refuses what is for its own parts, and names the option that is meant', () => {
    const { store } = createWorld()
    const open = (options: object) => (): unknown => createCoordinatedQueue({ name: 'jobs', store, ...options })
    expect(open({ shard: 2 })).toThrow('"shard" is not known. Did you mean "shards"?')
    expect(open({ transport: createMailboxTransport() })).toThrow('"transport" is not known')
    expect(open({ maxAttempt: 2 })).toThrow('"maxAttempt" is not known. Did you mean "maxAttempts"?')
    expect(open({ heartbeatMs: 2000 })).toThrow(/Known: .*heartbeatIntervalMs.*, shards\./)
    expect(() => createCoordinatedQueue(undefined as never)).toThrow(InvalidOption)
  })
})
