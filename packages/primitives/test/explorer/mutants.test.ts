import { describe, expect, it } from 'vitest'
import { traceOf } from './assert-exploration.ts'
import { explore } from './engine/explore.ts'
import { loadPrimitives } from './subjects/code-under-test.ts'
import { MUTANTS } from './subjects/mutants.ts'

describe('planted defects that the explorer finds', () => {
  it.each(MUTANTS)('$name', { timeout: 60_000 }, async ({ name, patches, scenario, finds }) => {
    const exploration = await explore(scenario(await loadPrimitives(patches)), { maxStates: 1_000_000 })
    console.log(`${name}: found within ${exploration.states} states\n  ${traceOf(exploration)}`)
    expect(exploration.violation?.message).toMatch(finds)
    expect(exploration.violation?.trace.length).toBeGreaterThan(2)
  })

  it('passes the same configurations without the defect', { timeout: 120_000 }, async () => {
    const code = await loadPrimitives([], true)
    for (const { name, scenario } of MUTANTS) {
      const exploration = await explore(scenario(code), { maxStates: 15_000 })
      expect(traceOf(exploration), name).toBe('no violation')
    }
  })
})

describe('planting a defect', () => {
  it('fails when the text is not in the source, or there more than once', async () => {
    const patch = { file: 'lease.ts', from: 'no such text', to: '' }
    await expect(loadPrimitives([patch])).rejects.toThrow(/holds "no such text" 0 times/)
    await expect(loadPrimitives([{ ...patch, from: 'const' }])).rejects.toThrow(/holds "const" \d+ times, not once/)
    await expect(loadPrimitives([{ ...patch, file: 'none.ts' }])).rejects.toThrow(/No file none.ts/)
  })
})
