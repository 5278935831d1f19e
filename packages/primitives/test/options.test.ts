import { InvalidOption, InvalidRequest } from '@s3queue/storage'
import { describe, expect, it } from 'vitest'
import { CasObject, createFencedLog, createLock, Lease } from '../src/index.ts'
import { createRig, type Rig } from './rig.ts'

const OWNER = { key: 'q/x', owner: 'a', durationMs: 1000 }

/** Each primitive, made with these options beside those that it needs. */
const PRIMITIVES: readonly (readonly [name: string, make: (tools: Rig['tools'], more: object) => unknown])[] = [
  ['CasObject', (tools, more) => new CasObject({ ...tools, key: 'q/x', ...more })],
  ['Lease', (tools, more) => new Lease({ ...tools, ...OWNER, ...more })],
  ['createLock', (tools, more) => createLock({ ...tools, ...OWNER, ...more })],
  ['createFencedLog', (tools, more) => createFencedLog({ ...tools, prefix: 'q/', ...more })],
]

describe.each(PRIMITIVES)('the options of %s', (name, make) => {
  const { tools, memory } = createRig()
  const cases: [string, object, RegExp][] = [
    ['a name that is not known', { maxMS: 5 }, /"maxMS" is not known. Did you mean "maxMs"/],
    ['a store that is none', { store: {} }, /"store" must be an object store/],
    ['no clock', { clock: undefined }, /"clock" must be/],
    ['no randomness', { random: undefined }, /"random" must be/],
    ['no ids', { ids: undefined }, /"ids" must be/],
    ['a negative wait', { baseMs: -1 }, /"baseMs" must be/],
    ['a wait that is no number', { maxMs: 'long' }, /"maxMs" must be/],
  ]
  it.each(cases)('refuse %s', (_, more, message) => {
    expect(() => make(tools, more)).toThrow(InvalidOption)
    expect(() => make(tools, more)).toThrow(message)
    expect(() => make(tools, more)).toThrow(new RegExp(`^${name}: `))
  })

  it('are taken when they are right, without a request', () => {
    make(tools, { baseMs: 0, maxMs: 100, onTrouble: () => {} })
    expect(memory.size).toBe(0)
  })
})

it('a lease and a lock need a duration, an owner, and a key that a store can carry', () => {
  const { tools } = createRig()
  for (const create of [(more: object) => new Lease({ ...tools, ...OWNER, ...more }), lockOf(tools)]) {
    expect(() => create({ durationMs: undefined })).toThrow(/"durationMs" must be/)
    expect(() => create({ owner: '' })).toThrow(/"owner" must be/)
    expect(() => create({ key: 'a//b' })).toThrow(InvalidRequest)
    expect(() => create({ key: 'k'.repeat(256) })).toThrow(InvalidRequest)
  }
  expect(() => lockOf(tools)({ pollMs: 0 })).toThrow(/"pollMs" must be/)
})

function lockOf(tools: Rig['tools']): (more: object) => unknown {
  return (more) => createLock({ ...tools, ...OWNER, ...more })
}
