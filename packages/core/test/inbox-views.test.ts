import { describe, expect, it } from 'vitest'
import { type MessageStatus, NotAcknowledged, type Queue } from '../src/index.ts'
import { createWorld, intercept, mortalStore, type World } from './support.ts'

const HOUR_MS = 3_600_000

/** A writer that does nothing any more, so that what others enqueue stays in the inbox. */
async function withDeadWriter(world: World): Promise<void> {
  const mortal = mortalStore(world.store)
  const writer = world.open({ store: mortal.store, takeoverAfterMs: HOUR_MS })
  await world.run(writer.enqueue('in the log', { id: 'in the log' }))
  mortal.die()
}

async function listAll(world: World, queue: Queue<unknown>, status: MessageStatus, limit = 3): Promise<string[]> {
  const ids: string[] = []
  let after: string | undefined
  do {
    const page = await world.run(queue.list({ status, limit, after }))
    expect(page.messages.every((message) => message.status === status)).toBe(true)
    ids.push(...page.messages.map(({ id }) => id))
    after = page.next
  } while (after !== undefined)
  return ids
}

describe('a message that is acknowledged and still in the inbox', () => {
  it('is found by its id, with its payload, without waiting for a writer', async () => {
    const world = createWorld()
    await withDeadWriter(world)
    const [sender, reader] = [world.open({ offloadAboveBytes: 100 }), world.open()]
    const payloads = ['text', { an: 'object' }, new Uint8Array([0, 1, 255]), 'large'.repeat(100)]
    const sent = await world.run(
      sender.enqueueMany(payloads, (_, i) => (i === 1 ? { priority: 7, delayMs: 5000 } : {})),
    )
    const before = world.clock.monotonic()
    for (const queue of [sender, reader]) {
      for (const [i, { id }] of sent.entries()) {
        const status = i === 1 ? 'delayed' : 'waiting'
        expect(await world.run(queue.get(id))).toMatchObject({ id, status, attempts: 0, priority: i === 1 ? 7 : 0 })
        expect(await world.run(queue.getPayload(id))).toEqual(payloads[i])
      }
      expect((await world.run(queue.get(sent[1]?.id ?? '')))?.visibleAt).toBeGreaterThan(world.clock.now())
      expect(await world.run(queue.get('nobody'))).toBeUndefined()
      await expect(world.run(queue.getPayload('nobody'))).rejects.toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
    }
    expect(world.clock.monotonic() - before).toBeLessThan(100)
  })

  it('is listed and counted alike at all times, page by page, delayed ones until they are due', async () => {
    const world = createWorld()
    await withDeadWriter(world)
    const [sender, reader] = [world.open(), world.open()]
    const ids = (sent: readonly { readonly id: string }[]): string[] => sent.map(({ id }) => id)
    const first = ids(await world.run(sender.enqueueMany([1, 2, 3, 4, 5])))
    const urgent = ids(await world.run(reader.enqueueMany([6, 7], { priority: 1 })))
    const later = ids(await world.run(sender.enqueueMany([8, 9], { delayMs: 3000 })))
    await world.run(reader.enqueue(10, { id: 'named', deduplicationKey: 'key', confirm: false }))
    await world.run(sender.enqueue(11, { id: 'named' }))
    await world.run(sender.enqueue(12, { deduplicationKey: 'key', confirm: false }))
    for (const waitMs of [0, 2900, 200]) {
      await world.clock.advance(waitMs)
      for (const queue of [sender, reader]) {
        const [waiting, delayed] = [await listAll(world, queue, 'waiting'), await listAll(world, queue, 'delayed')]
        const stats = await world.run(queue.getStats())
        expect({ waiting: waiting.length, delayed: delayed.length }).toEqual({
          waiting: stats.waiting,
          delayed: stats.delayed,
        })
        expect(stats.total).toBe(11)
        const due = waitMs === 200 ? later : []
        expect(waiting.slice(0, 3)).toEqual([...urgent, 'in the log'])
        expect(waiting.filter((id) => first.includes(id))).toEqual(first)
        expect(waiting.slice(3).toSorted()).toEqual([...first, 'named', ...due].toSorted())
        expect(delayed).toEqual(waitMs === 200 ? [] : later)
      }
    }
  })

  it('is meant by its id, though an ended message had the same', async () => {
    const world = createWorld()
    const mortal = mortalStore(world.store)
    const writer = world.open({ store: mortal.store, takeoverAfterMs: HOUR_MS, deduplicationWindowMs: 0 })
    writer.process(() => 'first')
    await world.run(writer.enqueue('old', { id: 'a' }))
    expect(await world.run(writer.waitFor('a'))).toBe('first')
    mortal.die()
    const other = world.open({ deduplicationWindowMs: 0 })
    await world.clock.advance(10)
    await world.run(other.enqueue('new', { id: 'a' }))
    expect(await world.run(other.get('a'))).toMatchObject({ status: 'waiting', attempts: 0 })
    expect(await world.run(other.getPayload('a'))).toBe('new')
  })

  it('is found by a process that looks while the writer takes it out', async () => {
    const world = createWorld()
    const writer = world.open()
    await world.run(writer.enqueue('first'))
    const sender = world.open()
    for (const ask of ['get', 'getPayload', 'list'] as const) {
      const { id } = await world.run(sender.enqueue('moves'))
      let looks = 0
      const list: World['store']['list'] = async (options) => {
        looks++
        // The first takes it out, the second deletes it.
        for (let i = 0; i < 2; i++) await writer.getStats()
        return world.store.list(options)
      }
      const reader = world.open({ store: intercept(world.store, '/inbox/', { list }) })
      if (ask === 'get') expect(await world.run(reader.get(id))).toMatchObject({ id, status: 'waiting' })
      else if (ask === 'getPayload') expect(await world.run(reader.getPayload(id))).toBe('moves')
      else expect(await listAll(world, reader, 'waiting', 1000)).toContain(id)
      expect(looks).toBeGreaterThan(0)
    }
  })

  it.each(['get', 'getPayload', 'list'] as const)('is not called missing by %s in an outage', async (ask) => {
    const world = createWorld()
    await withDeadWriter(world)
    const mortal = mortalStore(world.store)
    const queue = world.open({ store: mortal.store, acknowledgeTimeoutMs: 5000 })
    const { id } = await world.run(queue.enqueue('x'))
    mortal.die()
    const asked = ask === 'list' ? queue.list({ status: 'waiting' }) : queue[ask](id)
    await expect(world.run(asked)).rejects.toThrow(NotAcknowledged)
  })
})
