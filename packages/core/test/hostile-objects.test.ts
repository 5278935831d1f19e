/** Objects below the prefix that no process of the queue wrote, or that a defect or a stranger made: they stop nothing, and errors name them. */
import { hash } from 'node:crypto'
import { CasObject, encodeFrame } from '@s3queue/primitives'
import { createIds, type ObjectStore, overwrite, seededRandom } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { encodeBatch } from '../src/state/batch-codec.ts'
import { createWorld, record, type World } from './support.ts'

const PREFIX = 's3queue/jobs/0/'
const NAME = '01ARZ3NDEKTSV4RRFFQ69G5FAV-ASTRANGER0000000'
const SENDER = 'ASTRANGER0000000'

const enqueue = {
  ...{ type: 'enqueue', sender: SENDER, seq: 0, count: 1, maxAttempts: 3, priority: 0, visibleAt: 0 },
}
const notice = {
  ...{ type: 'notice', format: 1, worker: 'w', number: 1, capacity: 1, overCapacity: 0, concurrency: 1, rate: 0 },
  ...{ silentForMs: 1000, seen: 0 },
}

/** An inbox object whose frame checks out. */
function inboxOf(body: Uint8Array | readonly object[], payloads: readonly string[] = []): Uint8Array {
  const bytes = body instanceof Uint8Array ? body : encodeBatch(body as never, payloads)
  return encodeFrame({ key: `${PREFIX}inbox/${NAME}`, kind: 'inbox', sender: SENDER }, bytes).bytes
}

const text = (of: string): Uint8Array => new TextEncoder().encode(of)
const settled = (settlement: object): Uint8Array =>
  inboxOf([{ type: 'settle', settlements: [{ token: 1, ...settlement }] }])
const enqueued = (about: object): Uint8Array => inboxOf([{ ...enqueue, ...about }], ['"x"'])

const INBOX: readonly (readonly [string, Uint8Array])[] = [
  ['no frame', text('hello')],
  ['a frame of another kind', encodeFrame({ key: `${PREFIX}inbox/${NAME}`, kind: 'commit' }, text('[]\n[]\n')).bytes],
  ['a frame of another key', encodeFrame({ key: `${PREFIX}inbox/x`, kind: 'inbox' }, text('[]\n[]\n')).bytes],
  ['a frame around nothing', inboxOf(text(''))],
  ['a frame around a text', inboxOf(text('x'))],
  ['a header that is null', text(`${hash('sha256', 'null', 'hex').slice(0, 32)} null\n`)],
  ['commands that are null', inboxOf(text('null\n[]\n'))],
  ['a command that is null', inboxOf(text('[null]\n[]\n'))],
  ['sizes that are a text', inboxOf(text(`${JSON.stringify([enqueue])}\n"x"\n`))],
  ['sizes beyond the payloads', inboxOf(text(`${JSON.stringify([enqueue])}\n[1000000000]\nx`))],
  ['sizes that are fractions', inboxOf(text(`${JSON.stringify([enqueue])}\n[0.5]\nx`))],
  ['a moment that no clock reaches', enqueued({ visibleAt: 1e308 })],
  ['a priority beyond all', enqueued({ priority: 1e9 })],
  ['attempts without end', enqueued({ maxAttempts: 1e9 })],
  ['a number that is no longer whole', enqueued({ seq: 2 ** 53 })],
  ['no messages', enqueued({ count: 0 })],
  ['a sender with a slash', enqueued({ sender: 'a/../../b' })],
  [
    'the payload object of another queue',
    enqueued({ extras: { payloadKey: 's3queue/other/0/payloads/01ARZ3NDEKTSV4RRFFQ69G5FAV' } }),
  ],
  ['the base as a payload object', enqueued({ extras: { payloadKey: `${PREFIX}base` } })],
  ['an id that is a number', enqueued({ extras: { id: 5 } })],
  ['a backoff that is a text', enqueued({ extras: { backoff: 'soon' } })],
  ['a result that is not JSON', settled({ kind: 'complete', result: '{' })],
  ['a snooze without end', settled({ kind: 'snooze', ms: 1e300 })],
  ['a failure without words', settled({ kind: 'fail', retriable: true })],
  [
    'a failure that waits without end',
    settled({ kind: 'fail', name: 'E', message: '', retriable: true, afterMs: 1e300 }),
  ],
  ['a settlement for a worker with a path', inboxOf([{ type: 'settle', worker: '../x', settlements: [] }])],
  ['a notice of a worker with a path', inboxOf([{ ...notice, worker: '../x' }])],
  ['a notice of silence without end', inboxOf([{ ...notice, silentForMs: 1e300 }])],
  ['a notice with progress that is not JSON', inboxOf([{ ...notice, reports: [{ token: 1, progress: '{' }] }])],
  ['a notice that extends a text', inboxOf([{ ...notice, lasting: [['x', 'y']] }])],
  ['a worker with a path that left', inboxOf([{ type: 'left', worker: '../x' }])],
]

