import { createIds, seededRandom, unknownProcesses } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import type { Queue } from '../src/index.ts'
import { Machine, type MachineProcess } from './sim/world/machines.ts'
import { createWorld, mortalStore, record, type World } from './support.ts'

interface Dweller {
  readonly queue: Queue<string>
  /** The process is killed: its machine knows, and no request of it arrives any longer. */
  kill(): void
  /** It lives on, and no request of it arrives any longer. */
  hang(): void
}

let seed = 100

/** A process on a machine. */
function live(world: World, process: MachineProcess | undefined, options: { maxAttempts?: number } = {}): Dweller {
  const random = seededRandom(seed++)
  const { clock } = world
  const mortal = mortalStore(world.store)
  const processes = process?.processes ?? unknownProcesses
  const runtime = { clock, random, ids: createIds(clock, random), processes }
  return {
    queue: world.open<string>({ store: mortal.store, runtime, ...options }),
    kill() {
      mortal.die()
      process?.end()
    },
    hang: () => mortal.die(),
  }
}

/** Starts a handler that never ends, and kills its process. */
async function killWhileHandling(world: World, dweller: Dweller, ids: string[]): Promise<void> {
  await world.run(dweller.queue.enqueueMany(ids))
  dweller.queue.process(() => new Promise(() => {}))
  await world.clock.advance(2_000)
  dweller.kill()
}

describe('a process that was killed', () => {
  it('is replaced within a second on its machine, and its message is handled then', async () => {
    const world = createWorld()
    const machine = new Machine(1)
    const first = live(world, machine.start())
    await killWhileHandling(world, first, ['held', 'waiting'])
    const second = live(world, machine.start())
    const seen = record(second.queue, 'expired')
    const handled: string[] = []
    const before = world.clock.monotonic()
    second.queue.process(({ payload }, { attempt }) => void handled.push(`${payload}${attempt}`))
    await world.run(second.queue.drain())
    expect(handled.toSorted()).toEqual(['held2', 'waiting1'])
    expect(world.clock.monotonic() - before).toBeLessThan(1_000)
    expect(seen).toHaveLength(1)
    await world.run(second.queue.close())
  })

  it('is replaced within a second by one that stands by', async () => {
    const world = createWorld()
    const machine = new Machine(1)
    const [first, second] = [live(world, machine.start()), live(world, machine.start())]
    const handled: string[] = []
    await world.run(first.queue.enqueueMany(['held', 'waiting']))
    first.queue.process(() => new Promise(() => {}))
    await world.clock.advance(100)
    second.queue.process(({ payload }) => void handled.push(payload))
    await world.clock.advance(60_000)
    expect(handled).toEqual([])
    first.kill()
    await world.clock.advance(1_000)
    expect(handled.toSorted()).toEqual(['held', 'waiting'])
    await world.run(second.queue.close())
  })

  it('leaves the dead letters with what happened when it was the last attempt', async () => {
    const world = createWorld()
    const machine = new Machine(1)
    await killWhileHandling(world, live(world, machine.start(), { maxAttempts: 1 }), ['poison'])
    const { queue } = live(world, machine.start())
    const seen = record(queue, 'died')
    queue.process(() => {})
    await world.run(queue.drain())
    expect(seen[0]?.event).toMatchObject({ reason: 'timed-out', failures: [{ name: 'ProcessEnded' }] })
    await world.run(queue.close())
  })

  it('is detected although another process has its id now', async () => {
    const world = createWorld()
    const machine = new Machine(1)
    const process = machine.start()
    await killWhileHandling(world, live(world, process), ['held'])
    const next = machine.start()
    expect(next.identity.pid).toBe(process.identity.pid)
    const { queue } = live(world, next)
    queue.process(() => {})
    const before = world.clock.monotonic()
    await world.run(queue.drain())
    expect(world.clock.monotonic() - before).toBeLessThan(1_000)
    await world.run(queue.close())
  })

  it('is detected by the next but one too, when its successor is killed before it has done anything', async () => {
    const world = createWorld()
    const machine = new Machine(1)
    await killWhileHandling(world, live(world, machine.start()), ['held'])
    const second = live(world, machine.start())
    const promoted = record(second.queue, 'promoted')
    second.queue.process(() => {})
    while (promoted.length === 0) await world.clock.advance(1)
    second.kill()
    const third = live(world, machine.start())
    const before = world.clock.monotonic()
    third.queue.process(() => {})
    await world.run(third.queue.drain())
    expect(world.clock.monotonic() - before).toBeLessThan(1_000)
    await world.run(third.queue.close())
  })

  it.each([
    ['on another machine', () => new Machine(2).start()],
    ['in another container of its machine', () => new Machine(1, 1).start()],
    ['on a machine that does not identify processes', () => undefined],
  ])('is waited for %s, as nothing is certain there', async (_, start) => {
    const world = createWorld()
    await killWhileHandling(world, live(world, new Machine(1).start()), ['held'])
    const { queue } = live(world, start())
    const handled: number[] = []
    queue.process((_, { attempt }) => void handled.push(attempt))
    await world.clock.advance(20_000)
    expect(handled).toEqual([])
    await world.run(queue.drain())
    expect(handled).toEqual([2])
    await world.run(queue.close())
  })

  it('is waited for while it lives and only hangs', async () => {
    const world = createWorld()
    const machine = new Machine(1)
    const first = live(world, machine.start())
    await world.run(first.queue.enqueue('held'))
    first.queue.process(() => new Promise(() => {}))
    await world.clock.advance(2_000)
    first.hang()
    const { queue } = live(world, machine.start())
    const promoted = record(queue, 'promoted')
    queue.process(() => {})
    await world.clock.advance(20_000)
    expect(promoted).toEqual([])
    await world.run(queue.drain())
    await world.run(queue.close())
  })
})

describe('a process that hangs and is killed after it was replaced', () => {
  it('loses its claims within two seconds then', async () => {
    const world = createWorld()
    const machine = new Machine(1)
    const process = machine.start()
    const first = live(world, process)
    await world.run(first.queue.enqueue('held'))
    first.queue.process(() => new Promise(() => {}))
    await world.clock.advance(2_000)
    first.hang()
    const { queue } = live(world, machine.start())
    const promoted = record(queue, 'promoted')
    const handled: number[] = []
    queue.process((_, { attempt }) => void handled.push(attempt))
    while (promoted.length === 0) await world.clock.advance(100)
    await world.clock.advance(5_000)
    expect(handled).toEqual([])
    process.end()
    await world.clock.advance(2_000)
    expect(handled).toEqual([2])
    await world.run(queue.close())
  })
})
