/** Processes that count by one CAS object: each write is the value that was read plus 1. Or, to bring earlier values back, 0 and 1 in turn. */
import type { Script } from '../engine/actor.ts'
import type { Contents } from '../engine/contents.ts'
import { type Bounds, type Faults, type Monitor, type Scenario, Violation } from '../engine/scenario.ts'
import type { Primitives } from './code-under-test.ts'

export interface CasBounds extends Bounds {
  readonly processes: number
  /** Writes that each process makes. */
  readonly writes: number
  /** The value is 0 and 1 in turn, instead of a count. */
  readonly toggles: boolean
  /** Whether it may come out that nobody can tell: only where the object's memory of writes is short. */
  readonly mayForget: boolean
}

export const CAS_DEFAULTS: CasBounds = {
  processes: 2,
  writes: 2,
  toggles: false,
  mayForget: false,
  alive: 2,
  faults: 2,
  inFlight: 2,
}

/** What took place, and what was said about it. Calls are named `<process>/<call>`. */
interface CasRun {
  /** The calls whose writes took place, in order. */
  readonly applied: readonly string[]
  /** For each call under way: how many writes had taken place when it read the version that it is based on. */
  readonly basedOn: Readonly<Record<string, number>>
  readonly lost: readonly string[]
}

export function casScenario(code: Primitives, bounds: CasBounds, faults: Faults = {}): Scenario<CasRun> {
  return {
    roles: [{ name: 'counter', count: bounds.processes, script: counter(code, bounds) }],
    bounds,
    faults,
    monitor: (contents) => createCasMonitor(contents, bounds),
  }
}

function counter(code: Primitives, { writes, toggles }: CasBounds): Script {
  return async (ports) => {
    const { store, clock, random, ids, name } = ports
    const object = new code.CasObject<number>({ store, key: 'value', clock, random, ids })
    for (let n = 1; n <= writes; n++) {
      await ports.choose(['count'], [n])
      const call = `${name}/${n}`
      ports.during(call)
      const base = await object.read()
      const before = base?.value ?? 0
      ports.emit({ type: 'writes', call })
      const outcome = await object.write(base, toggles ? 1 - before : before + 1).then(
        (write) => write.outcome,
        (error: Error) => error.name,
      )
      ports.emit({ type: 'wrote', call, outcome })
    }
  }
}

function createCasMonitor(contents: Contents, { toggles, mayForget }: CasBounds): Monitor<CasRun> {
  return {
    start: { applied: [], basedOn: {}, lost: [] },
    encode: (run) => JSON.stringify(run),
    written(run, { write }) {
      const call = write.by
      if (run.applied.includes(call)) throw new Violation(`the write of ${call} takes place twice`)
      if (run.lost.includes(call)) throw new Violation(`the write of ${call} takes place after it was called lost`)
      if (run.basedOn[call] !== run.applied.length) {
        throw new Violation(
          `the write of ${call} lands on version ${run.applied.length}, but is based on ${run.basedOn[call]}`,
        )
      }
      const value = contents.valueOf(write.content)
      const expected = toggles ? (run.applied.length + 1) % 2 : run.applied.length + 1
      if (value !== expected) throw new Violation(`the value is ${value} after ${run.applied.length + 1} writes`)
      return { ...run, applied: [...run.applied, call] }
    },
    reported(run, event) {
      const call = String(event.call)
      if (event.type === 'writes') return { ...run, basedOn: { ...run.basedOn, [call]: run.applied.length } }
      const happened = run.applied.includes(call)
      switch (event.outcome) {
        case 'written':
          if (!happened) throw new Violation(`${call} is told that its write took place, but it did not`)
          return run
        case 'lost':
          if (happened) throw new Violation(`${call} is told that its write is lost, but it took place`)
          return { ...run, lost: [...run.lost, call].sort() }
        case 'CasUnresolved':
          if (mayForget) return run
      }
      throw new Violation(`${call} ends with ${String(event.outcome)}`)
    },
  }
}
