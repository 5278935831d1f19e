/** The processes of a world: those that run, those that stand still, and those that are no more. */
import { listenTo } from '../checks/listen.ts'
import { VirtualProcess } from '../world/virtual-process.ts'
import type { World } from '../world/world.ts'

export class Crew {
  readonly #world: World
  readonly #all: VirtualProcess[] = []

  constructor(world: World) {
    this.#world = world
  }

  /** Everyone who ever was. */
  get all(): readonly VirtualProcess[] {
    return this.#all
  }

  /** Those that are neither gone nor closed. */
  get living(): VirtualProcess[] {
    return this.#all.filter(({ gate, isClosed }) => gate.life !== 'gone' && !isClosed)
  }

  /** Those that can be asked for something. */
  get open(): VirtualProcess[] {
    return this.#all.filter(({ isOpen }) => isOpen)
  }

  add(snapshotAfterCommits?: number): VirtualProcess {
    const process = new VirtualProcess(this.#world, `p${this.#all.length + 1}`, snapshotAfterCommits)
    listenTo(this.#world, process)
    this.#all.push(process)
    this.#world.note(process.name, 'starts')
    return process
  }
}