async function put(world: World, name: string, body: Uint8Array): Promise<void> {
  await world.run(world.store.put(`${PREFIX}${name}`, body, { condition: overwrite }))
}

/** Whether a writer that holds a claim, a producer and a reader of other processes do all they should. */
async function expectWorking(world: World, name: string, place: () => Promise<void>): Promise<void> {
  const { open, run, clock } = world
  const writer = open<string>()
  const troubles = record(writer, 'trouble')
  const handled: string[] = []
  const release = Promise.withResolvers<void>()
  await run(writer.enqueue('held', { id: 'held' }))
  writer.process(
    async ({ payload }) => {
      if (payload === 'held') await release.promise
      handled.push(payload)
      return payload
    },
    { concurrency: 2 },
  )
  await clock.advance(2000)
  await place()
  const producer = open<string>()
  const seen = record(producer, 'trouble')
  expect(await run(producer.getStats())).toMatchObject({ active: 1, total: 1 })
  await run(producer.enqueue('after', { id: 'after' }))
  await clock.advance(70_000)
  release.resolve()
  await clock.advance(5000)
  expect(handled).toEqual(['after', 'held'])
  for (const each of [troubles, seen]) {
    expect(each.filter(({ event }) => String(event.error).includes(`${PREFIX}${name}`))).toHaveLength(1)
    expect(each).toHaveLength(1)
  }
  for (const queue of [producer, writer]) {
    expect(await run(queue.get('held'))).toMatchObject({ status: 'completed', result: 'held' })
    expect((await run(queue.list({ status: 'completed' }))).messages).toHaveLength(2)
  }
  expect(world.store.snapshot().has(`${PREFIX}${name}`)).toBe(true)
  await run(producer.close())
  await run(writer.close())
}

describe('an object in the inbox', () => {
  it.each(INBOX)('with %s is reported once and left, and all others are taken', async (_, body) => {
    const world = createWorld()
    await expectWorking(world, `inbox/${NAME}`, () => put(world, `inbox/${NAME}`, body))
  })

  it.each(['inbox/zzz', 'inbox/01ARZ3NDEKTSV4RRFFQ69G5FAV', 'inbox/a/b'])(
    'that no process gives the name of %s is reported once and left, and all others are taken',
    async (name) => {
      const world = createWorld()
      await expectWorking(world, name, () => put(world, name, inboxOf([])))
    },
  )

  it('of 400 MiB is reported by its size, and not read', async () => {
    const world = createWorld()
    const key = `${PREFIX}inbox/${NAME}`
    let reads = 0
    const store: ObjectStore = {
      ...world.store,
      description: 'memory://',
      get: (of, options) => {
        if (of === key) reads++
        return world.store.get(of, options)
      },
      async list(options) {
        const page = await world.store.list(options)
        return {
          ...page,
          entries: page.entries.map((entry) => (entry.key === key ? { key, size: 400 << 20 } : entry)),
        }
      },
    }
    const open: World['open'] = (options) => world.open({ store, ...options })
    await expectWorking({ ...world, open }, `inbox/${NAME}`, () => put(world, `inbox/${NAME}`, text('small')))
    expect(reads).toBe(0)
  })
})

