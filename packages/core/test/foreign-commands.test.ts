import { InvalidOption } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { encodeInbox } from '../src/engine/inbox-codec.ts'
import { findBadCommand } from '../src/state/command-check.ts'
import type { Command } from '../src/state/commands.ts'
import { createWorld, record } from './support.ts'

const enqueue = (seq: number): Command => ({
  ...{ type: 'enqueue', sender: 'ANOTHERSENDER000', seq, count: 1, maxAttempts: 3, priority: 0, visibleAt: 0 },
})

describe('an id that is none', () => {
  it.each([undefined, null, 5, {}, ['x']])('is refused by every call that takes one: %o', async (id) => {
    const { open, run } = createWorld()
    const queue = open<string>()
    const calls = [queue.get, queue.getPayload, queue.waitFor, queue.cancel, queue.release]
    for (const call of calls) {
      const refused = call.call(queue, id as never)
      await expect(refused).rejects.toThrow(InvalidOption)
      await expect(refused).rejects.toThrow(`${call.name}: the option "id" must be the id of a message, a string`)
    }
    await run(queue.close())
  })
})

describe('commands from elsewhere that this version does not know', () => {
  it('are left where they are with what came with them, are reported, and the rest goes on', async () => {
    const { open, run, store, clock } = createWorld()
    const writer = open<string>()
    const troubles = record(writer, 'trouble')
    const handled: string[] = []
    writer.process(({ payload }) => void handled.push(payload))
    await run(writer.enqueue('first'))
    const later = { type: 'control', sender: 'ANOTHERSENDER000', seq: 1, action: { kind: 'rename', id: 5 } }
    const key = [...store.snapshot().keys()].find((each) => each.includes('/log/'))?.replace(/\/log\/.*/, '/inbox/')
    const name = `${key}01ARZ3NDEKTSV4RRFFQ69G5FAV-ANOTHERSENDER000`
    const body = encodeInbox({ key: name, sender: 'ANOTHERSENDER000' }, [enqueue(0), later as never], ['"kept"'])
    await run(store.put(name, body, { condition: { kind: 'create' } }))
    const producer = open<string>()
    await run(producer.enqueue('second'))
    await clock.advance(30_000)
    expect(handled).toEqual(['first', 'second'])
    expect(String(troubles[0]?.event.error)).toMatch(/a command that this version does not know/)
    expect([...store.snapshot().keys()].filter((each) => each.includes('/inbox/'))).toHaveLength(1)
    await run(producer.close())
    await run(writer.close())
  })

  it.each([
    ['what is no list', {}, 0, /no commands/],
    ['another type', [{ type: 'x' }], 0, /does not know, though a later one may: {"type":"x"}/],
    ['a name of every object', [{ type: 'constructor' }], 0, /does not know/],
    ['an enqueue without its settings', [{ ...enqueue(0), maxAttempts: undefined }], 1, /does not know/],
    ['an enqueue without a payload', [enqueue(0)], 0, /enqueues 1 messages and holds 0/],
    ['a payload without an enqueue', [], 1, /enqueues 0 messages and holds 1/],
    ['a settlement of another kind', [{ type: 'settle', settlements: [{ token: 1, kind: 'praise' }] }], 0, /not know/],
    ['a settlement without a token', [{ type: 'settle', settlements: [{ kind: 'complete' }] }], 0, /not know/],
    ['an action without an id', [{ type: 'control', sender: 's', seq: 1, action: { kind: 'cancel' } }], 0, /not know/],
    [
      'ids that are none',
      [{ type: 'control', sender: 's', seq: 1, action: { kind: 'forget', ids: [5] } }],
      0,
      /not know/,
    ],
    ['a notice of nobody', [{ type: 'notice', number: 1 }], 0, /not know/],
  ])('are told by their parts: %s', (_, commands, payloads, problem) => {
    expect(findBadCommand(commands, payloads)).toMatch(problem)
  })

  it('are not those of this version', () => {
    const action = (kind: string, more = {}): unknown => ({
      type: 'control',
      sender: 's',
      seq: 1,
      action: { kind, ...more },
    })
    const settlements = [
      { kind: 'complete' },
      { kind: 'complete', result: '{"a":1}' },
      { kind: 'fail', name: 'Error', message: 'no', retriable: true },
      { kind: 'reject', name: 'Error', message: 'no' },
      { kind: 'snooze', ms: 5 },
      { kind: 'release', started: false },
    ].map((settlement) => ({ token: 1, ...settlement }))
    const commands = [
      enqueue(0),
      { type: 'settle', settlements },
      ...['pause', 'resume', 'purge', 'redrive'].map((kind) => action(kind)),
      ...['cancel', 'release'].map((kind) => action(kind, { id: 'x' })),
      ...['redrive', 'forget'].map((kind) => action(kind, { ids: ['x'] })),
      {
        type: 'notice',
        format: 99,
        worker: 'w',
        number: 1,
        capacity: 0,
        overCapacity: 0,
        concurrency: 1,
        rate: 0,
        silentForMs: 1,
        seen: 0,
      },
    ]
    expect(findBadCommand(commands, 1)).toBeUndefined()
  })
})
