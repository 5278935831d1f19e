/** The coordinator's objects, written by a defect or a stranger: they stop no worker and no writer, and errors name them. */
import { CasObject, encodeFrame } from '@s3queue/primitives'
import { createIds, type ObjectStore, overwrite, seededRandom } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createCoordinatedQueue } from '../src/index.ts'
import { createWorld, slowly, startInOrder, troublesOf, type World } from './support.ts'

const QUEUE = 's3queue/jobs/'
const PREFIX = `${QUEUE}0/`
const FAST = { visibilityTimeoutMs: 5000, takeoverAfterMs: 3000, acknowledgeTimeoutMs: 600_000 }
const ALL = Array.from({ length: 20 }, (_, i) => `m${i}`)

const text = (of: string): Uint8Array => new TextEncoder().encode(of)

function put(world: World, name: string, body: Uint8Array): Promise<unknown> {
  return world.run(world.store.put(`${PREFIX}${name}`, body, { condition: overwrite }))
}

function framed(name: string, value: unknown): Uint8Array {
  return encodeFrame({ key: `${PREFIX}${name}`, kind: 'record' }, text(JSON.stringify(value))).bytes
}

/** Two processes with workers do all the work, whatever `place` put there. `place` is given the id of the worker that does not write. */
async function expectWorking(
  world: World,
  place: (worker: string) => Promise<unknown>,
  store?: ObjectStore,
): Promise<Error[]> {
  const writer = world.open(FAST, {}, store)
  const remote = world.open(FAST, {}, store)
  const troubles = [troublesOf(writer.queue), troublesOf(remote.queue)]
  const done: unknown[] = []
  let worker = ''
  await startInOrder(world, [
    () => writer.queue.process(slowly(world, 300, done), { concurrency: 1 }),
    () => {
      worker = remote.queue.process(slowly(world, 300, done), { concurrency: 1 }).id
    },
  ])
  await place(worker)
  await world.run(writer.queue.enqueueMany(ALL))
  await world.pass(60_000)
  expect(new Set(done).size).toBe(ALL.length)
  expect(await world.run(remote.queue.getStats())).toMatchObject({ completed: ALL.length, total: ALL.length })
  expect(remote.transport.counts.received).toBeGreaterThan(0)
  await world.run(remote.queue.close())
  await world.run(writer.queue.close())
  return troubles.flat()
}

const heartbeat = {
  ...{ format: 1, id: 'stranger', queue: 'jobs', concurrency: 1, capacity: 100, silentForMs: 1000 },
  ...{ since: 0, handled: 0, beat: 1, mailbox: 'M' },
}

describe('a heartbeat', () => {
  it.each([
    ['is not JSON', framed('workers/stranger', undefined)],
    ['is null', framed('workers/stranger', null)],
    ['is of another worker', framed('workers/stranger', { ...heartbeat, id: 'w' })],
    ['is silent for ages', framed('workers/stranger', { ...heartbeat, silentForMs: 1e300 })],
    ['has a text as its capacity', framed('workers/stranger', { ...heartbeat, capacity: 'all' })],
    ['has no frame', text(JSON.stringify(heartbeat))],
    ['is large', new Uint8Array(100_000)],
  ])('that %s is reported, and its worker gets nothing', async (_, body) => {
    const world = createWorld()
    await put(world, 'workers/stranger', body)
    const troubles = await expectWorking(world, async () => {})
    expect(troubles.map(String)).toEqual([expect.stringContaining(`${PREFIX}workers/stranger`)])
  })

  it('of 400 MiB is reported by its size, and not read', async () => {
    const world = createWorld()
    const key = `${PREFIX}workers/stranger`
    await put(world, 'workers/stranger', text('small'))
    let reads = 0
    const store: ObjectStore = {
      ...world.store,
      description: 'memory://',
      get(of, options) {
        if (of === key) reads++
        return world.store.get(of, options)
      },
      async list(options) {
        const page = await world.store.list(options)
        const entries = page.entries.map((entry) => (entry.key === key ? { key, size: 400 << 20 } : entry))
        return { ...page, entries }
      },
    }
    const troubles = await expectWorking(world, async () => {}, store)
    expect(troubles.map(String)).toEqual([expect.stringContaining('has 419430400 bytes')])
    expect(reads).toBe(0)
  })

  it('below another one is passed over', async () => {
    const world = createWorld()
    await put(world, 'workers/a/b', text('x'))
    expect(await expectWorking(world, async () => {})).toEqual([])
  })
})

