import { create, type ObjectStore, sleep, UnknownOutcome } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import type { Queue } from '../src/index.ts'
import { createWorld, intercept, record, type World } from './support.ts'

const HOUR = 3_600_000
const LARGE = 'x'.repeat(2000)
const OPTIONS = { offloadAboveBytes: 1000, acknowledgeTimeoutMs: 60_000 }
const ORPHAN = 's3queue/jobs/0/payloads/01ARZ3NDEKTSV4RRFFQ0RPHAN0'
/** Two looks, with a night in between. */
const SWEPT_AFTER = 50 * HOUR

async function payloadObjects(store: ObjectStore): Promise<string[]> {
  return (await store.list({ prefix: 's3queue/jobs/0/payloads/' })).entries.map(({ key }) => key)
}

async function leaveOrphan({ run, store }: World, key = ORPHAN): Promise<void> {
  await run(store.put(key, new Uint8Array([1]), { condition: create }))
}

/** Lets virtual time pass, an hour at a time. */
async function pass({ clock, run }: World, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= HOUR) {
    await run(new Promise<void>((resolve) => clock.setTimer(Math.min(left, HOUR), resolve)))
  }
}

/** Objects are deleted after a commit. */
async function commit(world: World, queue: Queue<unknown>): Promise<void> {
  await world.run(queue.enqueue('something happens'))
  await pass(world, 5000)
}

async function openWriter(world: World, store: ObjectStore = world.store): Promise<Queue<unknown>> {
  const writer = world.open({ ...OPTIONS, store })
  writer.process(() => {})
  await pass(world, 1000)
  return writer
}

interface Post {
  readonly store: ObjectStore
  /** What happens to what is put into the inbox. */
  way: 'open' | 'cut' | 'held' | 'answers are held'
  release(): void
}

/** The store as a producer sees it that is not the writer. */
function postTo(world: World): Post {
  const held = Promise.withResolvers<void>()
  const post: Post = {
    way: 'open',
    release: held.resolve,
    store: interceptWatched(world.store, '/inbox/', {
      async put(key, body, options) {
        if (post.way === 'cut') return { outcome: 'unknown', error: new UnknownOutcome('cut off (injected)', { key }) }
        if (post.way === 'held') await held.promise
        const answer = await world.store.put(key, body, options)
        if (post.way === 'answers are held') await held.promise
        return answer
      },
    }),
  }
  return post
}

/** Waits for nothing: what becomes of a call that is not to be answered soon. */
function fateOf(call: Promise<unknown>): { of: string } {
  const fate = { of: 'pending' }
  call.then(
    () => {
      fate.of = 'acknowledged'
    },
    (error: { code?: string }) => {
      fate.of = String(error.code)
    },
  )
  return fate
}

/** Days pass here: a store that notifies is not polled each second. */
function interceptWatched(...[store, part, on]: Parameters<typeof intercept>): ObjectStore {
  return { ...intercept(store, part, on), watch: store.watch }
}

