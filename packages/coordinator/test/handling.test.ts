import { complete, deadLetter, type HandlerContext, retry, snooze } from '@s3queue/core'
import { sleep } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld, type Process, startInOrder, type World } from './support.ts'

const SHORT = { visibilityTimeoutMs: 3000 }

/** A writer whose own worker is busy for good, and a worker elsewhere that gets everything. */
async function withRemote(
  world: World,
  handler: Parameters<Process['queue']['process']>[0],
  options: Parameters<World['open']>[0] = SHORT,
): Promise<{ writer: Process; remote: Process }> {
  const writer = world.open(options)
  const remote = world.open(options)
  await startInOrder(world, [
    () =>
      writer.queue.process((_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)), {
        concurrency: 1,
        maxPrefetch: 0,
      }),
    () => remote.queue.process(handler, { concurrency: 4 }),
  ])
  expect([writer.transport.isCoordinator, remote.transport.isCoordinator]).toEqual([true, false])
  await world.run(writer.queue.enqueue('keeps the writer busy'))
  await world.pass(50)
  return { writer, remote }
}

describe('a worker of another process', () => {
  it('says how its attempts ended in every way there is', async () => {
    const world = createWorld()
    const outcomes: Record<string, unknown> = {
      result: complete({ answer: 42 }),
      value: 'as it is',
      dead: deadLetter('no good'),
    }
    const tries = new Map<string, number>()
    const { writer, remote } = await withRemote(world, async ({ payload }, context) => {
      const name = String(payload)
      tries.set(name, (tries.get(name) ?? 0) + 1)
      if (name === 'throws') throw new TypeError('broken')
      if (name === 'retries' && context.attempt === 1) return retry({ afterMs: 100 })
      if (name === 'snoozes' && tries.get(name) === 1) return snooze(200)
      return outcomes[name]
    })
    const told: string[] = []
    for (const name of ['completed', 'retried', 'died', 'snoozed'] as const) {
      remote.queue.on(name, (event) => told.push(`${name} ${'attempt' in event ? event.attempt : ''}`))
    }
    const names = ['result', 'value', 'dead', 'throws', 'retries', 'snoozes']
    const sent = await world.run(writer.queue.enqueueMany(names, { backoff: { baseMs: 50 }, maxAttempts: 2 }))
    await world.pass(8000)
    const infos = await Promise.all(sent.map(({ id }) => world.run(writer.queue.get(id))))
    expect(infos.map((info) => info?.status)).toEqual([
      'completed',
      'completed',
      'dead',
      'dead',
      'completed',
      'completed',
    ])
    expect([infos[0]?.result, infos[1]?.result]).toEqual([{ answer: 42 }, 'as it is'])
    expect(infos[3]?.failures?.map(({ name, message }) => `${name}: ${message}`)).toEqual([
      'TypeError: broken',
      'TypeError: broken',
    ])
    expect(told.sort()).toEqual(
      [
        'completed 1',
        'completed 1',
        'completed 1',
        'completed 2',
        'died 1',
        'died 2',
        'retried 1',
        'retried 1',
        'snoozed 1',
      ].sort(),
    )
  })

  it('keeps a message for as long as its handler runs, and no other worker gets it', async () => {
    const world = createWorld()
    let handlers = 0
    let aborted = false
    const { writer } = await withRemote(world, async (_, { signal }) => {
      handlers++
      await sleep(world.clock, 20_000)
      aborted = signal.aborted
    })
    const { id } = await world.run(writer.queue.enqueue('long'))
    await world.pass(25_000)
    expect(await world.run(writer.queue.get(id))).toMatchObject({ status: 'completed', attempts: 1 })
    expect([handlers, aborted]).toEqual([1, false])
  })

  it('C102 a handler that outlives its claim is told to stop, and what it says is refused', async () => {
    const world = createWorld()
    const writer = world.open(SHORT)
    const remote = world.open(SHORT)
    const started: HandlerContext[] = []
    const handler = async (_: unknown, context: HandlerContext): Promise<string> => {
      started.push(context)
      await sleep(world.clock, started.length === 1 ? 10_000 : 10)
      return `attempt ${context.attempt}`
    }
    await startInOrder(world, [
      () => writer.queue.process(handler, { autoExtend: false, concurrency: 1, maxPrefetch: 0 }),
      () => remote.queue.process(handler, { autoExtend: false, concurrency: 1, maxPrefetch: 0 }),
    ])
    const refused: number[] = []
    for (const { queue } of [writer, remote]) queue.on('refused', ({ attempt }) => refused.push(attempt))
    const { id } = await world.run(writer.queue.enqueue('slow once'))
    await world.pass(20_000)
    expect(started[0]?.signal.aborted).toBe(true)
    expect(await world.run(writer.queue.get(id))).toMatchObject({ status: 'completed', result: 'attempt 2' })
    expect(refused).toEqual([1])
  })

  it('extends a claim of its own accord, also beyond a change of writer', async () => {
    const world = createWorld()
    let deadline = 0
    const { writer, remote } = await withRemote(world, async (_, context) => {
      deadline = await context.extend(60_000)
      await sleep(world.clock, 30_000)
    })
    const { id } = await world.run(writer.queue.enqueue('asks for time'))
    await world.pass(3000)
    expect(deadline).toBeGreaterThan(world.clock.now() + 55_000)
    await world.run(writer.queue.close())
    await world.pass(60_000)
    expect(await world.run(remote.queue.get(id))).toMatchObject({ status: 'completed', attempts: 1 })
  })

  it('reports progress and lines for the log', async () => {
    const world = createWorld()
    const { writer } = await withRemote(world, async (_, context) => {
      context.progress({ percent: 50 })
      context.log('half way')
      await sleep(world.clock, 5000)
    })
    const { id } = await world.run(writer.queue.enqueue('reports'))
    await world.pass(3000)
    expect(await world.run(writer.queue.get(id))).toMatchObject({ progress: { percent: 50 }, log: ['half way'] })
  })

  it('reports what it says just before it is done', async () => {
    const world = createWorld()
    const { writer } = await withRemote(world, (_, context) => {
      context.progress({ percent: 100 })
      context.log('all of it')
    })
    const { id } = await world.run(writer.queue.enqueue('reports'))
    await world.run(writer.queue.waitFor(id))
    expect(await world.run(writer.queue.get(id))).toMatchObject({ progress: { percent: 100 }, log: ['all of it'] })
  })

  it('stops working on a message that is cancelled or released', async () => {
    const world = createWorld()
    const reasons: string[] = []
    const { writer } = await withRemote(world, async (_, { signal, attempt }) => {
      if (attempt > 1) return
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      reasons.push((signal.reason as Error).name)
    })
    const [first, second] = await world.run(writer.queue.enqueueMany(['a', 'b']))
    await world.pass(1000)
    expect(await world.run(writer.queue.cancel(first?.id ?? ''))).toBe(true)
    expect(await world.run(writer.queue.release(second?.id ?? ''))).toBe(true)
    await world.pass(5000)
    expect(reasons.sort()).toEqual(['Cancelled', 'Released'])
    expect(await world.run(writer.queue.get(first?.id ?? ''))).toBeUndefined()
    expect(await world.run(writer.queue.get(second?.id ?? ''))).toMatchObject({ status: 'completed', attempts: 2 })
  })

  it('gets bytes, and payloads that lie in objects of their own', async () => {
    const world = createWorld()
    const got: unknown[] = []
    const { writer } = await withRemote(world, ({ payload }) => got.push(payload), { ...SHORT, offloadAboveBytes: 100 })
    const bytes = new Uint8Array([0, 1, 254, 255])
    const large = 'x'.repeat(5000)
    await world.run(writer.queue.enqueueMany([bytes, large, 'small']))
    await world.pass(3000)
    expect(got.map((payload) => (payload instanceof Uint8Array ? [...payload] : payload))).toEqual(
      expect.arrayContaining([[0, 1, 254, 255], large, 'small']),
    )
  })

  it('reads a large payload from the commit it lies in', async () => {
    const world = createWorld()
    const got: unknown[] = []
    const { writer } = await withRemote(world, ({ payload }) => got.push(payload))
    const large = 'y'.repeat(100_000)
    await world.run(writer.queue.enqueueMany(['small', large, 'last']))
    await world.pass(3000)
    expect(got).toEqual(expect.arrayContaining(['small', large, 'last']))
  })

  it('C108 that stops gives back at once what it has not started', async () => {
    const world = createWorld()
    const { writer, remote } = await withRemote(world, () => sleep(world.clock, 500))
    const others: unknown[] = []
    const third = world.open(SHORT)
    await world.run(writer.queue.enqueueMany(Array.from({ length: 40 }, (_, i) => i)))
    await world.pass(1200)
    third.queue.process(({ payload }) => others.push(payload), { concurrency: 50 })
    const stoppedAt = world.clock.monotonic()
    await world.run(remote.queue.close())
    while ((await world.run(writer.queue.getStats())).completed < 40) await world.pass(100)
    expect(world.clock.monotonic() - stoppedAt).toBeLessThan(2500)
    expect(others.length).toBeGreaterThan(20)
  })
})