describe('a mailbox', () => {
  const mailbox = {
    ...{ format: 1, id: 'M', epoch: 1, version: 1000, deputy: false, sealed: false },
    ...{ tickets: [], receipts: [], revoked: [], outcomes: [] },
  }
  it.each([
    ['is null', null],
    ['has no lists', { ...mailbox, tickets: undefined }],
    ['holds an empty ticket', { ...mailbox, tickets: [{}] }],
    ['has no version', { ...mailbox, version: 'x' }],
    ['holds an empty receipt', { ...mailbox, receipts: [{ v: 1000 }] }],
    ['holds outcomes of nothing', { ...mailbox, outcomes: [null] }],
    ['asks back a text', { ...mailbox, recall: { v: 1000, count: 'all' } }],
  ])('that %s is replaced, and its worker keeps working', async (_, value) => {
    const world = createWorld()
    let key = ''
    const troubles = await expectWorking(world, async (worker) => {
      key = `${PREFIX}mailboxes/${worker}`
      const random = seededRandom(9)
      const ids = createIds(world.clock, random)
      const object = new CasObject<unknown>({ store: world.store, key, clock: world.clock, random, ids })
      await world.run(object.update(() => value))
    })
    expect(troubles.map(String)).toContainEqual(expect.stringContaining(key))
  })

  it('that is an older version of itself gives no ticket twice', async () => {
    const world = createWorld()
    const started: string[] = []
    const writer = world.open(FAST)
    const remote = world.open(FAST)
    const handler = async ({ id }: { readonly id: string }): Promise<void> => {
      started.push(id)
      await world.run(Promise.resolve())
    }
    const troubles = troublesOf(remote.queue)
    let worker = ''
    await startInOrder(world, [
      () => writer.queue.process(async () => new Promise(() => {}), { concurrency: 1 }),
      () => {
        worker = remote.queue.process(handler, { concurrency: 4 }).id
      },
    ])
    await world.run(writer.queue.enqueueMany(ALL))
    const key = `${PREFIX}mailboxes/${worker}`
    let older = world.store.snapshot().get(key)?.body
    for (let i = 0; i < 40 && started.length === 0; i++) {
      await world.pass(50)
      older = world.store.snapshot().get(key)?.body ?? older
    }
    await world.pass(2000)
    expect(started.length).toBeGreaterThan(0)
    await world.run(world.store.put(key, older ?? new Uint8Array(), { condition: overwrite }))
    await world.pass(3000)
    expect(new Set(started).size).toBe(started.length)
    expect(troubles.map(String)).toContainEqual(expect.stringMatching(/an older copy took its place/))
    await world.run(remote.queue.close())
    await world.run(writer.queue.close({ timeoutMs: 1000 }).catch(() => {}))
  })
})

describe('a registry', () => {
  it.each([
    ['is null', framed('registry', null)],
    ['has a text as its workers', framed('registry', { format: 1, epoch: 0, workers: 'all' })],
    ['has an empty worker', framed('registry', { format: 1, epoch: 0, workers: [{}] })],
    ['has no frame', text('{"format":1,"epoch":99999,"workers":[]}')],
  ])('that %s is replaced', async (_, body) => {
    const world = createWorld()
    await put(world, 'registry', body)
    expect(await expectWorking(world, async () => {})).toEqual([])
  })
})

describe('the number of shards', () => {
  const recordOf = (world: World): CasObject<unknown> => {
    const random = seededRandom(9)
    const ids = createIds(world.clock, random)
    return new CasObject({ store: world.store, key: `${QUEUE}shards`, clock: world.clock, random, ids })
  }
  it.each([
    ['a thousand million', { count: 1e9, firstCount: 1 }],
    ['none', { count: 0, firstCount: 0 }],
    ['fewer than at first', { count: 2, firstCount: 3 }],
    ['announced without end', { count: 1, firstCount: 1, coming: 1e9 }],
    ['a text', 'many'],
  ])('that is %s is named in the error, and no shard is made', async (_, value) => {
    const world = createWorld()
    await world.run(recordOf(world).write(undefined, value))
    const queue = createCoordinatedQueue<string>({ name: 'jobs', store: world.store, runtime: world.runtime() })
    const refused = { code: 'CORRUPT_OBJECT', key: `${QUEUE}shards` }
    await expect(world.run(queue.enqueue('x'))).rejects.toMatchObject(refused)
    await expect(world.run(queue.getStats())).rejects.toMatchObject(refused)
    await world.run(queue.close())
    expect(world.store.size).toBe(1)
  })

  it('that was deleted is not taken for one shard', async () => {
    const world = createWorld()
    const open = (shards?: number) =>
      createCoordinatedQueue<string>({ name: 'jobs', store: world.store, runtime: world.runtime(), shards })
    const first = open(3)
    await world.run(first.enqueueMany(ALL))
    await world.run(first.close())
    await world.run(world.store.delete([`${QUEUE}shards`]))
    for (const shards of [undefined, 3, 1]) {
      const queue = open(shards)
      await expect(world.run(queue.getStats())).rejects.toMatchObject({ code: 'CORRUPT_OBJECT', key: `${QUEUE}shards` })
      await world.run(queue.close())
    }
  })
})