describe('a message in the inbox', () => {
  it('whose payload is not JSON dies, and all others are handled', async () => {
    const { open, run, clock, store } = createWorld()
    const writer = open<string>()
    const handled: string[] = []
    writer.process(({ payload }) => void handled.push(payload))
    await run(store.put(`${PREFIX}inbox/${NAME}`, inboxOf([enqueue], ['{']), { condition: overwrite }))
    await run(writer.enqueue('after'))
    await clock.advance(300_000)
    expect(handled).toEqual(['after'])
    expect(await run(writer.getStats())).toMatchObject({ completed: 1, dead: 1, total: 2 })
    await run(writer.close())
  })
})

describe('a lease', () => {
  const details = { workers: 1, busy: false }
  it.each([
    ['that lasts for ages', { owner: 'x', generation: 1, durationMs: 1e15, held: true, aliveAt: 0, details }],
    ['that was renewed in ages', { owner: 'x', generation: 1, durationMs: 30_000, held: true, aliveAt: 8e15, details }],
    [
      'whose generation is not a number',
      { owner: 'x', generation: 'x', durationMs: 1, held: true, aliveAt: 0, details },
    ],
    ['without details', { owner: 'x', generation: 1, durationMs: 1000, held: true, aliveAt: 0 }],
    ['that is a text', 'mine'],
  ])('%s does not keep others from writing', async (_, value) => {
    const { open, run, clock, store } = createWorld()
    const random = seededRandom(5)
    const ids = createIds(clock, random)
    const lease = new CasObject<unknown>({ store, key: `${PREFIX}writer`, clock, random, ids })
    await run(lease.write(undefined, value))
    const queue = open<string>()
    const handled: string[] = []
    queue.process(({ payload }) => void handled.push(payload))
    await run(queue.enqueue('x'))
    await clock.advance(40_000)
    expect(handled).toEqual(['x'])
    await run(queue.close())
  })
})

describe('other objects', () => {
  it.each([
    'log/zzz',
    'log/00000000000x',
    'log/0000000000001',
    'snapshots/zzz',
    'snapshots/999999999999-x/y',
    'payloads/zzz',
    'zzz',
    'base2',
  ])('such as %s stop no take-over and are not deleted', async (name) => {
    const world = createWorld()
    const { open, run, clock, store } = world
    await put(world, name, text('not ours'))
    const first = open<string>()
    await run(first.enqueue('a'))
    await run(first.close())
    const second = open<string>()
    const handled: string[] = []
    second.process(({ payload }) => void handled.push(payload))
    await clock.advance(2000)
    const reader = open<string>()
    expect(await run(reader.getStats())).toMatchObject({ completed: 1, total: 1 })
    expect(handled).toEqual(['a'])
    expect(store.snapshot().has(`${PREFIX}${name}`)).toBe(true)
    await run(reader.close())
    await run(second.close())
  })

  it.each([
    ['a text', 'x'],
    ['a snapshot elsewhere', { slot: 1, epoch: 1, hash: 'x', snapshot: 's3queue/other/0/snapshots/000000000001-X' }],
    ['a slot before the first', { slot: -1, epoch: 1, hash: 'x', snapshot: `${PREFIX}snapshots/-00000000001-X` }],
  ])('a base that is %s is named in the error', async (_, value) => {
    const { open, run, clock, store } = createWorld()
    const random = seededRandom(5)
    const ids = createIds(clock, random)
    await run(new CasObject<unknown>({ store, key: `${PREFIX}base`, clock, random, ids }).write(undefined, value))
    const queue = open<string>()
    await expect(run(queue.getStats())).rejects.toMatchObject({ code: 'CORRUPT_OBJECT', key: `${PREFIX}base` })
    await run(queue.close())
  })
})
