/**
 * Where all processes run on one machine and nothing else goes wrong, the claims of a killed one end soon: as long as a neighbour with a worker lives on.
 */
import type { Clock } from '@s3queue/storage'
import type { Shards } from '../world/shards.ts'
import { must } from '../world/violation.ts'

/** Both sides look every second at the most, and some requests follow. */
const SOON_MS = 5_000

/** A process with a worker. */
export interface Neighbour {
  readonly name: string
  readonly isOpen: boolean
  readonly isStopping: boolean
  readonly worker: { readonly id: string } | undefined
}

export interface NeighboursOptions {
  readonly clock: Clock
  readonly shards: Shards
  /** Whether all processes run on one machine, and nothing else goes wrong. */
  readonly areAlone: boolean
  readonly check: (what: () => void) => void
}

export class Neighbours {
  readonly #options: NeighboursOptions
  readonly #working = new Set<Neighbour>()

  constructor(options: NeighboursOptions) {
    this.#options = options
  }

  /** This process has a worker from now on. */
  works(process: Neighbour): void {
    this.#working.add(process)
  }

  /** This process is killed now. */
  killed(process: Neighbour): void {
    this.#working.delete(process)
    const { clock, areAlone, check } = this.#options
    if (!areAlone || process.worker === undefined) return
    const worker = process.worker.id
    const others = [...this.#working].filter(isAtWork)
    clock.setTimer(SOON_MS, () => check(() => this.#assertNoticed(worker, others)))
  }

  #assertNoticed(worker: string, others: readonly Neighbour[]): void {
    const witness = others.find(isAtWork)
    if (witness === undefined) return
    for (const { history } of this.#options.shards) {
      for (const { token, worker: holder, end } of history.model.claims.values()) {
        const isHeld = holder === worker && end === undefined
        must(!isHeld, `token ${token} is still held by a process that was killed, beside ${witness.name}`)
      }
    }
  }
}

function isAtWork({ isOpen, worker, isStopping }: Neighbour): boolean {
  return isOpen && worker !== undefined && !isStopping
}
