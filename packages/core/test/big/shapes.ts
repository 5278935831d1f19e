/** Backlogs of several shapes, as the commits that a writer would have made of them. */
import type { FailureText, QueueEvent } from '../../src/state/events.ts'

export interface Commit {
  readonly events: QueueEvent[]
  readonly payloads: string[]
}

export type ShapeName = 'batches-256' | 'batches-1000' | 'single' | 'delayed' | 'ids' | 'dead' | 'details' | 'results'

export interface Shape {
  readonly about: string
  /** The commits in which `count` messages come. */
  commits(count: number): Iterable<Commit>
}

type Enqueued = Extract<QueueEvent, { type: 'enqueued' }>

const SENDERS = ['SENDERSENDERSEND', 'OTHERSOTHERSOTHE'] as const
const PER_COMMIT = 10_000
const START = 1_700_000_000_000

const TOGETHER = 250
const ATTEMPTS = 3
const TEXT_CHARS = 2000
const RESULT_CHARS = 65_000
const CENTURY_MS = 36_525 * 24 * 3_600_000

/** Everything is remembered. */
const RETENTION = {
  ...{ completedCount: 100_000, completedAgeMs: CENTURY_MS, completedBytes: 2 ** 40 },
  ...{ deadCount: 1_000_000, deadAgeMs: CENTURY_MS },
}

/** Messages that have ended, some at a time. `end`: what is recorded of each claim of an attempt. */
function ended(about: string, attempts: number, end: (token: number, attempt: number) => QueueEvent): Shape {
  return {
    about,
    *commits(count) {
      yield { events: [{ type: 'configured', retention: RETENTION }], payloads: [] }
      let [nextRun, nextToken] = [1, 1]
      for (let first = 0; first < count; first += TOGETHER) {
        const many = Math.min(TOGETHER, count - first)
        const time: QueueEvent = { type: 'time', at: START + first }
        const payloads = Array.from({ length: many }, (_, i) => `{"number":${first + i}}`)
        yield { events: [time, plain({ sender: SENDERS[0], seq: first, count: many })], payloads }
        let runs = [nextRun, many]
        nextRun++
        for (let attempt = 1; attempt <= attempts; attempt++) {
          const claimed: QueueEvent = { type: 'claimed', worker: 'WORKERWORK', token: nextToken, timeoutMs: 1000, runs }
          const ends = Array.from({ length: many }, (_, i) => end(nextToken + i, attempt))
          yield { events: [claimed, ...ends], payloads: [] }
          nextToken += many
          if (attempt === attempts) continue
          runs = Array.from({ length: many }, (_, i) => [nextRun + i, 1]).flat()
          nextRun += many
        }
      }
    },
  }
}

const failure = (token: number) => ({ token, name: 'Error', message: `${token} `.padEnd(TEXT_CHARS, 'why ') })

/** A failure with a short message, and all else that a handler's error and its report may add. */
function detailed(token: number): FailureText {
  const cause = { name: 'TypeError', message: `${token} fetch failed`, cause: { name: 'Error', message: 'refused' } }
  return {
    ...{ name: 'Error', message: `no ${token}`, progress: `"${token} ${'.'.repeat(1000)}"` },
    more: JSON.stringify({ code: 'E', cause, stack: `    at work (file:///app/${token}.js:1:1)\n`.repeat(80) }),
    log: Array.from({ length: 8 }, (_, line) => `${token} ${line} `.padEnd(250, 'then ')),
  }
}

/** In batches of `size`, so many of them in a commit that it carries ten thousand messages. */
function batchesOf(size: number): Shape {
  return {
    about: `in batches of ${size.toLocaleString('en')}`,
    *commits(count) {
      yield* gather(count, size, (seq, many) => plain({ sender: SENDERS[0], seq, count: many }))
    },
  }
}

/**
 * One by one, from two processes that take turns: so no message continues the one before, and each has an event, a batch and a run of
 * its own. From one process they would come as batches, however they were enqueued.
 */
function single(about: string, more: (n: number) => Partial<Enqueued> = () => ({})): Shape {
  return {
    about,
    *commits(count) {
      yield* gather(count, 1, (n) => ({
        ...plain({ sender: SENDERS[(n % 2) as 0 | 1], seq: Math.floor(n / 2), count: 1 }),
        ...more(n),
      }))
    },
  }
}

export const shapes: Readonly<Record<ShapeName, Shape>> = {
  'batches-256': batchesOf(256),
  'batches-1000': batchesOf(1000),
  single: single('one by one'),
  delayed: single('one by one, each delayed by another time', (n) => ({ visibleAt: START + 1e9 + ((n * 7919) % 1e6) })),
  ids: single('one by one, each with an id of its own', (n) => ({
    extras: { id: `order-${n}-of-customer`, windowMs: 300_000 },
  })),
  dead: ended('dead letters with three failures of 2,000 characters', ATTEMPTS, (token, attempt) =>
    attempt === ATTEMPTS
      ? { type: 'died', reason: 'attempts-used-up', ...failure(token) }
      : { type: 'retried', visibleAt: 0, ...failure(token) },
  ),
  details: ended('dead letters whose failures have stacks, causes, progress and logs', ATTEMPTS, (token, attempt) => {
    if (attempt === 1) return { type: 'retried', token, visibleAt: 0, ...detailed(token) }
    if (attempt < ATTEMPTS) return { type: 'expired', tokens: [token], failures: [[token, detailed(token)]] }
    return { type: 'died', token, reason: 'timed-out', ...detailed(token) }
  }),
  results: ended('completed ones with results of 65,000 characters', 1, (token) => ({
    type: 'completed',
    tokens: [token],
    results: [[token, JSON.stringify(`${token} `.padEnd(RESULT_CHARS, 'so '))]],
  })),
}

function plain(event: Pick<Enqueued, 'sender' | 'seq' | 'count'>): Enqueued {
  return { type: 'enqueued', ...event, maxAttempts: 3, priority: 0, visibleAt: 0 }
}

function* gather(count: number, size: number, eventOf: (first: number, count: number) => Enqueued): Iterable<Commit> {
  for (let first = 0; first < count; ) {
    const commit: Commit = { events: [{ type: 'time', at: START + first }], payloads: [] }
    while (first < count && commit.payloads.length < PER_COMMIT) {
      const many = Math.min(size, count - first)
      commit.events.push(eventOf(first, many))
      for (let i = first; i < first + many; i++) commit.payloads.push(`{"to":"user${i}@example.com","number":${i}}`)
      first += many
    }
    yield commit
  }
}
