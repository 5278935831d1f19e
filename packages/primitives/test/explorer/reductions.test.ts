/**
 * The explorer makes states equal that nobody can tell apart. Here it does without: the runs must end in the same histories, and with
 * the same reports of the processes.
 */
import { describe, expect, it } from 'vitest'
import type { Contents } from './engine/contents.ts'
import { explore } from './engine/explore.ts'
import type { Monitor, Scenario } from './engine/scenario.ts'
import { loadPrimitives } from './subjects/code-under-test.ts'
import type { LogHistory } from './subjects/log-monitor.ts'
import { LOG_DEFAULTS, type LogBounds, type LogFaults, logScenario } from './subjects/log-scenario.ts'
import { MUTANTS } from './subjects/mutants.ts'

interface Told {
  readonly history: LogHistory
  readonly reports: readonly string[]
}

/** The same scenario, with all reports kept. */
function telling(scenario: Scenario<LogHistory>): Scenario<Told> {
  const { removable, isDead, isSettled, monitor, ...rest } = scenario
  const told = (contents: Contents): Monitor<Told> => {
    const inner = monitor(contents)
    return {
      start: { history: inner.start, reports: [] },
      encode: ({ history, reports }) => `${inner.encode(history)} ${reports.join(' ')}`,
      written: ({ history, reports }, at) => ({ history: inner.written(history, at), reports }),
      reported: ({ history, reports }, event, process) => ({
        history: inner.reported(history, event, process),
        reports: [...reports, `${process} ${JSON.stringify(event)}`].sort(),
      }),
    }
  }
  return {
    ...rest,
    monitor: told,
    removable: removable && ((objects, { history }) => removable(objects, history)),
    isDead: isDead && ((write, objects, { history }) => isDead(write, objects, history)),
    isSettled: isSettled && ((request, objects, { history }) => isSettled(request, objects, history)),
  }
}

async function outcomes(bounds: Partial<LogBounds>, faults: LogFaults, reduced: boolean): Promise<Set<string>> {
  const code = await loadPrimitives([], reduced)
  const seen = new Set<string>()
  const scenario = telling(logScenario(code, { ...LOG_DEFAULTS, ...bounds }, faults))
  const exploration = await explore(scenario, {
    reductions: reduced,
    onEnd({ history, reports }, contents) {
      const slots = history.slots.map((content) => contents.textOf(content))
      seen.add(JSON.stringify([slots, history.base, reports]))
    },
  })
  expect(exploration.violation).toBeUndefined()
  expect(exploration.exhausted).toBe(true)
  return seen
}

const CASES: readonly (readonly [string, Partial<LogBounds>, LogFaults, number])[] = [
  ['two candidates', { slots: 3, faults: 0 }, {}, 17],
  ['two candidates, one unknown outcome', { slots: 2, faults: 1 }, {}, 13],
  ['a write sent twice', { slots: 2, faults: 1 }, { doubleSend: true, snapshots: true }, 13],
  ['a follower', { slots: 2, takeOvers: 1, followers: 1, faults: 1 }, {}, 5],
  ['a follower that the base overtakes', { slots: 3, takeOvers: 1, followers: 1, refreshes: 1, faults: 0 }, {}, 5],
  ['three candidates, two at a time', { slots: 2, takeOvers: 3, faults: 0 }, {}, 20],
]

describe('what the explorer leaves out makes no difference', () => {
  it.each(CASES)('%s', { timeout: 120_000 }, async (_name, bounds, faults, moreThan) => {
    const reduced = await outcomes(bounds, faults, true)
    const plain = await outcomes(bounds, faults, false)
    expect(reduced.size).toBeGreaterThan(moreThan)
    expect([...plain].filter((outcome) => !reduced.has(outcome))).toEqual([])
    expect([...reduced].filter((outcome) => !plain.has(outcome))).toEqual([])
  })
})

describe('planted defects', () => {
  it.each(MUTANTS.filter(({ isEndless }) => !isEndless))(
    '$name: found without leaving anything out',
    { timeout: 120_000 },
    async ({ patches, scenario, finds }) => {
      const code = await loadPrimitives(patches)
      const exploration = await explore(scenario(code), { reductions: false, maxStates: 3_000_000 })
      expect(exploration.violation?.message).toMatch(finds)
    },
  )
})
