import fc from 'fast-check'
import { describe, it } from 'vitest'
import * as machine from './machine.ts'
import { drive } from './pair.ts'
import { steps } from './steps.ts'

describe('the state machine', () => {
  it('does what a naive queue does, command by command', () => {
    fc.assert(
      fc.property(steps, (some) => drive(machine, some)),
      { numRuns: 600 },
    )
  })
})
