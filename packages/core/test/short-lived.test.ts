import { describe, expect, it } from 'vitest'
import { createWorld, mortalStore, type World } from './support.ts'

const OPTIONS = { visibilityTimeoutMs: 2_000, takeoverAfterMs: 500 }

/** A process takes these messages and is killed while its handler runs. */
async function killWhileHandling(world: World, payloads: string[]): Promise<void> {
  const mortal = mortalStore(world.store)
  const queue = world.open<string>({ ...OPTIONS, store: mortal.store })
  await world.run(queue.enqueueMany(payloads))
  queue.process(() => new Promise(() => {}), { maxPrefetch: 0 })
  await world.clock.advance(300)
  mortal.die()
  await world.clock.advance(3_000)
}

describe('processes that each live for less than the visibility timeout', () => {
  it('take up what a killed one held: draining for a second each', async () => {
    const world = createWorld()
    await killWhileHandling(world, ['held', 'other'])
    const handled: string[] = []
    let lives = 0
    for (; lives < 40 && handled.length < 2; lives++) {
      const queue = world.open<string>(OPTIONS)
      queue.process(({ payload }, { attempt }) => void handled.push(`${payload}${attempt}`))
      await world.run(queue.drain({ deadlineMs: 1_000 }))
      await world.run(queue.close())
    }
    expect(handled).toEqual(['other1', 'held2'])
    expect(lives).toBeLessThan(16)
  })

  it('take up what a killed one held: one message each, with pauses between them', async () => {
    const world = createWorld()
    await killWhileHandling(world, ['held'])
    const handled: number[] = []
    let lives = 0
    for (; lives < 40 && handled.length < 1; lives++) {
      const queue = world.open<string>(OPTIONS)
      await world.run(queue.processNext((_, { attempt }) => void handled.push(attempt)))
      await world.run(queue.close())
      await world.clock.advance(5_000)
    }
    expect(handled).toEqual([2])
    expect(lives).toBeLessThan(5)
  })

  it('take up what a killed one held: each is killed itself', async () => {
    const world = createWorld()
    await killWhileHandling(world, ['held'])
    const handled: number[] = []
    let lives = 0
    for (; lives < 40 && handled.length < 1; lives++) {
      const mortal = mortalStore(world.store)
      const queue = world.open<string>({ ...OPTIONS, store: mortal.store })
      queue.process((_, { attempt }) => void handled.push(attempt))
      await world.clock.advance(3_200)
      mortal.die()
    }
    expect(handled).toEqual([2])
    expect(lives).toBeLessThan(8)
  })
})
