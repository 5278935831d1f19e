import { type EndSignal, type Signals, sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { closeOnSignals } from '../src/index.ts'
import { createWorld, type World } from './support.ts'

interface Played {
  readonly signals: Signals
  readonly lines: string[]
  readonly options: Parameters<typeof closeOnSignals>[1]
  /** How the process ended. */
  readonly ends: string[]
  readonly listeners: Set<(signal: EndSignal) => void>
  send(signal: EndSignal): void
}

/** The signals of a process, played by the test. */
function play({ clock }: World, timeoutMs: number): Played {
  const listeners = new Set<(signal: EndSignal) => void>()
  const ends: string[] = []
  const lines: string[] = []
  const signals: Signals = {
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    hasListeners: () => listeners.size > 0,
    raise: (signal) => void ends.push(signal),
    exit: (code) => void ends.push(`exit ${code}`),
  }
  const logger = { warn: (line: string) => void lines.push(line), error: (line: string) => void lines.push(line) }
  return {
    ...{ signals, lines, ends, listeners, options: { timeoutMs, logger, runtime: { clock, signals } } },
    send(signal) {
      for (const listener of [...listeners]) listener(signal)
    },
  }
}

describe('closeOnSignals', () => {
  it('lets handlers finish, closes the queue, says so in one line, and then the signal ends the process', async () => {
    const world = createWorld()
    const process = play(world, 10_000)
    const queue = world.open<string>()
    const done: string[] = []
    await world.run(queue.enqueueMany(['a', 'b', 'c']))
    queue.process(
      async ({ payload }) => {
        await sleep(world.clock, 3_000)
        done.push(payload)
      },
      { concurrency: 2 },
    )
    await world.clock.advance(100)
    closeOnSignals(queue, process.options)
    process.send('SIGTERM')
    await world.clock.advance(2_000)
    expect(process.ends).toEqual([])
    await world.clock.advance(1_500)
    expect(process.ends).toEqual(['SIGTERM'])
    expect(done).toEqual(['a', 'b'])
    expect(process.lines).toEqual([
      'SIGTERM: closing queue "jobs", waiting for 2 running handlers, for at most 10 s. A second signal ends the process immediately.',
    ])
    const next = world.open<string>()
    expect(await world.run(next.getStats())).toMatchObject({ completed: 2, waiting: 1, active: 0 })
    await world.run(next.close())
  })

  it('ends in time although a handler does not, and the attempt that is cut off does not count', async () => {
    const world = createWorld()
    const process = play(world, 4_000)
    const queue = world.open<string>({ maxAttempts: 1 })
    await world.run(queue.enqueue('stuck'))
    queue.process(() => new Promise(() => {}))
    await world.clock.advance(100)
    closeOnSignals([queue], process.options)
    process.send('SIGINT')
    await world.clock.advance(4_000)
    expect(process.ends).toEqual(['SIGINT'])
    const next = world.open<string>()
    expect(await world.run(next.getStats())).toMatchObject({ waiting: 1, dead: 0 })
    await world.run(next.close())
  })

  it.each([
    ['SIGINT', 'exit 130'],
    ['SIGTERM', 'exit 143'],
  ] as const)('ends the process immediately at a second %s', async (signal, end) => {
    const world = createWorld()
    const process = play(world, 10_000)
    const queue = world.open<string>()
    await world.run(queue.enqueue('stuck'))
    queue.process(() => new Promise(() => {}))
    await world.clock.advance(100)
    closeOnSignals(queue, process.options)
    process.send('SIGINT')
    // npm sends what the terminal has sent already.
    process.send('SIGINT')
    expect(process.ends).toEqual([])
    await world.clock.advance(500)
    process.send(signal)
    expect(process.ends).toEqual([end])
    await world.clock.advance(20_000)
  })

  it('leaves the end to other code that listens to the signal', async () => {
    const world = createWorld()
    const process = play(world, 10_000)
    const queue = world.open<string>()
    closeOnSignals(queue, process.options)
    process.listeners.add(() => {})
    process.send('SIGTERM')
    await world.clock.advance(1_000)
    expect(process.ends).toEqual([])
    expect(process.listeners.size).toBe(1)
    await expect(queue.enqueue('x')).rejects.toMatchObject({ code: 'QUEUE_CLOSED' })
  })

  it('hears nothing once its handlers are removed', async () => {
    const world = createWorld()
    const process = play(world, 10_000)
    const queue = world.open<string>()
    const remove = closeOnSignals(queue, process.options)
    remove()
    expect(process.listeners.size).toBe(0)
    process.send('SIGTERM')
    await world.run(queue.enqueue('still open'))
    await world.run(queue.close())
  })

  it('refuses what is not a queue', () => {
    const world = createWorld()
    const { options } = play(world, 10_000)
    expect(() => closeOnSignals([{} as never], options)).toThrow(/must be a queue/)
    expect(() => closeOnSignals([], { timeoutMs: -1 })).toThrow(/timeoutMs/)
  })
})
