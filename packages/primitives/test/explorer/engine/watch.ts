/** The monitor of a scenario over interned states; what it says of a step is worked out once. */
import type { Reaction } from './behaviours.ts'
import { Interner } from './interner.ts'
import type { Request } from './request.ts'
import { type Monitor, Violation } from './scenario.ts'
import type { Stores } from './stores.ts'

const STRIDE = 2 ** 26

export class Watch<M> {
  readonly start: number
  readonly #monitor: Monitor<M>
  readonly #stores: Stores
  readonly #requests: Interner<Request>
  readonly #states: Interner<M>
  readonly #written: Map<number, number>[] = []
  readonly #reported: Map<Reaction, number>[] = []

  constructor(monitor: Monitor<M>, stores: Stores, requests: Interner<Request>) {
    this.#monitor = monitor
    this.#stores = stores
    this.#requests = requests
    this.#states = new Interner((state) => monitor.encode(state))
    this.start = this.#states.idOf(monitor.start)
  }

  stateOf(id: number): M {
    return this.#states.valueOf(id)
  }

  written(state: number, store: number, request: number): number {
    this.#written[state] ??= new Map()
    const key = store * STRIDE + request
    const known = this.#written[state].get(key)
    if (known !== undefined) return known
    const write = this.#requests.valueOf(request)
    if (write.kind !== 'put') throw new TypeError('Only a put writes.')
    const next = this.#states.idOf(
      this.#monitor.written(this.stateOf(state), { write, before: this.#stores.objects(store) }),
    )
    this.#written[state].set(key, next)
    return next
  }

  reported(state: number, reaction: Reaction, process: string): number {
    this.#reported[state] ??= new Map()
    const known = this.#reported[state].get(reaction)
    if (known !== undefined) return known
    let after = this.stateOf(state)
    for (const event of reaction.events) {
      if (event.type === 'failed') throw new Violation(`${process} failed: ${String(event.error)}`)
      after = this.#monitor.reported(after, event, process)
    }
    const next = this.#states.idOf(after)
    this.#reported[state].set(reaction, next)
    return next
  }
}
