import { describe, expect, it } from 'vitest'
import { huntMutant } from '../../../core/test/sim/run/mutant.ts'
import { MUTANTS } from './run/mutants.ts'
import { PODS } from './run/pods.ts'

/** A defect that is not found in so many worlds counts as not found. */
const MOST_SEEDS = 100

describe('planted defects of many processes that the simulation finds', () => {
  it.each(MUTANTS)('$name', { timeout: 120_000 }, async (mutant) => {
    expect(await huntMutant(PODS, mutant, MOST_SEEDS)).toMatch(mutant.finds)
  })
})
