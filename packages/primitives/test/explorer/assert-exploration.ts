/** What a test asks of an exploration, with the trace in the message. */
import { expect } from 'vitest'
import { type Exploration, explore } from './engine/explore.ts'
import { loadPrimitives } from './subjects/code-under-test.ts'
import type { Configuration } from './subjects/configurations.ts'

export function traceOf({ violation }: Exploration): string {
  return violation === undefined ? 'no violation' : [violation.message, ...violation.trace].join('\n  ')
}

/** Explores a configuration to its end: no violation, and nothing left out. */
export async function assertExhausted(configuration: Configuration): Promise<void> {
  const { name, scenario, atLeast, patches } = configuration
  const exploration = await explore(scenario(await loadPrimitives(patches, true)))
  const { states, steps, behaviours, answers, exhausted } = exploration
  console.log(`${name}: ${states} states, ${steps} steps, ${behaviours} situations of a process, ${answers} answers`)
  expect(traceOf(exploration)).toBe('no violation')
  expect(exhausted).toBe(true)
  expect(states).toBeGreaterThan(atLeast)
}
