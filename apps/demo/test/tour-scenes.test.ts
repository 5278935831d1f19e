/** Each scene of the tour holds on an honest queue, and notices a queue that lies about what the scene shows. */
import { readdir } from 'node:fs/promises'
import { type EnqueueOptions, type Handler, Outcome, type Queue, retry } from '@s3queue/core'
import { describe, expect, it } from 'vitest'
import { PROGRAM } from '../src/tour/program.ts'
import { type Lie, playAlone, type Setting } from './lone-scene.ts'

it('the program names the files of all scenes', async () => {
  const files = await readdir(new URL('../src/tour/scenes/', import.meta.url))
  expect(
    Object.keys(PROGRAM)
      .map((name) => `${name}.ts`)
      .sort(),
  ).toEqual(files.sort())
})

describe.concurrent('scenes hold, and say what they do', () => {
  it.each(Object.keys(PROGRAM))('%s', async (name) => {
    const { lines, wrong, checks, failed, ended } = await playAlone(name)
    expect({ wrong, failed, ended }).toEqual({ wrong: [], failed: 0, ended: true })
    expect(checks).toBeGreaterThan(0)
    expect(lines.filter((line) => line.startsWith('✓'))).toHaveLength(checks)
    expect(lines.length).toBeGreaterThan(checks)
    expect(lines.join('\n')).not.toMatch(/undefined|NaN|\[object/)
  })
})

/** Enqueues with other options than were asked for. */
function enqueueing(change: (options: EnqueueOptions) => EnqueueOptions): Lie {
  return (queue) => ({ enqueue: (payload, options = {}) => queue.enqueue(payload, change(options)) })
}

/** Handles with what `change` makes of the handler. */
function handling(change: (handler: Handler<unknown>) => Handler<unknown>): Lie {
  return (queue) => ({ process: (handler, options) => queue.process(change(handler), options) })
}

function asPlainErrors(handler: Handler<unknown>): Handler<unknown> {
  return (message, context) => {
    try {
      return handler(message, context)
    } catch (error) {
      throw new Error(String(error))
    }
  }
}

function withOutcomes(change: (outcome: Outcome) => unknown): Lie {
  return handling((handler) => (message, context) => {
    const returned = handler(message, context)
    return returned instanceof Outcome ? change(returned) : returned
  })
}

const drainsAll: Lie = (queue) => ({ drain: () => queue.drain({ includeDelayed: false }) })

const forgetsWhilePaused: Lie = (queue) => ({
  async resume() {
    await queue.purge()
    return queue.resume()
  },
})

const losesABit: Lie = (queue) => ({
  enqueueMany: (payloads) =>
    queue.enqueueMany(payloads.map((bytes) => (bytes instanceof Uint8Array ? bytes.map((byte) => byte & 127) : bytes))),
})

function hiding(key: 'log' | 'progress', value: unknown): Lie {
  return (queue) => ({
    async get(id) {
      const message = await queue.get(id)
      return message && { ...message, ...(message.progress === undefined ? {} : { [key]: value }) }
    },
  })
}

function counting(extra: Partial<Awaited<ReturnType<Queue<unknown>['getStats']>>>): Lie {
  return (queue) => ({ getStats: async () => ({ ...(await queue.getStats()), ...extra }) })
}

type Case = readonly [scene: string, lie: string, setting: Setting, wrong: readonly string[]]

const CASES: readonly Case[] = [
  [
    'delays',
    'hands out at once',
    { lie: enqueueing(({ delayMs: _, at: __, ...options }) => options) },
    ['none before its time'],
  ],
  [
    'priority',
    'pays no heed to priorities',
    { lie: enqueueing((options) => ({ ...options, priority: 0 })) },
    ['the highest first, equals as they came'],
  ],
  [
    'backoff',
    'waits too short',
    { lie: enqueueing((options) => ({ ...options, backoff: { baseMs: 1 } })) },
    ['none before its wait was over'],
  ],
  [
    'backoff',
    'gives up too early',
    { lie: enqueueing((options) => ({ ...options, maxAttempts: 2 })) },
    ['three attempts', 'none before its wait was over'],
  ],
  [
    'outcomes',
    'counts a snooze as an attempt',
    { lie: withOutcomes(({ ms }) => retry({ afterMs: ms })) },
    ['a snooze costs none'],
  ],
  [
    'outcomes',
    'comes back too early',
    { lie: withOutcomes(({ kind }) => new Outcome(kind, { ms: 0 })) },
    ['both came back, and not too early'],
  ],
  [
    'duplicates',
    'knows nothing again',
    { lie: enqueueing(() => ({})) },
    ['four calls, two messages', 'the id is still known when its message is done'],
  ],
  [
    'cancel',
    'cancels nothing',
    { lie: () => ({ cancel: async () => true }) },
    ['it is gone', 'its handler is told', 'what it returns does not count'],
  ],
  ['progress', 'tells another progress', { lie: hiding('progress', 0) }, ['progress is seen from outside']],
  ['progress', 'hides the log', { lie: hiding('log', []) }, ['so is the log']],
  ['progress', 'loses the result', { lie: () => ({ waitFor: async () => undefined }) }, ['and the result']],
  [
    'dead-letters',
    'tries what is not retriable',
    { lie: handling(asPlainErrors) },
    ['what is not retriable is not tried again'],
  ],
  [
    'dead-letters',
    'tries too often',
    { lie: enqueueing((options) => ({ ...options, maxAttempts: 3 })) },
    ['tried as often as maxAttempts says'],
  ],
  ['pause', 'does not pause', { lie: () => ({ pause: async () => true }) }, ['nothing is handed out']],
  ['pause', 'forgets what came', { lie: forgetsWhilePaused }, ['what came meanwhile is not lost']],
  [
    'payloads',
    'keeps all in the commit',
    { options: { offloadAboveBytes: 1 << 20 } },
    ['what is above offloadAboveBytes (256 KiB) is apart, the rest in the commit'],
  ],
  ['payloads', 'takes bytes for ASCII', { lie: losesABit }, ['both arrive byte for byte']],
  ['one-shot', 'knows no bounds', { lie: drainsAll }, ['no more than it was told to', 'no longer than it was told to']],
  [
    'one-shot',
    'has always handled one',
    { lie: (queue) => ({ processNext: async (handler) => (await queue.processNext(handler)) || true }) },
    ['and then there is none'],
  ],
  [
    'balance',
    'counts a completion too many',
    { lie: counting({ completed: 1 }) },
    ['as many completions as the events have told of'],
  ],
  ['balance', 'has something left', { lie: counting({ delayed: 1 }) }, ['nothing is left over']],
  [
    'balance',
    'counts a request less',
    { lie: (queue) => ({ getCost: () => ({ ...queue.getCost(), requests: queue.getCost().requests - 1 }) }) },
    ['the store has counted as many requests'],
  ],
]

describe.concurrent('scenes notice a queue that', () => {
  it.each(CASES)('in %s %s', async (name, _, setting, expected) => {
    const { wrong, failed, ended } = await playAlone(name, setting)
    expect({ wrong, failed, ended }).toEqual({ wrong: expected, failed: expected.length, ended: true })
  })
})

describe.concurrent('a scene that goes wrong', () => {
  it('has failed, with the error', async () => {
    const { wrong, failed, ended } = await playAlone('dead-letters', { lie: () => ({ redrive: async () => 1 }) })
    expect({ failed, ended }).toEqual({ failed: 1, ended: false })
    expect(wrong[0]).toMatch(/^the scene plays to its end \(.* went to the dead letters/)
  })

  it('does not hang', async () => {
    const never = (): Promise<never> => new Promise(() => {})
    const seen = await playAlone('progress', { lie: () => ({ waitFor: never }), limitMs: 1000 })
    expect(seen).toMatchObject({ wrong: ['the scene plays to its end (It is not done after 1 s.)'], ended: false })
  })

  it('is not blamed when the user stops it', async () => {
    const reason = new Error('Stopped by the user.')
    await expect(playAlone('progress', { interrupt: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})
