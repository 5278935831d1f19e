import { describe, expect, it } from 'vitest'
import { deadLetter, type Queue } from '../src/index.ts'
import { createWorld, type World } from './support.ts'

/** A queue whose message, with this id or key, went to the dead letters. */
async function withDead(options: { id: string } | { deduplicationKey: string }): Promise<{
  readonly world: World
  readonly writer: Queue<string>
  readonly dead: string
}> {
  const world = createWorld()
  const writer = world.open<string>()
  const { id: dead } = await world.run(writer.enqueue('bad', options))
  await world.run(writer.processNext(() => deadLetter('bad')))
  return { world, writer, dead }
}

const NAMES = [{ id: 'order-1' }, { deduplicationKey: 'order-1' }] as const

describe('an enqueue whose id or key a dead letter has', () => {
  it.each(NAMES)('says that it met a dead letter, and enqueues nothing: %o', async (name) => {
    const { world, writer, dead } = await withDead(name)
    const enqueued = await world.run(writer.enqueue('good', name))
    expect(enqueued).toEqual({ id: dead, duplicate: true, status: 'dead' })
    expect(await world.run(writer.getStats())).toMatchObject({ waiting: 0, dead: 1 })
  })

  it.each(NAMES)('replaces it with onDead: "replace": %o', async (name) => {
    const { world, writer } = await withDead(name)
    const enqueued = await world.run(writer.enqueue('good', { ...name, onDead: 'replace' }))
    expect(enqueued).toMatchObject({ duplicate: false })
    expect(await world.run(writer.getStats())).toMatchObject({ waiting: 1, dead: 0, total: 1 })
    expect(await world.run(writer.get(enqueued.id))).toMatchObject({ status: 'waiting', failures: [] })
    const handled: string[] = []
    await world.run(writer.processNext(({ payload }) => void handled.push(payload)))
    expect(handled).toEqual(['good'])
  })

  it('replaces nothing that is alive', async () => {
    const { open, run } = createWorld()
    const writer = open<string>()
    await run(writer.enqueue('first', { id: 'x' }))
    expect(await run(writer.enqueue('second', { id: 'x', onDead: 'replace' }))).toEqual({ id: 'x', duplicate: true })
    expect(await run(writer.getPayload('x'))).toBe('first')
  })

  it('is replaced from another process too, where it is seen at the moment at which its call resolves', async () => {
    const { world } = await withDead({ id: 'order-1' })
    const other = world.open<string>()
    await world.run(other.enqueue('good', { id: 'order-1', onDead: 'replace' }))
    expect(await world.run(other.get('order-1'))).toMatchObject({ status: 'waiting' })
    expect(await world.run(world.open<string>().getPayload('order-1'))).toBe('good')
  })

  it.each([
    [{ onDead: 'replace' as const }, /"onDead" means nothing without an id/],
    [{ confirm: true }, /"confirm" means nothing without an id/],
    [{ id: 'x', onDead: 'drop' as 'keep' }, /"onDead" must be "keep" or "replace"/],
  ])('refuses %o', async (options, message) => {
    const { open, run } = createWorld()
    await expect(run(open<string>().enqueue('a', options))).rejects.toThrow(message)
  })
})

describe('a duplicate that another process enqueues', () => {
  it('resolves to the id of the known message, by its deduplication key', async () => {
    const { open, run } = createWorld()
    const writer = open<string>()
    const { id } = await run(writer.enqueue('first', { deduplicationKey: 'k' }))
    const other = open<string>()
    expect(await run(other.enqueue('second', { deduplicationKey: 'k' }))).toEqual({ id, duplicate: true })
    expect(await run(other.enqueue('second', { id: 'mine', deduplicationKey: 'k' }))).toEqual({ id, duplicate: true })
    const fresh = await run(other.enqueue('third', { deduplicationKey: 'l' }))
    expect(fresh).toMatchObject({ duplicate: false })
    expect(await run(writer.get(fresh.id))).toMatchObject({ status: 'waiting' })
    expect(await run(writer.getStats())).toMatchObject({ total: 2 })
  })

  it('is reported for an id with confirm: true, and says whether it is a dead letter', async () => {
    const { world, writer } = await withDead({ id: 'order-1' })
    await world.run(writer.enqueue('alive', { id: 'order-2' }))
    const other = world.open<string>()
    const enqueue = (id: string) => world.run(other.enqueue('again', { id, confirm: true }))
    expect(await enqueue('order-1')).toEqual({ id: 'order-1', duplicate: true, status: 'dead' })
    expect(await enqueue('order-2')).toEqual({ id: 'order-2', duplicate: true })
    expect(await enqueue('order-3')).toEqual({ id: 'order-3', duplicate: false })
  })

  it.each([{ id: 'x' }, { deduplicationKey: 'x', confirm: false }])('is not waited for: %o', async (options) => {
    const { open, run, clock } = createWorld()
    const writer = open<string>()
    await run(writer.enqueue('first', options))
    const other = open<string>()
    await run(other.getStats())
    const startedAt = clock.monotonic()
    const enqueued = await run(other.enqueue('second', options))
    expect(enqueued.duplicate).toBeUndefined()
    expect(clock.monotonic() - startedAt).toBeLessThan(20)
  })

  it('resolves without saying so if no process writes for ten seconds, as the message is durable', async () => {
    const { open, run, clock, store } = createWorld()
    const writer = open<string>({ takeoverAfterMs: 60_000 })
    await run(writer.enqueue('first', { deduplicationKey: 'k' }))
    const other = open<string>({ takeoverAfterMs: 60_000 })
    await run(other.getStats())
    const readable = store.get
    store.get = (key, options) => (key.includes('/log/') ? new Promise(() => {}) : readable(key, options))
    const startedAt = clock.monotonic()
    const enqueued = await run(other.enqueue('second', { deduplicationKey: 'k' }))
    expect(enqueued.duplicate).toBeUndefined()
    expect(clock.monotonic() - startedAt).toBeGreaterThanOrEqual(10_000)
    expect(clock.monotonic() - startedAt).toBeLessThan(12_000)
  })
})
