/** Waking the writer from another process, and replacing one that does not wake up. Default options but where the test says otherwise. */
import {
  AccessDenied,
  createIds,
  type ObjectStore,
  seededRandom,
  sleep,
  UnknownOutcome,
  withLatency,
} from '@s3queue/storage'
import { createManualClock, type ManualClock } from '@s3queue/storage/testing'
import { createMemoryStore } from '@s3queue/storage-memory'
import { describe, expect, it } from 'vitest'
import type { Queue, QueueOptions } from '../src/index.ts'
import * as core from '../src/index.ts'
import { loadPlanted, type Patch } from './sim/run/load-core.ts'
import { intercept, mortalStore, record } from './support.ts'

type Core = Pick<typeof core, 'createQueue'>

interface BellWorld {
  readonly clock: ManualClock
  /** Notifies of nothing, as S3. */
  readonly store: ObjectStore
  open(options?: Partial<QueueOptions>): Queue<string>
  run<T>(promise: Promise<T>): Promise<T>
}

function createWorld(latencyMs = 60, { createQueue: open }: Core = core): BellWorld {
  const clock = createManualClock()
  const memory = createMemoryStore({ clock })
  const ms = { getMs: latencyMs, putMs: latencyMs, listMs: latencyMs, deleteMs: latencyMs }
  const store = withLatency(intercept(memory, 'no such key', {}), { clock, ...ms })
  let processes = 0
  return {
    ...{ clock, store },
    open(options = {}) {
      const random = seededRandom(++processes)
      return open({ name: 'jobs', store, runtime: { clock, random, ids: createIds(clock, random) }, ...options })
    },
    run: (promise) => clock.runUntil(promise, { limitMs: 24 * 3_600_000 }),
  }
}

const HOUR_MS = 3_600_000