describe('payload objects that no message names', () => {
  it('are deleted once nobody can name them any more, and no others are', async () => {
    const world = createWorld()
    const queue = world.open(OPTIONS)
    const kept = await world.run(queue.enqueue(LARGE, { delayMs: 90 * HOUR }))
    await leaveOrphan(world)
    await pass(world, 48 * HOUR)
    expect(await payloadObjects(world.store)).toContain(ORPHAN)
    await pass(world, 2 * HOUR)
    await commit(world, queue)
    expect(await payloadObjects(world.store)).toHaveLength(1)
    expect(await world.run(queue.getPayload(kept.id))).toBe(LARGE)
    await world.run(queue.close())
  })

  it('are found among thousands, page by page', async () => {
    const world = createWorld()
    const queue = world.open(OPTIONS)
    await world.run(queue.enqueueMany(Array.from({ length: 1500 }, () => LARGE)))
    for (let n = 0; n < 1500; n++)
      await leaveOrphan(world, `s3queue/jobs/0/payloads/01ARZ3NDEK0RPHAN${String(n).padStart(10, '0')}`)
    await pass(world, SWEPT_AFTER)
    for (let round = 0; round < 3; round++) await commit(world, queue)
    const left = [...world.store.snapshot().keys()].filter((key) => key.includes('/payloads/'))
    expect(left).toHaveLength(1500)
    expect(left.filter((key) => key.includes('0RPHAN'))).toEqual([])
    await world.run(queue.close())
  })

  it('stay if they have names that the queue does not give', async () => {
    const world = createWorld()
    const queue = world.open(OPTIONS)
    await world.run(queue.enqueue('something'))
    const strange = ['notes', '01ARZ3NDEKTSV4RRFFQ69G5FA', '01ARZ3NDEK/01ARZ3NDEKTSV4RRFFQ69G5FAV']
    for (const name of strange) await leaveOrphan(world, `s3queue/jobs/0/payloads/${name}`)
    await pass(world, SWEPT_AFTER)
    for (let round = 0; round < 3; round++) await commit(world, queue)
    expect(await payloadObjects(world.store)).toHaveLength(strange.length)
    await world.run(queue.close())
  })

  it('go also where no process stays for longer than seconds', async () => {
    const world = createWorld()
    await leaveOrphan(world)
    for (let visit = 0; visit < 10; visit++) {
      const queue = world.open(OPTIONS)
      await commit(world, queue)
      await world.run(queue.close())
      await pass(world, 7 * HOUR)
    }
    expect(await payloadObjects(world.store)).toEqual([])
  })

  it('stay as long as something in the inbox cannot be read', async () => {
    const world = createWorld()
    const writer = await openWriter(world)
    const troubles = record(writer, 'trouble')
    const broken = 's3queue/jobs/0/inbox/01BROKEN-someone'
    await leaveOrphan(world)
    await world.run(world.store.put(broken, new Uint8Array([1]), { condition: create }))
    await pass(world, 80 * HOUR)
    expect(troubles).toHaveLength(1)
    expect(await payloadObjects(world.store)).toEqual([ORPHAN])
    await world.run(world.store.delete([broken]))
    await pass(world, 25 * HOUR)
    await commit(world, writer)
    expect(await payloadObjects(world.store)).toEqual([])
    await world.run(writer.close())
  })
})

