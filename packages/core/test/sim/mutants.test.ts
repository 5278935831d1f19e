import { describe, expect, it } from 'vitest'
import { CORE } from './run/core-subject.ts'
import { loadCore } from './run/load-core.ts'
import { huntMutant } from './run/mutant.ts'
import { MUTANTS } from './run/mutants.ts'

/** A defect that is not found in so many worlds counts as not found. */
const MOST_SEEDS = 600

describe('planted defects that the simulation finds', () => {
  it.each(MUTANTS)('$name', { timeout: 180_000 }, async (mutant) => {
    expect(await huntMutant(CORE, mutant, MOST_SEEDS)).toMatch(mutant.finds)
  })
})

describe('planting a defect', () => {
  it('fails when the text is not in the source, or there more than once', async () => {
    const patch = { file: 'core/src/expire.ts', from: 'no such text', to: '' }
    await expect(loadCore([patch], CORE.entry)).rejects.toThrow(/holds "no such text" 0 times/)
    await expect(loadCore([{ ...patch, from: 'const' }], CORE.entry)).rejects.toThrow(
      /holds "const" \d+ times, not once/,
    )
    await expect(loadCore([{ ...patch, file: 'core/src/none.ts' }], CORE.entry)).rejects.toThrow(
      /No file core\/src\/none.ts/,
    )
  })
})