/** How often `store` is asked for these things, such as `put bell`. */
function counting(store: ObjectStore): { readonly store: ObjectStore; count(what: string): number } {
  const counts = new Map<string, number>()
  const note = (what: string, key: string): void => {
    const name = `${what} ${key.split('/')[3]}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return {
    count: (what) => counts.get(what) ?? 0,
    store: {
      description: store.description,
      get: (key, options) => {
        note('get', key)
        return store.get(key, options)
      },
      put: (key, body, options) => {
        note('put', key)
        return store.put(key, body, options)
      },
      delete: (keys, options) => store.delete(keys, options),
      list: (options) => {
        note('list', options.prefix)
        return store.list(options)
      },
    },
  }
}

interface WakeUp {
  readonly core?: Core
  readonly maxPollMs: number
  /** The store of a process that enqueues and closes. */
  readonly through?: (store: ObjectStore, clock: ManualClock) => ObjectStore
}

/** How long a message from another process takes to its handler in an idle queue, at most; undefined if that takes longer than half an hour. */
async function wakeUp({ core: under, maxPollMs, through = (store) => store }: WakeUp): Promise<number | undefined> {
  const world = createWorld(60, under)
  const { open, clock, run, store } = world
  const started: string[] = []
  const writer = open({ maxPollMs })
  writer.process(({ payload }) => void started.push(payload))
  await run(writer.getStats())
  let longestMs = 0
  for (let n = 0; n < 4; n++) {
    await clock.advance(HOUR_MS + 170 * n)
    const producer = open({ maxPollMs, store: through(store, clock) })
    const sentAt = clock.monotonic()
    await run(producer.enqueue(`${n}`))
    await run(producer.close())
    while (!started.includes(`${n}`)) {
      await clock.advance(10)
      if (clock.monotonic() - sentAt > HOUR_MS / 2) return undefined
    }
    longestMs = Math.max(longestMs, clock.monotonic() - sentAt)
  }
  return longestMs
}

/** Rings are answered as if they took place, and do not. */
const deaf = (store: ObjectStore): ObjectStore =>
  intercept(store, '/bell', { put: async () => ({ outcome: 'stored', etag: 'lost' }) })

/** What is put into the inbox is long on its way. */
const slowInbox = (store: ObjectStore, clock: ManualClock): ObjectStore =>
  intercept(store, '/inbox/', {
    put: async (key, body, options) => {
      await sleep(clock, 5000)
      return store.put(key, body, options)
    },
  })

describe('a message from another process', () => {
  it('wakes the writer within 2 s, which reads the inbox once an hour otherwise', async () => {
    expect(await wakeUp({ maxPollMs: HOUR_MS })).toBeLessThanOrEqual(2000)
  })

  it('waits for the next rare read of the inbox if no ring comes through, and no longer', async () => {
    const ms = await wakeUp({ maxPollMs: 20_000, through: deaf })
    expect(ms).toBeGreaterThan(2000)
    expect(ms).toBeLessThanOrEqual(20_000 + 1000)
  })

  it('rings once it is durable, however long that takes', async () => {
    expect(await wakeUp({ maxPollMs: HOUR_MS, through: slowInbox })).toBeLessThanOrEqual(5000 + 2000)
  })
})

interface Defect extends WakeUp {
  readonly name: string
  readonly patch: Patch
  readonly boundMs: number
}

describe('planted defects that these tests find', () => {
  const defects: readonly Defect[] = [
    {
      name: 'a bell that is lost, without rare reads of the inbox',
      patch: {
        file: 'core/src/engine/inbox-reader.ts',
        from: 'if (!signal.aborted) this.#cancelTimer = clock.setTimer(wait, () => void this.poll())',
        to: 'if (!signal.aborted && wait < 5_000) this.#cancelTimer = clock.setTimer(wait, () => void this.poll())',
      },
      ...{ maxPollMs: 20_000, through: deaf, boundMs: 21_000 },
    },
    {
      name: 'a ring that is sent before what it rings for is durable',
      patch: {
        file: 'core/src/engine/inbox-sender.ts',
        from: '      const put = await this.#attempt(batch, key, body)\n',
        to: '      onSent(key, body.length)\n      const put = await this.#attempt(batch, key, body)\n      onSent = () => {}\n',
      },
      ...{ maxPollMs: HOUR_MS, through: slowInbox, boundMs: 7000 },
    },
    {
      name: 'a writer that ignores the bell',
      patch: {
        file: 'core/src/engine/term.ts',
        from: '        this.#inbox.rung()\n',
        to: '',
      },
      ...{ maxPollMs: HOUR_MS, boundMs: 2000 },
    },
  ]
  it.each(defects)('$name', async ({ patch, boundMs, ...about }) => {
    // The second patch assigns to what is a constant otherwise.
    const more: Patch[] = patch.to.includes('onSent = ')
      ? [
          {
            file: 'core/src/engine/inbox-sender.ts',
            from: 'const { options, sender, onSent, onTrouble } = this.#context',
            to: 'let { options, sender, onSent, onTrouble } = this.#context',
          },
        ]
      : []
    const planted = await loadPlanted<Core>([patch, ...more], 'core/src/index.ts')
    const ms = (await wakeUp({ ...about, core: planted })) ?? Number.POSITIVE_INFINITY
    expect(ms).toBeGreaterThan(boundMs)
  })
})

describe('a ring', () => {
  const failing: [string, NonNullable<ObjectStore['put']>][] = [
    ['hangs', () => new Promise(() => {})],
    ['is refused', () => Promise.reject(new AccessDenied('You may not ring.'))],
    [
      'gets no answer',
      async (key) => ({ outcome: 'unknown', error: new UnknownOutcome('The connection broke.', { key }) }),
    ],
  ]
  it.each(failing)('that %s neither fails nor delays what it was for', async (what, put) => {
    const { open, run, clock, store } = createWorld()
    const writer = open({ maxPollMs: 5000 })
    const started: string[] = []
    writer.process(({ payload }) => void started.push(payload))
    await run(writer.getStats())
    await clock.advance(60_000)
    const producer = open({ store: intercept(store, '/bell', { put }), maxPollMs: 5000 })
    const troubles = record(producer, 'trouble')
    await run(producer.getStats())
    const sentAt = clock.monotonic()
    await run(producer.enqueue('a'))
    expect(clock.monotonic() - sentAt).toBeLessThanOrEqual(100)
    await clock.advance(2000)
    expect(troubles).toHaveLength(what === 'hangs' ? 0 : 1)
    await clock.advance(4000)
    expect(started).toEqual(['a'])
    await run(producer.close())
    await run(writer.close())
  })

  it('is not needed while the writer is known to be awake: who sends all the time rings seldom', async () => {
    const { open, run, clock, store } = createWorld()
    const writer = open()
    writer.process(() => {})
    await run(writer.getStats())
    const counted = counting(store)
    const producer = open({ store: counted.store })
    await run(producer.getStats())
    for (let n = 0; n < 200; n++) {
      await run(producer.enqueue(`${n}`))
      await clock.advance(240)
    }
    // In a minute.
    expect(counted.count('put bell')).toBeLessThanOrEqual(10)
    await run(producer.close())
    await run(writer.close())
  })

  it('comes at most once a second and process, and ever more rarely while no writer takes what was sent', async () => {
    const { open, run, clock, store } = createWorld()
    const mortal = mortalStore(store)
    const writer = open({ store: mortal.store })
    await run(writer.enqueue('a'))
    mortal.die()
    const counted = counting(store)
    const options = { store: counted.store, takeoverAfterMs: HOUR_MS }
    const producer = open(options)
    const rings: number[] = []
    for (let n = 0; n < 40; n++) {
      await run(producer.enqueue(`${n}`))
      rings.push(counted.count('put bell'))
      await clock.advance(40)
    }
    // Four seconds.
    expect(rings.at(-1)).toBeLessThanOrEqual(5)
    expect(rings.at(-1)).toBeGreaterThanOrEqual(2)
    await run(producer.close())
  })

  it('is sent by a process that enqueues and closes at once', async () => {
    const { open, run, clock } = createWorld()
    const started: string[] = []
    const writer = open({ maxPollMs: HOUR_MS })
    writer.process(({ payload }) => void started.push(payload))
    await run(writer.getStats())
    await clock.advance(HOUR_MS)
    const producer = open({ maxPollMs: HOUR_MS })
    await run(producer.getStats())
    for (const payload of ['a', 'b']) await run(producer.enqueue(payload))
    await run(producer.close())
    await clock.advance(2000)
    expect(started).toEqual(['a', 'b'])
  })
})

describe('a writer that was killed while its queue was idle', () => {
  it.each([0, 4000, 9000])(
    'is replaced within 8 s of the next enqueue by a process that stands by (%i ms later)',
    async (afterMs) => {
      const { open, run, clock, store } = createWorld()
      const mortal = mortalStore(store)
      const writer = open({ store: mortal.store })
      const started: string[] = []
      writer.process(() => {})
      await run(writer.enqueue('a'))
      const standby = open()
      standby.process(({ payload }) => void started.push(payload))
      const producer = open()
      await run(producer.enqueue('b'))
      await clock.advance(120_000)
      mortal.die()
      await clock.advance(afterMs)
      const sentAt = clock.monotonic()
      await run(producer.enqueue('c'))
      while (started.length === 0) await clock.advance(10)
      expect(clock.monotonic() - sentAt).toBeLessThanOrEqual(8000)
    },
  )

  it('is replaced by the process that asks for something if there is no other', async () => {
    const { open, run, clock, store } = createWorld()
    const mortal = mortalStore(store)
    const writer = open({ store: mortal.store })
    writer.process(() => {})
    await run(writer.enqueue('a'))
    await clock.advance(60_000)
    mortal.die()
    const operator = open()
    const askedAt = clock.monotonic()
    expect(await run(operator.pause())).toBe(true)
    expect(clock.monotonic() - askedAt).toBeLessThanOrEqual(8000)
  })
})

describe('the lease', () => {
  it('is not renewed for messages that are handled in a moment', async () => {
    const { open, run, clock, store } = createWorld()
    const counted = counting(store)
    const writer = open({ store: counted.store })
    writer.process(() => sleep(clock, 50))
    await run(writer.getStats())
    await clock.advance(60_000)
    const before = counted.count('put writer')
    for (let n = 0; n < 20; n++) {
      await run(writer.enqueue(`${n}`))
      await clock.advance(3000)
    }
    // A minute, of twelve seconds each.
    expect(counted.count('put writer') - before).toBeLessThanOrEqual(6)
    await run(writer.close())
  })
})
