/** Processes that want one lease, or one lock, while time goes on between any two steps. */
import type { LeaseGrant, LeaseOptions } from '../../../src/index.ts'
import type { ActorPorts, Script } from '../engine/actor.ts'
import type { Contents } from '../engine/contents.ts'
import type { Write } from '../engine/request.ts'
import { type Bounds, type Faults, type Monitor, type Scenario, Violation } from '../engine/scenario.ts'
import type { Primitives } from './code-under-test.ts'

export interface LeaseBounds extends Bounds {
  readonly processes: number
  /** How long a grant lasts, in moments. */
  readonly duration: number
  /** How often each process tries to get the lease, and how often it renews a grant. */
  readonly attempts: number
  readonly renewals: number
  readonly moments: number
}

export const LEASE_DEFAULTS: LeaseBounds = {
  processes: 2,
  duration: 2,
  attempts: 2,
  renewals: 1,
  alive: 2,
  faults: 1,
  inFlight: 1,
  moments: 6,
}

interface LeaseValue {
  readonly owner: string
  readonly generation: number
}

/** What the store says, and which generations were granted. */
interface LeaseRun extends LeaseValue {
  readonly granted: readonly number[]
}

export function leaseScenario(code: Primitives, bounds: LeaseBounds, faults: Faults = {}): Scenario<LeaseRun> {
  return scenario('applicant', applicant(code, bounds), bounds, { ...faults, slowAnswers: true })
}

export function lockScenario(code: Primitives, bounds: LeaseBounds, faults: Faults = {}): Scenario<LeaseRun> {
  return scenario('locker', locker(code, bounds), bounds, { ...faults, slowAnswers: true })
}

function scenario(name: string, script: Script, bounds: LeaseBounds, faults: Faults): Scenario<LeaseRun> {
  return {
    roles: [{ name, count: bounds.processes, script }],
    bounds,
    faults,
    monitor: createLeaseMonitor,
    holders: 1,
    isDead,
    isSettled: (request, objects) => request.kind === 'put' && isDead(request, objects),
  }
}

/** A write on a version that is no more. No version comes back, as each carries nonces of its own. */
function isDead({ key, expects }: Write, objects: ReadonlyMap<string, number>): boolean {
  return expects !== (objects.get(key) ?? 0)
}

function optionsOf(ports: ActorPorts, { duration }: LeaseBounds): LeaseOptions {
  const { store, clock, random, ids, name } = ports
  return { store, clock, random, ids, key: 'lease', owner: name, durationMs: duration }
}

function applicant(code: Primitives, bounds: LeaseBounds): Script {
  return async (ports) => {
    const lease = new code.Lease(optionsOf(ports, bounds))
    for (let n = 1; n <= bounds.attempts; n++) {
      await ports.choose(['try'], [n, lease])
      ports.during(`try-${n}`)
      const attempt = await lease.tryAcquire(undefined)
      if (attempt.outcome === 'held') continue
      const { grant } = attempt
      // As `isValid` has it, but without looking at the clock: the explorer asks at all times.
      ports.watch(() => (Reflect.get(grant, '_over') === true ? undefined : grant.validUntil))
      ports.emit({ type: 'granted', generation: grant.generation })
      await hold(ports, bounds, grant, n, lease)
    }
  }
}

async function hold(
  ports: ActorPorts,
  { renewals }: LeaseBounds,
  grant: LeaseGrant<undefined>,
  n: number,
  lease: unknown,
): Promise<void> {
  for (let r = 1; ; r++) {
    const choice = await ports.choose(r <= renewals ? ['renew', 'release'] : ['release'], [n, r, lease, grant])
    ports.during(`${choice}-${n}-${r}`)
    if (choice === 'release') return grant.release()
    try {
      await grant.renew(undefined)
    } catch (error) {
      if (error instanceof Error && error.name === 'LeaseLost') return
      throw error
    }
  }
}

function locker(code: Primitives, bounds: LeaseBounds): Script {
  return async (ports) => {
    const lock = code.createLock({ ...optionsOf(ports, bounds), pollMs: 1 })
    for (let n = 1; n <= bounds.attempts; n++) {
      ports.during(`lock-${n}`)
      const held = await lock.acquire()
      let inside = true
      ports.watch(() => (inside && !held.signal.aborted ? Number.POSITIVE_INFINITY : undefined))
      ports.emit({ type: 'granted', generation: held.fencingToken })
      await ports.choose(['leave'], undefined)
      inside = false
      await held.release()
    }
  }
}

function createLeaseMonitor(contents: Contents): Monitor<LeaseRun> {
  return {
    start: { owner: '', generation: 0, granted: [] },
    encode: (run) => JSON.stringify(run),
    written(run, { write }) {
      const { owner, generation } = contents.valueOf(write.content) as LeaseValue
      if (generation < run.generation) throw new Violation(`generation ${generation} comes after ${run.generation}`)
      if (generation === run.generation && owner !== run.owner) {
        throw new Violation(`${owner} and ${run.owner} both have generation ${generation}`)
      }
      return { ...run, owner, generation }
    },
    reported(run, event) {
      const generation = Number(event.generation)
      if (run.granted.includes(generation)) throw new Violation(`generation ${generation} is granted twice`)
      return { ...run, granted: [...run.granted, generation].sort((a, b) => a - b) }
    },
  }
}
