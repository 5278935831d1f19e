/** The processes of a world: those that run, those that stand still, and those that are no more. */
import { listenTo } from '../checks/listen.ts'
import { type ProcessStart, VirtualProcess } from '../world/virtual-process.ts'
import type { World } from '../world/world.ts'

export class Crew {
  readonly #world: World
  readonly #all: VirtualProcess[] = []
  #raises = 0

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

  /** How many shards those who start now say; undefined where nobody speaks of it. */
  get shards(): number | undefined {
    return this.#world.profile.shards?.[this.#raises]
  }

  /** What those said who started before the last raise. */
  get shardsBefore(): number | undefined {
    return this.#world.profile.shards?.[Math.max(0, this.#raises - 1)]
  }

  /** Whoever starts from now on says a higher number. False if it is the highest already. */
  raise(): boolean {
    if (this.#raises + 1 >= (this.#world.profile.shards?.length ?? 0)) return false
    this.#raises++
    return true
  }

  add(options: Partial<ProcessStart> = {}): VirtualProcess {
    const { snapshotAfterCommits } = this.#world.profile
    const start = { snapshotAfterCommits, shards: this.shards, ...options }
    const process = new VirtualProcess(this.#world, `p${this.#all.length + 1}`, start)
    listenTo(this.#world, process)
    this.#all.push(process)
    this.#world.note(process.name, 'starts')
    return process
  }
}
