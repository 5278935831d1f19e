import { InvalidOption } from '@s3queue/storage'
import { createMemoryStore } from '@s3queue/storage-memory'
import { describe, expect, it } from 'vitest'
import { createQueue, type EnqueueOptions, type ProcessOptions, type QueueOptions } from '../src/index.ts'
import { resolveQueueOptions } from '../src/options.ts'
import { resolveProcessOptions } from '../src/process-options.ts'
import { createWorld } from './support.ts'

type Bounds = readonly [option: string, min: number, max: number, fraction?: 'fractions too']

const HOUR = 3_600_000
const DAY = 24 * HOUR
const YEARS = 3660 * DAY

/** Values that a number within these bounds cannot have. */
function outOf([, min, max, fraction]: Bounds): unknown[] {
  const fractions = fraction === undefined ? [min + 0.5] : []
  return [min - 1, max + 1, ...fractions, Number.NaN, Number.POSITIVE_INFINITY, -0.5, `${min}`, null, true, [min]]
}

/** One test for each option: its bounds are taken, and nothing beyond them. */
function itKeeps(table: readonly Bounds[], where: string, resolve: (options: object) => unknown): void {
  for (const [option] of table) tested.add(option)
  it.each(table.map((bounds) => [bounds[0], bounds] as const))('%s is kept within its bounds', (option, bounds) => {
    const [, min, max] = bounds
    for (const value of [min, max, undefined]) expect(() => resolve({ [option]: value })).not.toThrow()
    for (const value of outOf(bounds)) {
      const refused = (): unknown => resolve({ [option]: value })
      expect(refused, String(value)).toThrow(InvalidOption)
      expect(refused).toThrow(`${where}: the option "${option}" must be`)
    }
  })
}

const { store } = createWorld()
/** Names of options whose bounds are tested. */
const tested = new Set<string>()
const queueOf = (options: object): unknown => resolveQueueOptions({ name: 'jobs', store, ...options } as QueueOptions)

describe('numbers of a queue', () => {
  itKeeps(
    [
      ['visibilityTimeoutMs', 100, 12 * HOUR],
      ['maxAttempts', 1, 1000],
      ['deduplicationWindowMs', 0, 31 * DAY],
      ['offloadAboveBytes', 0, 16 << 20],
      ['maxPayloadBytes', 1, 16 << 20],
      ['maxFailureBytes', 256, 64 << 10],
      ['takeoverAfterMs', 300, HOUR],
      ['maxPollMs', 10, HOUR],
      ['shard', 0, 9999],
    ],
    'createQueue',
    queueOf,
  )
  itKeeps([['lingerMs', 0, 60_000]], 'createQueue', (options) => queueOf({ acknowledgeTimeoutMs: HOUR, ...options }))
  itKeeps([['acknowledgeTimeoutMs', 100, HOUR]], 'createQueue', queueOf)
  itKeeps(
    [
      ['completedCount', 0, 100_000],
      ['completedAgeMs', 0, YEARS],
      ['completedBytes', 0, 2 ** 40],
      ['deadCount', 0, 1_000_000],
      ['deadAgeMs', 0, YEARS],
    ],
    'createQueue.retention',
    (retention) => queueOf({ retention }),
  )
  itKeeps(
    [
      ['baseMs', 0, DAY],
      ['maxMs', 0, 31 * DAY],
      ['jitter', 0, 1, 'fractions too'],
    ],
    'createQueue.backoff',
    (backoff) => queueOf({ backoff }),
  )

  it('the longest wait is no shorter than the first, unless that is asked for', () => {
    const resolved = (backoff: object) => resolveQueueOptions({ name: 'jobs', store, backoff }).backoff
    expect(resolved({})).toEqual({ baseMs: 1000, maxMs: 30_000, jitter: 0 })
    expect(resolved({ baseMs: 60_000 })).toEqual({ baseMs: 60_000, maxMs: 60_000, jitter: 0 })
    expect(resolved({ maxMs: 500 })).toEqual({ baseMs: 500, maxMs: 500, jitter: 0 })
    expect(resolved({ baseMs: 10, maxMs: 20 })).toEqual({ baseMs: 10, maxMs: 20, jitter: 0 })
  })

  it('a linger that calls do not outlive is refused', () => {
    expect(() => queueOf({ lingerMs: 5000, acknowledgeTimeoutMs: 5000 })).toThrow(
      /"lingerMs" must be less than acknowledgeTimeoutMs \(5000\), not 5000/,
    )
    expect(() => queueOf({ lingerMs: 60_000 })).toThrow(/must be less than acknowledgeTimeoutMs/)
    expect(() => queueOf({ lingerMs: 4999, acknowledgeTimeoutMs: 5000 })).not.toThrow()
  })
})

