import { describe, expect, it } from 'vitest'
import { runCampaign } from './command/campaign.ts'
import { CORE } from './run/core-subject.ts'
import { loadCore } from './run/load-core.ts'
import { MUTANTS } from './run/mutants.ts'

/** A defect that is not found in so many worlds counts as not found. */
const MOST_SEEDS = 600

describe('planted defects that the simulation finds', () => {
  it.each(MUTANTS)('$name', { timeout: 180_000 }, async ({ name, patches, finds, weather }) => {
    const subject = { ...CORE, core: await loadCore(patches) }
    const { seeds, failures } = await runCampaign({ subject, from: 1, seeds: MOST_SEEDS, weather })
    const [failure] = failures
    console.log(`${name}: found in seed ${seeds}: ${failure?.violation?.message.split('\n')[0]}`)
    expect(failure?.violation?.message).toMatch(finds)
  })
})

describe('planting a defect', () => {
  it('fails when the text is not in the source, or there more than once', async () => {
    const patch = { file: 'core/src/expire.ts', from: 'no such text', to: '' }
    await expect(loadCore([patch])).rejects.toThrow(/holds "no such text" 0 times/)
    await expect(loadCore([{ ...patch, from: 'const' }])).rejects.toThrow(/holds "const" \d+ times, not once/)
    await expect(loadCore([{ ...patch, file: 'core/src/none.ts' }])).rejects.toThrow(/No file core\/src\/none.ts/)
  })
})
