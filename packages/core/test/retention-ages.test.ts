import { createFencedLog } from '@s3queue/primitives'
import { createIds, seededRandom } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { EventSkipped, MessageNotFound, type Queue } from '../src/index.ts'
import { encodeBatch } from '../src/state/batch-codec.ts'
import type { QueueEvent } from '../src/state/events.ts'
import { queueFold } from '../src/state/fold.ts'
import { createWorld, record, type World } from './support.ts'

const AGE_MS = 1000

/** A queue whose retention ends after a second, with one completed message and one dead letter, in which nothing happens any longer. */
async function withEnded(world: World): Promise<{ queue: Queue<string>; end(): Promise<void> }> {
  const { open, run } = world
  const queue = open<string>({ maxAttempts: 1, retention: { deadAgeMs: AGE_MS, completedAgeMs: AGE_MS } })
  for (const id of ['done', 'dead']) await run(queue.enqueue(id, { id, deduplicationWindowMs: 0 }))
  const worker = queue.process(({ id }) => {
    if (id === 'dead') throw new Error('no')
    return 'result'
  })
  await run(queue.drain())
  await run(worker.stop())
  return { queue, end: () => run(queue.close()) }
}

const REDRIVES: readonly [name: string, redrive: (queue: Queue<string>) => Promise<number>][] = [
  ['redrive()', (queue) => queue.redrive()],
  ['redrive(id)', (queue) => queue.redrive('dead')],
  ['redrive(function)', (queue) => queue.redrive(() => true)],
  ['redrive(ids)', (queue) => queue.redrive(['dead', 'done'])],
]

describe('a dead letter that expired while nothing was committed', () => {
  it.each(REDRIVES)('is not redriven by %s, and the queue opens again', async (_, redrive) => {
    const world = createWorld()
    const { queue, end } = await withEnded(world)
    await world.clock.advance(1200)
    expect(await world.run(redrive(queue))).toBe(0)
    await end()
    const next = world.open<string>()
    const troubles = record(next, 'trouble')
    const handled: string[] = []
    next.process(({ payload }) => void handled.push(payload))
    await world.run(next.enqueue('works'))
    await world.run(next.drain())
    expect(handled).toEqual(['works'])
    expect(await world.run(next.getStats())).toMatchObject({ dead: 0, waiting: 0, completed: 2 })
    expect(troubles).toEqual([])
    await world.run(next.close())
  })

  it.each(['the writer', 'another process'])('is redriven by %s just before its age is over', async (where) => {
    const world = createWorld()
    const { queue, end } = await withEnded(world)
    const other = world.open<string>()
    await world.clock.advance(500)
    expect(await world.run((where === 'the writer' ? queue : other).redrive('dead'))).toBe(1)
    expect(await world.run(other.get('dead'))).toMatchObject({ status: 'waiting', attempts: 0 })
    await world.run(other.close())
    await end()
  })

  it('lets its id be used again', async () => {
    const world = createWorld()
    const { queue, end } = await withEnded(world)
    await world.clock.advance(1200)
    expect(await world.run(queue.enqueue('new', { id: 'dead' }))).toEqual({ id: 'dead', duplicate: false })
    expect(await world.run(queue.get('dead'))).toMatchObject({ status: 'waiting' })
    await end()
  })
})

describe('what has ended longer ago than its age', () => {
  it.each(['the writer', 'another process'])(
    'is shown by no view in %s, also while nothing is committed',
    async (where) => {
      const world = createWorld()
      const { run } = world
      const { queue, end } = await withEnded(world)
      const other = world.open<string>()
      const reader = where === 'the writer' ? queue : other
      expect(await run(reader.get('done'))).toMatchObject({ status: 'completed', result: 'result' })
      expect(await run(reader.get('dead'))).toMatchObject({ status: 'dead' })
      expect(await run(reader.getPayload('dead'))).toBe('dead')
      expect(await run(reader.getStats())).toMatchObject({ dead: 1, completed: 1, total: 2 })
      await world.clock.advance(1200)
      expect(await run(reader.get('done'))).toBeUndefined()
      expect(await run(reader.get('dead'))).toBeUndefined()
      await expect(run(reader.getPayload('dead'))).rejects.toBeInstanceOf(MessageNotFound)
      await expect(run(reader.waitFor('done'))).rejects.toBeInstanceOf(MessageNotFound)
      for (const status of ['completed', 'dead'] as const)
        expect((await run(reader.list({ status }))).messages).toEqual([])
      expect(await run(reader.getStats())).toMatchObject({ dead: 0, completed: 1, total: 1 })
      await run(other.close())
      await end()
    },
  )

  it.each(['the writer', 'another process'])(
    'and a delayed message is shown as waiting once it is due, in %s',
    async (where) => {
      const world = createWorld()
      const queue = world.open<string>()
      await world.run(queue.enqueue('later', { id: 'later', delayMs: 1000 }))
      const other = world.open<string>()
      const reader = where === 'the writer' ? queue : other
      expect(await world.run(reader.get('later'))).toMatchObject({ status: 'delayed' })
      await world.clock.advance(1200)
      expect(await world.run(reader.get('later'))).toMatchObject({ status: 'waiting' })
      expect((await world.run(reader.list({ status: 'waiting' }))).messages).toMatchObject([{ id: 'later' }])
      for (const one of [other, queue]) await world.run(one.close())
    },
  )
})

