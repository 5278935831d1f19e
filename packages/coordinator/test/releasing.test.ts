import type { HandlerContext } from '@s3queue/core'
import type { ObjectStore } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld, linkTo, openStoppable, type Process, startInOrder, type World } from './support.ts'

const OPTIONS = { visibilityTimeoutMs: 6000, takeoverAfterMs: 5000 }

interface Start {
  readonly attempt: number
  readonly at: number
  /** Whether the handler of the attempt before was told to stop when this one started. */
  readonly isAlone: boolean
}

/** A handler that never ends at its first attempt, whatever it is told, and what was seen of it. */
function watched(world: World) {
  const starts: Start[] = []
  const signals: AbortSignal[] = []
  const handler = (_: unknown, { attempt, signal }: HandlerContext): unknown => {
    starts.push({ attempt, at: world.clock.monotonic(), isAlone: signals.every(({ aborted }) => aborted) })
    signals.push(signal)
    return starts.length > 1 ? 'again' : new Promise(() => {})
  }
  return { starts, signals, handler }
}

/** Fills the one handler of the writer's own worker, so that messages go to others. */
function keepBusy({ queue }: Process): void {
  queue.process((_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)), {
    concurrency: 1,
    maxPrefetch: 0,
  })
}

async function until(world: World, when: () => boolean): Promise<void> {
  while (!when()) await world.pass(20)
}

