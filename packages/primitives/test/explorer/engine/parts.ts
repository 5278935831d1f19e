/** What moves, steps and traces share: the scenario, and the numbers that stand for behaviours, stores, requests and answers. */
import type { Timer } from './actor.ts'
import { Behaviours } from './behaviours.ts'
import { Contents } from './contents.ts'
import { Interner } from './interner.ts'
import { Reach } from './reach.ts'
import type { Request } from './request.ts'
import { MONITOR, RowLayout, STARTED, STORE, TIME } from './row.ts'
import type { Role, Scenario } from './scenario.ts'
import { Stores } from './stores.ts'
import { Watch } from './watch.ts'

/** Numbers of stores and of monitor states are below this, so that two of them make one number. */
const STRIDE = 2 ** 26

export class Parts<M> {
  readonly scenario: Scenario<M>
  readonly layout: RowLayout
  readonly contents: Contents = new Contents()
  readonly requests: Interner<Request> = new Interner<Request>((request) => JSON.stringify(request))
  readonly answers: Interner<string> = new Interner<string>((answer) => answer)
  readonly behaviours: Behaviours
  readonly stores: Stores
  readonly watch: Watch<M>
  readonly moments: number
  /** Whether states that nobody can tell apart are made equal. */
  readonly reductions: boolean
  readonly reach: Reach
  readonly #removable = new Map<number, string[]>()

  constructor(scenario: Scenario<M>, reductions: boolean) {
    this.reductions = reductions
    this.scenario = scenario
    this.layout = new RowLayout(scenario.bounds)
    this.moments = scenario.bounds.moments ?? 0
    this.stores = new Stores(this.contents, this.requests)
    this.watch = new Watch(scenario.monitor(this.contents), this.stores, this.requests)
    this.reach = new Reach(this.requests)
    this.behaviours = new Behaviours(this.contents, this.requests, {
      name: (process) => this.nameOf(process),
      script: (process) => this.#roleOf(process).script,
      timed: this.moments > 0,
    })
  }

  /** The state before anything has happened. */
  start(): Int32Array {
    const row = new Int32Array(this.layout.width)
    row[STORE] = this.stores.empty
    row[MONITOR] = this.watch.start
    return row
  }

  #roleOf(process: number): Role {
    const role = this.scenario.roles[process >> 4]
    if (role === undefined) throw new RangeError(`There is no role of process ${process}.`)
    return role
  }

  nameOf(process: number): string {
    return `${this.#roleOf(process).name}${(process & 15) + 1}`
  }

  /** How many processes of a role have been started. */
  startedOf(row: Int32Array, role: number): number {
    return ((row[STARTED] as number) >> (4 * role)) & 15
  }

  /** Whether no process is still to be started. */
  isComplete(row: Int32Array): boolean {
    return this.scenario.roles.every(({ count }, role) => this.startedOf(row, role) >= count)
  }

  objectsOf(row: Int32Array): ReadonlyMap<string, number> {
    return this.stores.objects(row[STORE] as number)
  }

  monitorOf(row: Int32Array): M {
    return this.watch.stateOf(row[MONITOR] as number)
  }

  /** A timer that is due. It fires before anything else happens. */
  dueTimer(row: Int32Array): { readonly place: number; readonly timer: Timer } | undefined {
    if (this.moments === 0) return undefined
    const alive = this.layout.aliveIn(row)
    for (let place = 0; place < alive; place++) {
      for (const timer of this.behaviours.at(this.layout.actorAt(row, place)).timers) {
        if (timer.due <= (row[TIME] as number)) return { place, timer }
      }
    }
    return undefined
  }

  /** Objects that somebody may delete and that somebody is about to ask for. */
  removableIn(row: Int32Array): string[] {
    const { removable } = this.scenario
    if (removable === undefined) return []
    const id = (row[STORE] as number) * STRIDE + (row[MONITOR] as number)
    let keys = this.#removable.get(id)
    if (keys === undefined) {
      keys = removable(this.objectsOf(row), this.monitorOf(row))
      this.#removable.set(id, keys)
    }
    return keys.length === 0 || !this.reductions ? keys : keys.filter((key) => this.isInPlay(row, key))
  }

  /** Whether a request that a process waits for, or that is under way, asks for `key`. */
  isInPlay(row: Int32Array, key: string): boolean {
    for (let place = 0; place < this.layout.aliveIn(row); place++) {
      const { waiting } = this.behaviours.at(this.layout.actorAt(row, place))
      if (waiting.some(({ id }) => this.reach.touches(id, key))) return true
    }
    for (let place = 0; place < this.layout.inFlight; place++) {
      const flight = this.layout.flightAt(row, place)
      if (flight !== 0 && this.reach.touches(flight - 1, key)) return true
    }
    return false
  }
}