describe('a log with events that do not fit', () => {
  /** Appends a commit as a defective version would have. */
  async function append({ clock, store, run }: World, events: readonly QueueEvent[]): Promise<number> {
    const random = seededRandom(99)
    const ids = createIds(clock, random)
    const log = createFencedLog({ store, prefix: 's3queue/jobs/0/', clock, random, ids, onTrouble: () => {} })
    const { writer } = await run(log.takeOver(queueFold, new AbortController().signal))
    return (await run(writer.append(encodeBatch(events, [])))).slot
  }

  const UNFIT: readonly QueueEvent[] = [
    { type: 'redriven', ids: ['gone', 'dead'] },
    { type: 'completed', tokens: [77], results: [[77, '1']] },
    { type: 'claimed', worker: 'w', token: 50, timeoutMs: 1000, runs: [1234, 2] },
    { type: 'extended', token: 78, timeoutMs: 1000 },
    { type: 'adopted', ranges: [80, 2] },
    { type: 'reported', token: 78, progress: '1' },
    { type: 'retried', token: 78, visibleAt: 0, name: 'E', message: 'm' },
    { type: 'snoozed', token: 78, visibleAt: 0 },
    { type: 'releasing', token: 78 },
    { type: 'released', tokens: [78], started: true },
    { type: 'expired', tokens: [78] },
    { type: 'died', token: 78, reason: 'rejected', name: 'E', message: 'm' },
    { type: 'cancelled', token: 78 },
    { type: 'withdrawn', run: 1234, offset: 0 },
  ]

  it('opens in every process: what does not fit is left out and reported once, what fits is applied', async () => {
    const world = createWorld()
    const { open, run } = world
    const { end } = await withEnded(world)
    await end()
    const slot = await append(world, UNFIT)
    const reader = open<string>()
    const random = seededRandom(7)
    const runtime = { clock: world.clock, random, ids: createIds(world.clock, random), snapshotAfterCommits: 1 }
    const queue = open<string>({ maxAttempts: 1, runtime })
    const troubles = record(queue, 'trouble')
    const told = record(reader, 'trouble')
    await run(reader.getStats())
    // Token 50 and 51 were used up by claims that do not fit.
    const tokens: number[] = []
    queue.process((_, { fencingToken }) => void tokens.push(fencingToken))
    await run(queue.enqueue('works'))
    await run(queue.drain())
    expect(tokens.every((token) => token > 51)).toBe(true)
    expect(await run(queue.getStats())).toEqual({ waiting: 0, delayed: 0, active: 0, completed: 3, dead: 0, total: 3 })
    expect(await run(reader.getStats())).toEqual(await run(queue.getStats()))
    for (const { event } of [...troubles.slice(0, 1), ...told.slice(0, 1)]) {
      expect(event.error).toBeInstanceOf(EventSkipped)
      expect(event.error).toMatchObject({ code: 'EVENT_SKIPPED', slot })
      expect(String(event.error)).toMatch(
        `Slot ${slot} of the log of queue "jobs" holds an event "redriven" that does not fit`,
      )
    }
    // One for each event, although two tokens of `adopted` do not fit.
    expect(troubles).toHaveLength(UNFIT.length)
    await run(queue.close())
    await run(reader.close())
    const next = open<string>()
    const silent = record(next, 'trouble')
    expect(await run(next.getStats())).toMatchObject({ completed: 3, total: 3 })
    // A snapshot represents the log up to there.
    expect(silent).toEqual([])
    await run(next.close())
  })

  it('is followed by a process that reads its events', async () => {
    const world = createWorld()
    const { end, queue } = await withEnded(world)
    const seen: string[] = []
    const follower = world.open<string>()
    const following = (async () => {
      for await (const { name } of follower.follow({ pollMs: 10 })) seen.push(name)
    })()
    await world.clock.advance(100)
    await world.run(queue.getStats())
    await end()
    await append(world, UNFIT)
    const next = world.open<string>()
    next.process(() => 'ok')
    await world.run(next.enqueue('x'))
    await world.run(next.drain())
    await world.clock.advance(20_000)
    expect(seen.filter((name) => name !== 'promoted').sort()).toEqual([
      ...['claimed', 'claimed', 'completed', 'completed', 'enqueued'],
    ])
    await world.run(follower.close())
    await following
    await world.run(next.close())
  })

  it('stops every process where the event is of an unknown type, as a newer version wrote it', async () => {
    const world = createWorld()
    const { end } = await withEnded(world)
    await end()
    await append(world, [{ type: 'invented' } as never])
    const queue = world.open<string>()
    await expect(world.run(queue.getStats())).rejects.toThrow(/unknown type "invented"/)
    await world.run(queue.close())
  })
})