describe('a message that names its payload object late', () => {
  it('keeps it if it was acknowledged, though nobody takes it out of the inbox for days', async () => {
    const world = createWorld()
    let isGone = false
    const never = new Promise<never>(() => {})
    const writer = await openWriter(
      world,
      interceptWatched(world.store, '', {
        get: (key, options) => (isGone ? never : world.store.get(key, options)),
        put: (key, body, options) => (isGone ? never : world.store.put(key, body, options)),
        list: (options) => (isGone ? never : world.store.list(options)),
      }),
    )
    await commit(world, writer)
    const post = postTo(world)
    post.way = 'held'
    const producer = world.open({ ...OPTIONS, acknowledgeTimeoutMs: HOUR, store: post.store })
    await pass(world, 24 * HOUR)
    const call = producer.enqueue(LARGE)
    // The writer notes the object, and dies before the message comes.
    await pass(world, HOUR / 2)
    isGone = true
    post.release()
    const { id } = await world.run(call)
    await world.run(producer.close())
    await pass(world, 70 * HOUR)

    // It looks for such objects while it does not know the inbox yet.
    let isFirst = true
    const slow = interceptWatched(world.store, '/inbox/', {
      async list(options) {
        if (isFirst) await sleep(world.clock, 60_000)
        isFirst = false
        return world.store.list(options)
      },
    })
    const next = world.open({ ...OPTIONS, store: slow })
    for (let day = 0; day < 3; day++) {
      await commit(world, next)
      await pass(world, 24 * HOUR)
    }
    expect(await world.run(next.getPayload(id))).toBe(LARGE)
    await world.run(next.close())
  })

  it('keeps it from a writer that was replaced and does not know yet', async () => {
    const world = createWorld()
    const [goesOn, writesAgain] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let isStopped = false
    const stopped = async <T>(request: () => Promise<T>): Promise<T> => {
      if (isStopped) await goesOn.promise
      return request()
    }
    const stalled = await openWriter(
      world,
      interceptWatched(world.store, '', {
        get: (key, options) => stopped(() => world.store.get(key, options)),
        list: (options) => stopped(() => world.store.list(options)),
        async put(key, body, options) {
          if (isStopped) await writesAgain.promise
          return world.store.put(key, body, options)
        },
      }),
    )
    await commit(world, stalled)
    await pass(world, 24 * HOUR)
    const post = postTo(world)
    post.way = 'held'
    const producer = world.open({ ...OPTIONS, acknowledgeTimeoutMs: HOUR, store: post.store })
    const call = producer.enqueue(LARGE, { delayMs: 90 * HOUR })
    // The object is noted, and the message is taken by another writer.
    await pass(world, HOUR / 2)
    isStopped = true
    const next = world.open(OPTIONS)
    next.process(() => {})
    await pass(world, 60_000)
    post.release()
    const { id } = await world.run(call)
    await pass(world, 60_000)
    goesOn.resolve()
    await pass(world, 30 * HOUR)
    writesAgain.resolve()
    await pass(world, HOUR)
    await commit(world, next)
    expect(await world.run(next.getPayload(id))).toBe(LARGE)
    await world.run(Promise.all([stalled.close(), next.close(), producer.close()]))
  })

  it('is given up, and does not take others with it', async () => {
    const world = createWorld()
    const writer = await openWriter(world)
    const post = postTo(world)
    post.way = 'cut'
    const producer = world.open({ ...OPTIONS, store: post.store })
    producer.on('trouble', () => {})
    const fates = [fateOf(producer.enqueue(LARGE)), fateOf(producer.enqueue('small'))]
    await pass(world, 13 * HOUR)
    expect(fates).toEqual([{ of: 'NOT_ACKNOWLEDGED' }, { of: 'NOT_ACKNOWLEDGED' }])
    post.way = 'open'
    await pass(world, SWEPT_AFTER)
    expect(await world.run(writer.getStats())).toMatchObject({ completed: 1, total: 1 })
    expect(await payloadObjects(world.store)).toEqual([])
    await world.run(Promise.all([writer.close(), producer.close()]))
  })

  it('is not acknowledged if the machine slept until the answer came', async () => {
    const world = createWorld()
    const writer = await openWriter(world)
    const post = postTo(world)
    post.way = 'answers are held'
    const producer = world.open({ ...OPTIONS, store: post.store })
    const fate = fateOf(producer.enqueue(LARGE))
    await pass(world, 1000)
    world.clock.jumpWall(13 * HOUR)
    expect(fate.of).toBe('pending')
    post.release()
    await pass(world, 1000)
    expect(fate.of).toBe('NOT_ACKNOWLEDGED')
    await world.run(Promise.all([writer.close(), producer.close()]))
  })

  it('is refused if its payload is gone, and comes with a new one when it is enqueued again', async () => {
    const world = createWorld()
    const writer = await openWriter(world)
    await world.run(writer.pause())
    const troubles = record(writer, 'trouble')
    const post = postTo(world)
    post.way = 'held'
    const producer = world.open<string>({ ...OPTIONS, store: post.store })
    const fate = fateOf(producer.enqueueMany(['small', LARGE, 'small too'], (payload) => ({ id: payload.slice(0, 9) })))
    await pass(world, 75 * HOUR)
    expect(await payloadObjects(world.store)).toEqual([])
    post.way = 'open'
    post.release()
    await pass(world, 60_000)
    expect(fate.of).toBe('NOT_ACKNOWLEDGED')
    expect(troubles.map(({ event }) => String(event.error))).toEqual([expect.stringContaining('is refused')])
    expect(await world.run(writer.list({ status: 'waiting' }))).toMatchObject({
      messages: [{ id: 'small' }, { id: 'small too' }],
    })

    const { id } = await world.run(producer.enqueue(LARGE, { id: LARGE.slice(0, 9) }))
    await pass(world, 60_000)
    expect(await world.run(writer.getPayload(id))).toBe(LARGE)
    expect(await world.run(writer.getPayload('small too'))).toBe('small too')
    await world.run(Promise.all([writer.close(), producer.close()]))
  })
})
