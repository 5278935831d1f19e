import { createIds, seededRandom } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { Machine } from './sim/world/machines.ts'
import { createWorld, mortalStore, type World } from './support.ts'

/** A queue of a process on its own machine, with the lines that it logs. */
function openLogged(world: World, machine: number, seed: number) {
  const lines: string[] = []
  const log = (line: string): void => void lines.push(line)
  const random = seededRandom(seed)
  const { clock } = world
  const { processes } = new Machine(machine).start()
  const mortal = mortalStore(world.store)
  const runtime = { clock, random, ids: createIds(clock, random), processes }
  const queue = world.open<string>({ store: mortal.store, runtime, logger: { warn: log, error: log } })
  return { queue, lines, die: () => mortal.die() }
}

describe('a process that waits for a writer that says nothing', () => {
  it('says once whom it waits for, and for how long, when it was started after that one died', async () => {
    const world = createWorld()
    const first = openLogged(world, 1, 1)
    await world.run(first.queue.enqueue('a'))
    const worker = first.queue.process(() => {}, { workerId: 'mailer' })
    await world.clock.advance(3_000)
    first.die()
    await world.clock.advance(2_000)
    const second = openLogged(world, 2, 2)
    second.queue.process(() => {})
    await world.clock.advance(6_000)
    expect(second.lines).toEqual([])
    await world.clock.advance(7_000)
    expect(second.lines).toHaveLength(1)
    expect(second.lines[0]).toMatch(
      new RegExp(
        `^Queue "jobs" waits for worker "${worker.id}" in process 1 on host "host", which writes the queue and has sent no heartbeat for 1[3-5] s\\. ` +
          'No message is handed out meanwhile\\. If it stays silent, this process takes over in at most (1[6-9]|20) s\\.$',
      ),
    )
    await world.run(second.queue.drain())
    expect(second.lines).toHaveLength(1)
    await world.run(second.queue.close())
  })

  it('says it when the writer dies later, and calls that wait say it, too', async () => {
    const world = createWorld()
    const [first, second, caller] = [openLogged(world, 1, 1), openLogged(world, 2, 2), openLogged(world, 3, 3)]
    first.queue.process(() => {})
    await world.clock.advance(100)
    second.queue.process(() => {})
    await world.clock.advance(60_000)
    first.die()
    await world.clock.advance(15_000)
    const paused = caller.queue.pause()
    await world.clock.advance(12_000)
    expect(second.lines).toHaveLength(1)
    expect(caller.lines).toHaveLength(1)
    expect(await world.run(paused)).toBe(true)
    await world.run(second.queue.close())
    await world.run(caller.queue.close())
  })

  it('says nothing in a healthy fleet', async () => {
    const world = createWorld()
    const all = [1, 2, 3].map((n) => openLogged(world, n, n))
    for (const { queue } of all) queue.process(() => {})
    await world.clock.advance(300_000)
    const caller = openLogged(world, 4, 4)
    await world.run(caller.queue.enqueue('a'))
    expect(await world.run(caller.queue.pause())).toBe(true)
    for (const { queue } of [...all, caller]) await world.run(queue.close())
    expect([...all, caller].flatMap(({ lines }) => lines)).toEqual([])
  })
})
