import { create, type ObjectStore, UnknownOutcome } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createWorld, intercept, type World } from './support.ts'

const HOUR = 3_600_000
const LARGE = 'x'.repeat(2000)
const OPTIONS = { offloadAboveBytes: 1000, acknowledgeTimeoutMs: 60_000 }

async function payloadObjects(store: ObjectStore): Promise<string[]> {
  return (await store.list({ prefix: 's3queue/jobs/0/payloads/' })).entries.map(({ key }) => key)
}

/** Lets virtual time pass, an hour at a time. */
async function pass(world: World, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= HOUR) {
    await world.run(new Promise<void>((resolve) => world.clock.setTimer(Math.min(left, HOUR), resolve)))
  }
}

describe('payload objects that no message names', () => {
  it('are deleted once nobody can name them any more, and no others are', async () => {
    const world = createWorld()
    const queue = world.open(OPTIONS)
    const orphan = 's3queue/jobs/0/payloads/01ORPHAN'
    const kept = await world.run(queue.enqueue(LARGE, { delayMs: 90 * HOUR }))
    await world.run(world.store.put(orphan, new Uint8Array([1]), { condition: create }))
    await pass(world, 23 * HOUR)
    expect(await payloadObjects(world.store)).toContain(orphan)
    await pass(world, 30 * HOUR)
    await world.run(queue.enqueue('something happens'))
    await pass(world, HOUR)
    expect(await payloadObjects(world.store)).toHaveLength(1)
    expect(await world.run(queue.getPayload(kept.id))).toBe(LARGE)
    await world.run(queue.close())
  })

  it('are known to the next writer', async () => {
    const world = createWorld()
    const orphan = 's3queue/jobs/0/payloads/01ORPHAN'
    await world.run(world.store.put(orphan, new Uint8Array([1]), { condition: create }))
    for (let day = 0; day < 4; day++) {
      const queue = world.open(OPTIONS)
      await world.run(queue.enqueue('x'))
      await pass(world, 5 * HOUR)
      await world.run(queue.close())
      await pass(world, 8 * HOUR)
    }
    expect(await payloadObjects(world.store)).toEqual([])
  })

  it('a message that comes later than its payload may be is given up, not enqueued without one', async () => {
    const world = createWorld()
    const writer = world.open(OPTIONS)
    writer.process(() => {})
    await pass(world, 1000)
    let isCut = true
    const store = intercept(world.store, '/inbox/', {
      async put(key, body, options) {
        if (isCut) return { outcome: 'unknown', error: new UnknownOutcome('cut off (injected)', { key }) }
        return world.store.put(key, body, options)
      },
    })
    const producer = world.open({ ...OPTIONS, store })
    producer.on('trouble', () => {})
    await expect(world.run(producer.enqueue(LARGE))).rejects.toMatchObject({ code: 'NOT_ACKNOWLEDGED' })
    await pass(world, 13 * HOUR)
    isCut = false
    await pass(world, 60 * HOUR)
    expect(await world.run(writer.getStats())).toMatchObject({ total: 0 })
    expect(await payloadObjects(world.store)).toEqual([])
    await world.run(Promise.all([writer.close(), producer.close()]).then(() => {}))
  })
})