describe('a message of another process that is released', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7])('starts again only after the old handler was told to stop (try %i)', async (n) => {
    const world = createWorld()
    const [writer, remote, third] = [world.open(OPTIONS), world.open(OPTIONS), world.open(OPTIONS)]
    const { starts, handler } = watched(world)
    await startInOrder(world, [() => keepBusy(writer), () => remote.queue.process(handler, { concurrency: 1 })])
    await world.run(writer.queue.enqueue('keeps the writer busy'))
    const { id } = await world.run(writer.queue.enqueue('x'))
    await until(world, () => starts.length === 1)
    // Another process is ready to take it, and the worker looks into its mailbox at any moment.
    third.queue.process(handler, { concurrency: 4 })
    await world.pass(1500 + n * 250)
    const releasedAt = world.clock.monotonic()
    expect(await world.run(writer.queue.release(id))).toBe(true)
    expect(await world.run(writer.queue.waitFor(id))).toBe('again')
    expect(starts).toMatchObject([{ attempt: 1 }, { attempt: 2, isAlone: true }])
    // The worker confirms long before its claim would end.
    expect((starts[1]?.at ?? 0) - releasedAt).toBeLessThan(3500)
  })

  it('is shown as being released until its worker confirms, and a second release changes nothing', async () => {
    const world = createWorld()
    const [writer, remote] = [world.open(OPTIONS), world.open(OPTIONS)]
    const { starts, handler } = watched(world)
    const released: unknown[] = []
    writer.queue.on('released', ({ attempt }) => released.push(attempt))
    await startInOrder(world, [() => keepBusy(writer), () => remote.queue.process(handler, { concurrency: 1 })])
    await world.run(writer.queue.enqueue('keeps the writer busy'))
    const { id } = await world.run(writer.queue.enqueue('x', { maxAttempts: 1 }))
    await until(world, () => starts.length === 1)
    expect(await world.run(writer.queue.release(id))).toBe(true)
    expect(await world.run(writer.queue.get(id))).toMatchObject({ status: 'active', releasing: true })
    expect(await world.run(writer.queue.release(id))).toBe(true)
    expect(await world.run(remote.queue.release(id))).toBe(true)
    expect(released).toEqual([])
    expect(await world.run(writer.queue.waitFor(id))).toBe('again')
    // The operator's release does not count the last attempt.
    expect(starts).toMatchObject([{ attempt: 1 }, { attempt: 1, isAlone: true }])
    expect(released).toEqual([1])
  })

  it('can be cancelled while its worker has not confirmed', async () => {
    const world = createWorld()
    const [writer, remote] = [world.open(OPTIONS), world.open(OPTIONS)]
    const { starts, signals, handler } = watched(world)
    await startInOrder(world, [() => keepBusy(writer), () => remote.queue.process(handler, { concurrency: 1 })])
    await world.run(writer.queue.enqueue('keeps the writer busy'))
    const { id } = await world.run(writer.queue.enqueue('x'))
    await until(world, () => starts.length === 1)
    expect(await world.run(writer.queue.release(id))).toBe(true)
    expect(await world.run(writer.queue.cancel(id))).toBe(true)
    expect(await world.run(writer.queue.get(id))).toBeUndefined()
    await world.pass(10_000)
    expect(signals[0]?.aborted).toBe(true)
    expect(starts).toHaveLength(1)
  })

  it('is completed if its handler ends before it hears of the release', async () => {
    const world = createWorld()
    const [writer, remote] = [world.open(OPTIONS), world.open(OPTIONS)]
    let end = (): void => {}
    let attempts = 0
    const handler = async (): Promise<string> => {
      attempts++
      await new Promise<void>((resolve) => {
        end = resolve
      })
      return 'in time'
    }
    await startInOrder(world, [() => keepBusy(writer), () => remote.queue.process(handler, { concurrency: 1 })])
    await world.run(writer.queue.enqueue('keeps the writer busy'))
    const { id } = await world.run(writer.queue.enqueue('x'))
    await until(world, () => attempts === 1)
    expect(await world.run(writer.queue.release(id))).toBe(true)
    end()
    expect(await world.run(writer.queue.waitFor(id))).toBe('in time')
    await world.pass(10_000)
    expect(attempts).toBe(1)
  })

  it('starts again after the time of its claim if its worker is dead', async () => {
    const world = createWorld()
    const writer = world.open(OPTIONS)
    const remote = openStoppable(world, OPTIONS)
    const { starts, handler } = watched(world)
    await startInOrder(world, [() => keepBusy(writer), () => remote.queue.process(handler, { concurrency: 1 })])
    await world.run(writer.queue.enqueue('keeps the writer busy'))
    const { id } = await world.run(writer.queue.enqueue('x', { maxAttempts: 1 }))
    await until(world, () => starts.length === 1)
    await world.pass(1000)
    remote.stop()
    const releasedAt = world.clock.monotonic()
    expect(await world.run(writer.queue.release(id))).toBe(true)
    const third = world.open(OPTIONS)
    third.queue.process(handler, { concurrency: 1 })
    await until(world, () => starts.length === 2)
    // The last extension may have come a moment before; a claim lasts six seconds from there.
    expect((starts[1]?.at ?? 0) - releasedAt).toBeGreaterThan(3000)
    expect((starts[1]?.at ?? 0) - releasedAt).toBeLessThan(OPTIONS.visibilityTimeoutMs + 2500)
    expect(starts[1]?.attempt).toBe(1)
    expect(await world.run(writer.queue.waitFor(id))).toBe('again')
  })

  it('gets no more time from the writer, also if its worker asks for it', async () => {
    const world = createWorld()
    const mailbox = hanging(world.store, (key) => key.includes('/mailboxes/'))
    const [writer, remote, third] = [world.open(OPTIONS), world.open(OPTIONS, {}, mailbox.store), world.open(OPTIONS)]
    const { starts, handler } = watched(world)
    await startInOrder(world, [() => keepBusy(writer), () => remote.queue.process(handler, { concurrency: 1 })])
    await world.run(writer.queue.enqueue('keeps the writer busy'))
    const { id } = await world.run(writer.queue.enqueue('x'))
    await until(world, () => starts.length === 1)
    third.queue.process(handler, { concurrency: 1 })
    // Between two of the extensions that come every two seconds.
    await world.pass(4500)
    mailbox.hang()
    const releasedAt = world.clock.monotonic()
    expect(await world.run(writer.queue.release(id))).toBe(true)
    await until(world, () => starts.length === 2)
    expect(starts[1]).toMatchObject({ attempt: 2, isAlone: true })
    expect((starts[1]?.at ?? 0) - releasedAt).toBeLessThan(6500)
  })

  it.each(['its own process', 'a third process'])(
    'starts again only after the old handler was told to stop, though the writer dies first and %s writes next',
    async (next) => {
      const world = createWorld()
      const link = linkTo(world.store)
      const posts = hanging(link.store, (key) => key.includes('/mailboxes/'))
      const lease = hanging(world.store, (key) => key.endsWith('/writer'))
      const writer = world.open(OPTIONS, {}, posts.store)
      const remote = world.open(OPTIONS, {}, lease.store)
      const { starts, handler } = watched(world)
      await startInOrder(world, [() => keepBusy(writer), () => remote.queue.process(handler, { concurrency: 1 })])
      await world.run(writer.queue.enqueue('keeps the writer busy'))
      const { id } = await world.run(writer.queue.enqueue('x'))
      await until(world, () => starts.length === 1)
      if (next === 'a third process') {
        lease.hang()
        world.open(OPTIONS).queue.process(handler, { concurrency: 1 })
        await world.pass(1000)
      }
      posts.hang()
      const releasedAt = world.clock.monotonic()
      expect(await world.run(writer.queue.release(id))).toBe(true)
      link.cut()
      await until(world, () => starts.length === 2)
      expect(starts[1]).toMatchObject({ attempt: 2, isAlone: true })
      // The next writer tells the worker again, so the claim does not take its full time once more.
      expect((starts[1]?.at ?? 0) - releasedAt).toBeLessThan(OPTIONS.takeoverAfterMs + 4500)
      expect(remote.transport.isCoordinator).toBe(next === 'its own process')
    },
  )
})

/** A store in which requests for some keys get no answer from the moment the test says so. */
function hanging(store: ObjectStore, concerns: (key: string) => boolean): { store: ObjectStore; hang(): void } {
  let isHanging = false
  const through = <T>(key: string, request: () => Promise<T>): Promise<T> =>
    isHanging && concerns(key) ? new Promise(() => {}) : request()
  return {
    store: {
      description: store.description,
      get: (key, options) => through(key, () => store.get(key, options)),
      put: (key, body, options) => through(key, () => store.put(key, body, options)),
      delete: (keys, options) => store.delete(keys, options),
      list: (options) => store.list(options),
    },
    hang() {
      isHanging = true
    },
  }
}