describe('what else a queue is told', () => {
  const cases: [string, unknown, RegExp][] = [
    ['a typo', { visibiltyTimeoutMs: 5 }, /visibiltyTimeoutMs.*Did you mean "visibilityTimeoutMs"/],
    ['a typo inside backoff', { backoff: { baseMS: 1 } }, /baseMS.*Did you mean "baseMs"/],
    ['a typo inside retention', { retention: { deadCnt: 1 } }, /deadCnt.*Did you mean "deadCount"/],
    ['a typo inside runtime', { runtime: { clok: 1 } }, /clok.*Did you mean "clock"/],
    ['a name that no key can carry', { name: 'a/b' }, /"name" must be/],
    ['a name that begins with a dot', { name: '.a' }, /"name" must be/],
    ['a name that is too long for a key', { name: 'n'.repeat(101) }, /"name" must be 1 to 100/],
    ['an empty name', { name: '' }, /"name" must be/],
    ['no name', { name: undefined }, /"name" must be/],
    ['a namespace that is too long', { namespace: 'n'.repeat(101) }, /"namespace" must be 1 to 100/],
    ['a store that is none', { store: {} }, /"store" must be an object store/],
    ['no store', { store: undefined }, /"store" must be an object store/],
    ['a schema that is none', { schema: { parse: () => {} } }, /"schema" must be a Standard Schema/],
    ['a logger that is none', { logger: { log: () => {} } }, /"logger" must have the methods warn and error/],
    ['a transport that is none', { transport: {} }, /"transport" must be a transport/],
    ['a backoff that is an array', { backoff: [] }, /createQueue.backoff: .*must be an object, not an array/],
    [
      'a longest wait under the first',
      { backoff: { baseMs: 60_000, maxMs: 30_000 } },
      /"maxMs" must be at least baseMs \(60000\)/,
    ],
    [
      'a clock that is none',
      { runtime: { clock: {} } },
      /createQueue.runtime: .*"clock" must have the methods now, monotonic/,
    ],
    ['a random source that is none', { runtime: { random: Math } }, /"random" must have the methods next/],
    ['ids that are none', { runtime: { ids: { ulid: () => 'x' } } }, /"ids" must have the methods ulid, nonce/],
    [
      'a store that cannot list',
      { store: { ...store, list: undefined } },
      /"store" must be an object store with get, put, delete and list/,
    ],
    ['a store that cannot delete', { store: { ...store, delete: undefined } }, /"store" must be/],
    ['a backoff that is no object', { backoff: 'exponential' }, /createQueue.backoff: .*must be an object/],
    ['a retention that is null', { retention: null }, /createQueue.retention: .*must be an object, not null/],
  ]
  it.each(cases)('refuses %s', (_, change, message) => {
    const create = (): unknown => createQueue({ name: 'jobs', store, ...(change as object) } as QueueOptions)
    expect(create).toThrow(InvalidOption)
    expect(create).toThrow(message)
  })

  it.each([undefined, null, 'jobs'])('refuses %s for options', (options) => {
    expect(() => createQueue(options as never)).toThrow(InvalidOption)
  })

  it('takes the longest names there can be, and works with them', async () => {
    const { open, run } = createWorld()
    const queue = open<number>({ name: 'n'.repeat(100), namespace: 's'.repeat(100) })
    queue.process(() => {}, { workerId: 'w'.repeat(60) })
    await run(queue.enqueue(1, { id: 'i'.repeat(200), deduplicationKey: 'k'.repeat(200) }))
    await run(queue.drain())
    expect(await run(queue.getStats())).toMatchObject({ completed: 1 })
    await run(queue.close())
  })
})

describe('numbers of a worker', () => {
  itKeeps(
    [
      ['concurrency', 1, 10_000],
      ['timeLimitMs', 1, DAY],
      ['maxPrefetch', 0, 100_000],
    ],
    'process',
    (options) => resolveProcessOptions(options as ProcessOptions),
  )

  it.each([{ concurency: 3 }, { autoExtend: 'yes' }, { workerId: 'a/b' }, { workerId: 'w'.repeat(61) }, null])(
    'and what else it is told: %o is refused',
    (options) => {
      const { open } = createWorld()
      expect(() => open().process(() => {}, options as never)).toThrow(InvalidOption)
    },
  )

  it('a handler is a function', () => {
    const { open } = createWorld()
    expect(() => open().process('handler' as never)).toThrow(/takes a function/)
  })
})

