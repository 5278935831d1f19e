import { expect, it } from 'vitest'
import { applyEvent } from '../../src/state/apply.ts'
import { emptyState } from '../../src/state/model.ts'
import { findOverdue } from '../../src/state/payload-keys.ts'

const DAY = 24 * 3_600_000
const T0 = 1_700_000_000_000

it('a payload object is overdue once it has been unnamed for more than a day', () => {
  const state = emptyState()
  const at = (ms: number): void => applyEvent(state, { type: 'time', at: T0 + ms })
  at(0)
  expect(state.payloadKeys.sweptAt).toBe(T0)
  applyEvent(state, { type: 'unnamed', payloadKeys: ['a', 'b'] })
  at(3000)
  applyEvent(state, { type: 'unnamed', payloadKeys: ['b', 'c'] })
  expect(state.payloadKeys.sweptAt).toBe(T0 + 3000)
  at(DAY)
  expect(findOverdue(state)).toEqual([])
  at(DAY + 1)
  expect(findOverdue(state)).toEqual(['a', 'b'])
  applyEvent(state, { type: 'abandoned', payloadKeys: ['a', 'b'] })
  expect(findOverdue(state)).toEqual([])
  expect([...state.payloadKeys.garbage]).toEqual(['a', 'b'])
  applyEvent(state, { type: 'unnamed', payloadKeys: ['a'] })
  expect([...state.payloadKeys.unnamed.keys()]).toEqual(['c'])
  applyEvent(state, { type: 'collected', payloadKeys: ['a', 'b'] })
  expect(state.payloadKeys.garbage.size).toBe(0)
})
