import type { EnqueueOptions, HandlerContext, Queue } from '@s3queue/core'
import { describe, expect, it } from 'vitest'
import { loadPlanted, type Patch } from '../../core/test/sim/run/load-core.ts'
import type * as coordinator from '../src/index.ts'
import { createWorld, startInOrder, type World, withoutWatch } from './support.ts'

const COUNT = 1000
/** From the first handler's start to the last, in ms. A writer that waits for reports before it goes on takes twice as long. */
const MAX_SPREAD_MS = 1500

/** Two processes: the first writes and has one handler that is busy, the second has room for all messages, whose handlers do not end. */
async function startWorkers(world: World, open: () => { readonly queue: Queue<string> }) {
  const writer = open()
  const other = open()
  const startedAt: number[] = []
  const untilAborted = ({ signal }: HandlerContext): Promise<void> =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
  await startInOrder(world, [
    () => writer.queue.process((_, context) => untilAborted(context), { concurrency: 1, maxPrefetch: 0 }),
    () =>
      other.queue.process(
        (_, context) => {
          startedAt.push(world.clock.monotonic())
          return untilAborted(context)
        },
        { concurrency: COUNT },
      ),
  ])
  await world.run(writer.queue.enqueue('keeps the writer busy'))
  await world.pass(1000)
  return { queue: writer.queue, startedAt, close: () => void [writer.queue.close(), other.queue.close()] }
}

/** A few first, from which the writer learns how large they are: of large ones, few travel in one object. */
async function enqueueAll(world: World, queue: Queue<string>, size: number, options?: EnqueueOptions): Promise<void> {
  const payloads = Array.from({ length: COUNT }, () => 'x'.repeat(size))
  for (const payload of payloads.splice(0, 10)) {
    await world.run(queue.enqueue(payload))
    await world.pass(100)
  }
  await world.pass(15_000)
  await world.run(queue.enqueueMany(payloads, options))
}

describe('messages that wait although a worker in another process has room', () => {
  it.each([
    { payload: 'short', size: 10 },
    // Ten times what travels in one object, and twice what may lie in a mailbox unread.
    { payload: 'long', size: 10_000 },
  ])('are all handed out, one commit after the other: $payload payloads', async ({ size }) => {
    const world = createWorld()
    const { queue, startedAt, close } = await startWorkers(world, () => world.open<string>())
    await enqueueAll(world, queue, size)
    await world.pass(15_000)
    expect(startedAt).toHaveLength(COUNT)
    expect(spreadOf(startedAt)).toBeLessThan(MAX_SPREAD_MS)
    close()
  })

  it('are all handed out when they fall due together', async () => {
    const world = createWorld()
    const { queue, startedAt, close } = await startWorkers(world, () => world.open<string>())
    await enqueueAll(world, queue, 10_000, { delayMs: 5000 })
    await world.pass(20_000)
    expect(startedAt).toHaveLength(COUNT)
    expect(spreadOf(startedAt)).toBeLessThan(MAX_SPREAD_MS)
    close()
  })
})

/** From the first handler's start to the last, without those that came before. */
function spreadOf(startedAt: readonly number[]): number {
  const late = startedAt.slice(10)
  return Math.max(...late) - Math.min(...late)
}

const DISPATCHER = 'core/src/engine/dispatcher.ts'
const COMMIT_WAKES: Patch = { file: DISPATCHER, from: '    if (count < wanted) this.#options.loop.wake()\n', to: '' }
const ARRIVAL_WAKES: Patch = {
  file: DISPATCHER,
  from: '      if (this.#waiting > 0) this.#options.loop.wake()\n',
  to: '',
}

describe('a planted defect that these tests find', () => {
  it('room that wakes no writer', async () => {
    const patches = [COMMIT_WAKES, ARRIVAL_WAKES]
    const { createCoordinatedQueue } = await loadPlanted<typeof coordinator>(patches, 'coordinator/src/index.ts')
    const world = createWorld()
    const store = withoutWatch(world.store)
    const { queue, startedAt, close } = await startWorkers(world, () => ({
      queue: createCoordinatedQueue<string>({ name: 'jobs', store, runtime: world.runtime() }),
    }))
    await enqueueAll(world, queue, 10_000)
    await world.pass(15_000)
    expect(spreadOf(startedAt)).toBeGreaterThan(MAX_SPREAD_MS)
    close()
  })
})
