/**
 * Every way of a command into the queue, with a store that carries out its write, loses the answer, and refuses what comes next. The command is in the queue
 * then, so its call must not reject with the refusal: that would say that nothing happened.
 */
import { createQueue, deadLetter, NotAcknowledged, type Queue } from '@s3queue/core'
import {
  AccessDenied,
  InvalidRequest,
  NoSuchBucket,
  type ObjectStore,
  type StoreError,
  UnknownOutcome,
  UnsupportedStore,
} from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { createCoordinatedQueue } from '../src/index.ts'
import { createWorld, type World } from './support.ts'

const REFUSALS = {
  ACCESS_DENIED: () => new AccessDenied('The session has ended.'),
  NO_SUCH_BUCKET: () => new NoSuchBucket('The bucket is away for a moment.'),
  INVALID_REQUEST: () => new InvalidRequest('RequestTimeTooSkewed'),
  UNSUPPORTED_STORE: () => new UnsupportedStore('A policy does not allow it.'),
} as const

type Refusal = keyof typeof REFUSALS

/** What happens to the next write of a command. */
type Fate = 'lost, then refused' | 'lost' | 'refused'

interface Faulty {
  readonly store: ObjectStore
  /** Writes of commands that were carried out and had no answer. */
  readonly lost: number
  /** The next write below `part` meets this fate, and every request after it is refused. */
  arm(part: string, fate: Fate, refusal: Refusal): void
  /** Every request below `part` is refused. */
  refuseBelow(part: string, refusal: Refusal): void
  heal(): void
}

function faulty(store: ObjectStore): Faulty {
  let armed: { readonly part: string; readonly fate: Fate; readonly refuse: () => StoreError } | undefined
  let refuse: (() => StoreError) | undefined
  let below = '/'
  let lost = 0
  const through = async <T>(key: string, request: () => Promise<T>): Promise<T> => {
    if (refuse !== undefined && key.includes(below)) throw refuse()
    return request()
  }
  return {
    get lost() {
      return lost
    },
    arm(part, fate, refusal) {
      armed = { part, fate, refuse: REFUSALS[refusal] }
    },
    refuseBelow(part, refusal) {
      below = part
      refuse = REFUSALS[refusal]
    },
    heal() {
      armed = undefined
      refuse = undefined
    },
    store: {
      description: store.description,
      get: (key, options) => through(key, () => store.get(key, options)),
      list: (options) => through(options.prefix, () => store.list(options)),
      delete: (keys, options) => through(keys[0] ?? '', () => store.delete(keys, options)),
      put: (key, body, options) =>
        through(key, async () => {
          if (armed === undefined || !key.includes(armed.part)) return store.put(key, body, options)
          const { fate } = armed
          if (fate !== 'lost') refuse = armed.refuse
          armed = undefined
          if (fate === 'refused') return through(key, () => store.put(key, body, options))
          await store.put(key, body, options)
          lost++
          return { outcome: 'unknown', error: new UnknownOutcome('No answer.') }
        }),
    },
  }
}

type Call = 'enqueue' | 'enqueueMany' | 'pause' | 'cancel' | 'purge' | 'redrive' | 'forget'

const CALLS: Readonly<Record<Call, (queue: Queue<string>) => Promise<unknown>>> = {
  enqueue: (queue) => queue.enqueue('new', { id: 'new' }),
  enqueueMany: (queue) => queue.enqueueMany(['new'], { id: 'new' }),
  pause: (queue) => queue.pause(),
  cancel: (queue) => queue.cancel('waiting'),
  purge: (queue) => queue.purge(),
  redrive: (queue) => queue.redrive('dead'),
  forget: (queue) => queue.forget('dead'),
}

/** Whether the call took effect, by what another process reads. */
const TOOK_EFFECT: Readonly<Record<Call, (queue: Queue<string>) => Promise<boolean>>> = {
  enqueue: async (queue) => (await queue.get('new')) !== undefined,
  enqueueMany: async (queue) => (await queue.get('new')) !== undefined,
  pause: async (queue) => !(await queue.pause()),
  cancel: async (queue) => (await queue.get('waiting')) === undefined,
  purge: async (queue) => (await queue.get('waiting')) === undefined,
  redrive: async (queue) => (await queue.get('dead'))?.status === 'waiting',
  forget: async (queue) => (await queue.get('dead')) === undefined,
}

type Kind = 'core' | 'coordinated queue'
type Way = 'writer' | 'inbox'

function open(world: World, kind: Kind, store: ObjectStore): Queue<string> {
  const options = { name: 'jobs', store, runtime: world.runtime(), logger: { warn: () => {}, error: () => {} } }
  return kind === 'core' ? createQueue<string>(options) : createCoordinatedQueue<string>(options)
}

/** A queue with a message that waits and a dead one, and a process that writes it or does not. */
async function setUp(kind: Kind, way: Way): Promise<{ world: World; broken: Faulty; caller: Queue<string> }> {
  const world = createWorld()
  const { run } = world
  const broken = faulty(world.store)
  const other = open(world, kind, world.store)
  await run(other.enqueue('dead', { id: 'dead' }))
  await run(other.processNext(() => deadLetter('no')))
  await run(other.enqueue('waiting', { id: 'waiting' }))
  if (way === 'writer') await run(other.close())
  const caller = open(world, kind, broken.store)
  await run(caller.getStats())
  return { world, broken, caller }
}

