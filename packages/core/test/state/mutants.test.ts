/** Defects of the state machine that the comparison with a naive queue must find: it would prove nothing if it let them live. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadPlanted } from '../sim/run/load-core.ts'
import { drive, type Machine } from './pair.ts'
import { steps } from './steps.ts'

const SETTLE = 'core/src/settle.ts'
const APPLY = 'core/src/state/apply.ts'
const NAMES = 'core/src/state/names.ts'
const RUNS = 'core/src/state/runs.ts'
const CONTROL = 'core/src/control.ts'

/** A text of a source file, and what is in its place. */
const MUTANTS: readonly (readonly [name: string, file: string, from: string, to: string])[] = [
  [
    'a settlement is taken whatever its token',
    SETTLE,
    'state.active.get(settlement.token)\n',
    'state.active.get(settlement.token) ?? state.active.values().next().value\n',
  ],
  ['a settlement that comes twice is taken twice', SETTLE, ' || seen.has(settlement.token)', ''],
  ['a failed attempt is not counted', APPLY, 'claim, claim.attempt, visibleAt', 'claim, claim.attempt - 1, visibleAt'],
  ['an attempt that timed out is not counted', APPLY, 'claim, claim.attempt, 0', 'claim, claim.attempt - 1, 0'],
  ['a snooze costs an attempt', APPLY, 'claim, claim.attempt - 1, visibleAt', 'claim, claim.attempt, visibleAt'],
  [
    'an attempt that never started counts',
    APPLY,
    'counted ? claim.attempt : claim.attempt - 1',
    'counted ? claim.attempt : claim.attempt',
  ],
  [
    'one attempt too many',
    SETTLE,
    'claim.attempt >= claim.batch.maxAttempts) return',
    'claim.attempt > claim.batch.maxAttempts) return',
  ],
  [
    'one attempt too many where attempts time out',
    'core/src/expire.ts',
    'claim.attempt < claim.batch.maxAttempts',
    'claim.attempt <= claim.batch.maxAttempts',
  ],
  [
    'a delayed message comes a moment early',
    RUNS,
    'run !== undefined && run.visibleAt <= state.now',
    'run !== undefined && run.visibleAt <= state.now + 1',
  ],
  [
    'a delayed message comes a moment late',
    RUNS,
    'run !== undefined && run.visibleAt <= state.now',
    'run !== undefined && run.visibleAt < state.now',
  ],
  [
    'a message that waits for a moment does not wait',
    RUNS,
    '  if (run.visibleAt > state.now) {\n',
    '  if (run.visibleAt > state.now + 1) {\n',
  ],
  ['a deduplication window is a moment too long', NAMES, 'named.until > now ?', 'named.until >= now ?'],
  ['a deduplication window is a moment too short', NAMES, 'named.until > now ?', 'named.until > now + 1 ?'],
  ['the window of an id is a moment too long', NAMES, '(ended.get(id) ?? 0) > now', '(ended.get(id) ?? 0) >= now'],
  ['the window of an id is a moment too short', NAMES, '(ended.get(id) ?? 0) > now', '(ended.get(id) ?? 0) > now + 1'],
  [
    'a dead letter gives its id free',
    'core/src/state/endings.ts',
    'diedAt: state.now, failures })\n',
    'diedAt: state.now, failures })\n  endNames(state.names, batch.extras, state.now)\n',
  ],
  [
    'what is returned goes behind the others',
    APPLY,
    "claim.attempt, 0, failures, 'front'",
    "claim.attempt, 0, failures, 'back'",
  ],
  ['low priorities come first', RUNS, 'sort((a, b) => b - a)', 'sort((a, b) => a - b)'],
  ['last in is last out', RUNS, "extras?.lifo === true ? 'front'", "extras?.lifo === true ? 'back'"],
  ['a paused queue hands out', 'core/src/dispatch.ts', ' || state.paused', ''],
  [
    'a redriven message keeps its attempts',
    APPLY,
    "visibleAt: 0, attempts: 0, failures }, 'back'",
    "visibleAt: 0, attempts: dead.attempts, failures }, 'back'",
  ],
  [
    'an operator who releases takes the last attempt',
    SETTLE,
    'claim.releasing && claim.attempt < claim.batch.maxAttempts',
    'claim.releasing',
  ],
  [
    'a released message whose worker is silent dies after its last attempt',
    'core/src/expire.ts',
    'if (claim.releasing) {',
    'if (claim.releasing && hasAttemptsLeft) {',
  ],
  [
    'a released message is handed out before its worker has stopped',
    CONTROL,
    "{ type: 'releasing', token }",
    "{ type: 'released', tokens: [token], started: true }",
  ],
  [
    'a snapshot forgets that a message is being released',
    'core/src/state/snapshot-rows.ts',
    'isReleasing(claim) ? true : null',
    'null',
  ],
  [
    'what is redriven twice counts twice',
    CONTROL,
    'unique(action.ids).filter((id) => state.dead.has(id))',
    'action.ids.filter((id) => state.dead.has(id))',
  ],
  [
    'a view shows a dead letter that is over its age',
    'core/src/state/lookup.ts',
    "isDeadOver(state, dead, now) ? undefined : { status: 'dead', dead }",
    "{ status: 'dead', dead }",
  ],
  [
    'a view shows a completed message that is over its age',
    'core/src/state/lookup.ts',
    "isCompletionOver(state, completion, now) ? undefined : { status: 'completed', completion }",
    "{ status: 'completed', completion }",
  ],
  ['statistics count a dead letter that is over its age', 'core/src/queue-view.ts', '  stats.dead -= expired\n', ''],
  [
    'a dead letter is forgotten a moment early',
    'core/src/state/endings.ts',
    'now - diedAt > retention.deadAgeMs',
    'now - diedAt >= retention.deadAgeMs',
  ],
  [
    'a redriven message stays in the dead letters',
    APPLY,
    '      state.dead.delete(id)\n      const { batch, seq, failures } = dead\n',
    '      const { batch, seq, failures } = dead\n',
  ],
  [
    'an enqueue that may replace dead letters replaces messages that are alive',
    'core/src/enqueue.ts',
    'ids.every((id) => state.dead.has(id))',
    'ids.some((id) => state.dead.has(id))',
  ],
  [
    'an enqueue that may replace dead letters does not',
    'core/src/enqueue.ts',
    "command.onDead === 'replace'",
    "command.onDead !== 'replace' && false",
  ],
  ['a cancelled message keeps its neighbours from waiting', RUNS, '  if (behind > 0) {\n', '  if (behind > 1) {\n'],
]

/** Runs until a difference shows; the number of runs, or undefined if there is none in so many. */
async function runsToFind(patches: Parameters<typeof loadPlanted>[0], numRuns: number): Promise<number | undefined> {
  const machine = await loadPlanted<Machine>(patches, 'core/test/state/machine.ts')
  const property = fc.property(steps, (some) => drive(machine, some))
  const found = fc.check(property, { numRuns, seed: 4711, endOnFailure: true })
  return found.failed ? found.numRuns : undefined
}

describe('planted defects of the state machine that the naive queue finds', () => {
  it.each(MUTANTS)('%s', { timeout: 60_000 }, async (name, file, from, to) => {
    const runs = await runsToFind([{ file, from, to }], 2000)
    console.log(`${name}: found in run ${runs}`)
    expect(runs).toBeDefined()
  })

  it('and where none is planted, none is found', async () => {
    expect(await runsToFind([], 200)).toBeUndefined()
  })
})
