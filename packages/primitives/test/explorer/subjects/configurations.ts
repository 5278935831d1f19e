/** The bounded spaces that every test run goes through in full. */
import type { Scenario } from '../engine/scenario.ts'
import { CAS_DEFAULTS, type CasBounds, casScenario } from './cas-scenario.ts'
import type { Patch, Primitives } from './code-under-test.ts'
import { LEASE_DEFAULTS, type LeaseBounds, leaseScenario, lockScenario } from './lease-scenario.ts'
import { LOG_DEFAULTS, type LogBounds, type LogFaults, logScenario } from './log-scenario.ts'

export interface Configuration {
  readonly name: string
  readonly scenario: (code: Primitives) => Scenario<unknown>
  /** Fewer states than this mean that the exploration does not do what it should. */
  readonly atLeast: number
  /** Changes of constants that make a limit small enough to be reached. No defects. */
  readonly patches?: readonly Patch[]
}

function log(
  name: string,
  atLeast: number,
  bounds: Partial<LogBounds>,
  faults: LogFaults = {},
  patches: readonly Patch[] = [],
): Configuration {
  const scenario = (code: Primitives): Scenario<unknown> =>
    logScenario(code, { ...LOG_DEFAULTS, ...bounds }, faults) as Scenario<unknown>
  return { name, atLeast, scenario, patches }
}

/** Time stands still for a log. So a reader to which nothing new comes checks its last slot in each call. */
const CONFIRM_ALWAYS: Patch = {
  file: 'log/follower.ts',
  from: 'const CONFIRM_EVERY_MS = 5000',
  to: 'const CONFIRM_EVERY_MS = 0',
}

export const LOG_CONFIGURATIONS: readonly Configuration[] = [
  log('two take-overs, four slots, one unknown outcome', 80_000, {}),
  log('three take-overs by two at a time, three slots', 15_000, { takeOvers: 3, slots: 3, faults: 0 }),
  log('three candidates at one time, one unknown outcome', 30_000, { takeOvers: 3, alive: 3, slots: 2 }),
  log('three unknown outcomes, two late writes under way', 15_000, { slots: 2, faults: 3, inFlight: 2 }),
  log('writers that ask whether they still are', 5000, { slots: 3, confirms: 1, faults: 0 }),
  log('two slots read at once', 10_000, { readAhead: 2, faults: 0 }),
  log('a follower beside one writer', 12_000, { slots: 3, takeOvers: 1, followers: 1 }),
  log('a follower beside two candidates', 10_000, { slots: 2, followers: 1, alive: 3, faults: 0 }),
  log('a follower beside two candidates, three slots', 50_000, { slots: 3, followers: 1, faults: 0 }),
  log('a follower that reads three slots at once', 3000, {
    slots: 3,
    takeOvers: 1,
    followers: 1,
    readAhead: 3,
    faults: 0,
  }),
  log(
    'a follower that checks its last slot in each call',
    10_000,
    { slots: 3, followers: 1, takeOvers: 1, refreshes: 3, faults: 0 },
    {},
    [CONFIRM_ALWAYS],
  ),
  log('writes sent twice, faults in snapshots', 12_000, { slots: 3 }, { doubleSend: true, snapshots: true }),
  log('reads that fail', 12_000, { slots: 3 }, { reads: true }),
  log('writers that collect', 50_000, { slots: 3, ownCollection: true }, { doubleSend: true, reads: true }),
]

function cas(name: string, atLeast: number, bounds: Partial<CasBounds>, patches: readonly Patch[] = []): Configuration {
  const scenario = (code: Primitives): Scenario<unknown> =>
    casScenario(code, { ...CAS_DEFAULTS, ...bounds }, { doubleSend: true, reads: true }) as Scenario<unknown>
  return { name, atLeast, scenario, patches }
}

const SHORT_MEMORY: Patch = { file: 'cas-object.ts', from: 'const HISTORY = 32', to: 'const HISTORY = 2' }

export const CAS_CONFIGURATIONS: readonly Configuration[] = [
  cas('two processes, two writes each', 7000, {}),
  cas('three processes, one write each', 12_000, { processes: 3, alive: 3, writes: 1 }),
  cas('two processes, values that come back', 7000, { toggles: true }),
  cas('an object that remembers two writes', 7000, { writes: 3, faults: 1, mayForget: true }, [SHORT_MEMORY]),
]

export const LEASE_CONFIGURATIONS: readonly Configuration[] = [
  lease('a lease, three durations long', 20_000, leaseScenario, { moments: 4, attempts: 1, renewals: 2 }),
  lease('a lease, each process tries twice', 20_000, leaseScenario, { moments: 3, renewals: 0 }),
  lease('a lock', 20_000, lockScenario, { moments: 3, attempts: 1 }),
  lease('a lock that is held for two moments', 7000, lockScenario, {
    duration: 2,
    moments: 4,
    attempts: 1,
    faults: 0,
  }),
]

function lease(
  name: string,
  atLeast: number,
  make: typeof leaseScenario | typeof lockScenario,
  bounds: Partial<LeaseBounds>,
): Configuration {
  return {
    name,
    atLeast,
    scenario: (code) => make(code, { ...LEASE_DEFAULTS, duration: 1, ...bounds }) as Scenario<unknown>,
  }
}