const KINDS: readonly Kind[] = ['core', 'coordinated queue']
const WAYS: readonly Way[] = ['writer', 'inbox']
const PART: Readonly<Record<Way, string>> = { writer: '/log/', inbox: '/inbox/' }

const combinations = KINDS.flatMap((kind) =>
  WAYS.flatMap((way) =>
    (Object.keys(CALLS) as Call[]).flatMap((call) =>
      (Object.keys(REFUSALS) as Refusal[]).map((refusal) => ({ kind, way, call, refusal })),
    ),
  ),
)

describe('a command whose write is carried out, gets no answer, and is refused after that', () => {
  it.each(combinations)(
    '$kind, $way, $call: rejects with NotAcknowledged, whose cause is $refusal',
    async ({ kind, way, call, refusal }) => {
      const { world, broken, caller } = await setUp(kind, way)
      broken.arm(PART[way], 'lost, then refused', refusal)
      const error = await world.run(CALLS[call](caller).catch((reason: unknown) => reason))
      expect(broken.lost).toBe(1)
      expect(error).toBeInstanceOf(NotAcknowledged)
      const { cause, message } = error as NotAcknowledged
      expect(cause).toMatchObject({ code: refusal })
      expect(message).toContain((cause as Error).message)

      broken.heal()
      const checker = open(world, kind, world.store)
      await world.pass(60_000)
      expect(await world.run(TOOK_EFFECT[call](checker))).toBe(true)
    },
  )

  it.each(KINDS.flatMap((kind) => WAYS.map((way) => ({ kind, way }))))(
    '$kind, $way: resolves if the store answers again',
    async ({ kind, way }) => {
      const { world, broken, caller } = await setUp(kind, way)
      broken.arm(PART[way], 'lost', 'ACCESS_DENIED')
      expect(await world.run(caller.enqueue('new', { id: 'new' }))).toMatchObject({ id: 'new' })
      expect(broken.lost).toBe(1)
    },
  )
})

describe('a command that is refused before any of its writes could be carried out', () => {
  it.each(combinations.filter(({ way, call }) => way === 'writer' || call.startsWith('enqueue')))(
    '$kind, $way, $call: rejects with $refusal, and nothing happened',
    async ({ kind, way, call, refusal }) => {
      const { world, broken, caller } = await setUp(kind, way)
      broken.arm(PART[way], 'refused', refusal)
      await expect(world.run(CALLS[call](caller))).rejects.toMatchObject({ code: refusal })

      broken.heal()
      const checker = open(world, kind, world.store)
      await world.pass(60_000)
      expect(await world.run(TOOK_EFFECT[call](checker))).toBe(false)
    },
  )
})

describe('a command that is in the inbox', () => {
  it.each(KINDS)('%s: rejects with NotAcknowledged if its answer cannot be read', async (kind) => {
    const { world, broken, caller } = await setUp(kind, 'inbox')
    // The command is stored, and its sender is told so; from the next request on the store refuses.
    broken.arm('/bell', 'refused', 'ACCESS_DENIED')
    const error = await world.run(caller.pause().catch((reason: unknown) => reason))
    expect(error).toBeInstanceOf(NotAcknowledged)
    expect((error as Error).cause).toMatchObject({ code: 'ACCESS_DENIED' })
    const checker = open(world, kind, world.store)
    await world.pass(60_000)
    expect(await world.run(TOOK_EFFECT.pause(checker))).toBe(true)
  })
})

describe('a call of a queue with several shards', () => {
  const SHARDED: Readonly<Record<string, (queue: Queue<number>) => Promise<unknown>>> = {
    pause: (queue) => queue.pause(),
    purge: (queue) => queue.purge(),
    redrive: (queue) => queue.redrive(),
    enqueueMany: (queue) => queue.enqueueMany([5, 6, 7, 8]),
  }

  it.each(Object.keys(SHARDED))(
    '%s: rejects with NotAcknowledged if some shards did it and others refused',
    async (call) => {
      const world = createWorld()
      const broken = faulty(world.store)
      const queue = createCoordinatedQueue<number>({
        ...{ name: 'jobs', shards: 2, store: broken.store, runtime: world.runtime() },
        logger: { warn: () => {}, error: () => {} },
      })
      await world.run(queue.enqueueMany([1, 2, 3, 4]))
      broken.refuseBelow('/1/', 'ACCESS_DENIED')
      const error = await world.run(Promise.resolve(SHARDED[call]?.(queue)).catch((reason: unknown) => reason))
      expect(error).toBeInstanceOf(NotAcknowledged)
      expect(error).toMatchObject({
        message: expect.stringContaining('1 of 2 shards'),
        cause: { code: 'ACCESS_DENIED' },
      })

      broken.refuseBelow('/', 'ACCESS_DENIED')
      const refused = await world.run(Promise.resolve(SHARDED[call]?.(queue)).catch((reason: unknown) => reason))
      expect(refused).toMatchObject({ code: 'ACCESS_DENIED' })
    },
  )
})
