/**
 * Makes states equal that nobody can tell apart, so that there are fewer of them: what has the same answer
 * whenever it is served is served at once, and what can make no difference any more is left out.
 */
import type { Outstanding } from './behaviours.ts'
import type { Parts } from './parts.ts'
import type { Read, Write } from './request.ts'
import { STORE } from './row.ts'

export class Eagerness<M> {
  readonly #parts: Parts<M>
  readonly #forgettable = new Map<number, string[]>()

  constructor(parts: Parts<M>) {
    this.#parts = parts
  }

  /** The request of the process in `place`, if it may be served at once. */
  at(row: Int32Array, place: number): Outstanding | undefined {
    const { scenario, layout, behaviours } = this.#parts
    const node = behaviours.at(layout.actorAt(row, place))
    const [only, more] = node.waiting
    if (only === undefined || more !== undefined || layout.answerAt(row, place) !== 0) return undefined
    const { request } = only
    if (!this.#parts.reductions) return undefined
    if (scenario.isHidden?.(request)) return only
    if (request.kind === 'list') return !scenario.faults.reads && this.#isAlone(row, only) ? only : undefined
    if (request.kind !== 'get' && request.kind !== 'put') return undefined
    // A process that has read nothing yet might as well have started later.
    if (node.parent === undefined && request.kind === 'get') return only
    return !scenario.faults.reads && this.#isSettled(row, only, request) ? only : undefined
  }

  /** Leaves out objects that nobody can reach any more, and writes under way that can never take place. */
  trim(row: Int32Array): void {
    const { scenario, layout, stores, requests, reductions } = this.#parts
    if (!reductions) return
    for (const key of this.#forgettableIn(row)) {
      if (!this.#parts.isInPlay(row, key)) row[STORE] = stores.without(row[STORE] as number, key)
    }
    if (scenario.isDead === undefined) return
    for (let place = layout.inFlight - 1; place >= 0; place--) {
      const flight = layout.flightAt(row, place)
      const request = flight === 0 ? undefined : requests.valueOf(flight - 1)
      if (request?.kind !== 'put') continue
      if (scenario.isDead(request, this.#parts.objectsOf(row), this.#parts.monitorOf(row))) {
        layout.removeFlight(row, place)
      }
    }
  }

  #forgettableIn(row: Int32Array): string[] {
    const { forgettable } = this.#parts.scenario
    if (forgettable === undefined) return []
    const store = row[STORE] as number
    let keys = this.#forgettable.get(store)
    if (keys === undefined) {
      keys = forgettable(this.#parts.objectsOf(row), this.#parts.contents)
      this.#forgettable.set(store, keys)
    }
    return keys
  }

  /** Whether a request has the same answer now and at any later time, and changes nothing. */
  #isSettled(row: Int32Array, waiting: Outstanding, request: Read | Write): boolean {
    const { scenario } = this.#parts
    if (scenario.isSettled?.(request, this.#parts.objectsOf(row), this.#parts.monitorOf(row))) return true
    return request.kind === 'get' && this.#isAlone(row, waiting)
  }

  /** Whether the one process that reads is the last one, and nothing under way touches what it reads. */
  #isAlone(row: Int32Array, { id }: Outstanding): boolean {
    const { scenario, layout, requests } = this.#parts
    if (layout.aliveIn(row) > 1 || !this.#parts.isComplete(row)) return false
    for (let place = 0; place < layout.inFlight && layout.flightAt(row, place) !== 0; place++) {
      const flight = requests.valueOf(layout.flightAt(row, place) - 1)
      if (flight.kind !== 'put' || this.#parts.reach.touches(id, flight.key) || !scenario.isDetached?.(flight))
        return false
    }
    return this.#parts.removableIn(row).length === 0
  }
}