it('no number is left out', () => {
  const { retention, backoff, ...queue } = resolveQueueOptions({ name: 'jobs', store })
  const numbers = Object.entries({ ...queue, ...retention, ...backoff, ...resolveProcessOptions() })
    .filter(([, value]) => typeof value === 'number')
    .map(([option]) => option)
  // Of the runtime: no user needs it.
  expect(new Set(numbers)).toEqual(new Set([...tested, 'snapshotAfterCommits']))
})

describe('numbers of a call', () => {
  const YEAR = 366 * DAY
  const enqueueing: readonly Bounds[] = [
    ['priority', -1000, 1000],
    ['maxAttempts', 1, 1000],
  ]
  it.each(enqueueing.map((bounds) => [bounds[0], bounds] as const))(
    '%s of a message is kept within its bounds',
    async (option, bounds) => {
      const { open, run, store } = createWorld()
      const queue = open<string>()
      for (const value of outOf(bounds)) {
        const enqueued = queue.enqueue('x', { [option]: value } as EnqueueOptions)
        await expect(run(enqueued)).rejects.toThrow(`"${option}" must be`)
      }
      expect(store.size).toBe(0)
      for (const value of bounds.slice(1)) await run(queue.enqueue('x', { [option]: value } as EnqueueOptions))
      await run(queue.close())
    },
  )

  it.each([-1, YEAR + 1, 0.5, Number.NaN, '5', null])('a delay of %s is refused', async (delayMs) => {
    const { open, run, store } = createWorld()
    const queue = open<string>()
    await expect(run(queue.enqueue('x', { delayMs } as never))).rejects.toThrow('"delayMs" must be a whole number')
    expect(store.size).toBe(0)
    await run(queue.close())
  })

  it('a moment is at most a year ahead, by the time of the store', async () => {
    const { open, run, clock, store } = createWorld()
    // The machine's clock is two years behind.
    const queue = open<string>({ store: createMemoryStore({ clock: { ...clock, now: () => clock.now() + 2 * YEAR } }) })
    const now = clock.now() + 2 * YEAR
    for (const at of [1e300, now + YEAR + HOUR, new Date(now + YEAR + HOUR)])
      await expect(run(queue.enqueue('x', { at }))).rejects.toThrow(/"at" must be at most a year ahead/)
    await run(queue.enqueue('x', { at: now + YEAR - HOUR }))
    expect(await run(queue.getStats())).toMatchObject({ delayed: 1, total: 1 })
    await run(queue.close())
    expect(store.size).toBe(0)
  })

  it('a moment is at most a year past: one in seconds would be in 1970', async () => {
    const { open, run, clock } = createWorld()
    const store = createMemoryStore({ clock: { ...clock, now: () => clock.now() + 2 * YEAR } })
    const queue = open<string>({ store })
    const now = clock.now() + 2 * YEAR
    for (const at of [Math.floor(now / 1000), 0, new Date(now - YEAR - HOUR)])
      await expect(run(queue.enqueue('x', { at }))).rejects.toThrow(/at most a year in the past.*not seconds/)
    await run(queue.enqueue('x', { at: now - YEAR + HOUR }))
    expect(await run(queue.getStats())).toMatchObject({ waiting: 1, total: 1 })
    await run(queue.close())
  })

  it.each([
    ['drain', { maxMessages: 0 }],
    ['drain', { deadlineMs: -1 }],
    ['drain', { maxMesages: 5 }],
    ['drain', { includeDelayed: 'no' }],
    ['drain', { signal: {} }],
    ['list', { status: 'dead', limit: 1001 }],
    ['list', { status: 'dead', after: 5 }],
    ['waitFor', { signal: {} }],
    ['waitFor', { signal: null }],
    ['events', { signal: 'now' }],
    ['events', { names: 5 }],
    ['follow', { signal: new AbortController() }],
    ['follow', { names: 5 }],
    ['waitFor', { sginal: 1 }],
    ['events', { names: ['finished'] }],
    ['events', { name: ['died'] }],
    ['processNext', { concurrency: 2 }],
    ['stop', { timeoutMs: -1 }],
    ['stop', { timeout: 5 }],
  ])('%s(%o) is refused', async (call, options) => {
    const { open, run } = createWorld()
    const queue = open<string>()
    const calls: Record<string, (given: never) => unknown> = {
      drain: (given) => queue.drain(given),
      list: (given) => queue.list(given),
      waitFor: (given) => queue.waitFor('x', given),
      events: (given) => queue.events(given),
      follow: (given) => queue.follow(given),
      processNext: (given) => queue.processNext(() => {}, given),
      stop: (given) => queue.process(() => {}).stop(given),
    }
    await expect((async () => calls[call]?.(options as never))()).rejects.toThrow(InvalidOption)
    await run(queue.close())
  })
})
