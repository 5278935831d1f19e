/** Reading along without writing: keeps a fold of the log and brings it up to date at the cost of reading what is new. */
import type { Fold, LogContext } from './context.ts'
import { baseOvertook, beginReading, Detours, type Walk, walkToHead } from './walk.ts'

export class LogFollower<S> {
  readonly #log: LogContext
  readonly #fold: Fold<S>
  #walk: Walk<S> | undefined

  /** Made by `FencedLog.follow`. */
  constructor(log: LogContext, fold: Fold<S>) {
    this.#log = log
    this.#fold = fold
  }

  /** The last slot that is folded in; 0 before the first `refresh`. */
  get slot(): number {
    return this.#walk?.slot ?? 0
  }

  /** Folds in what has come since, and resolves to the state as of some moment during the call. One call at a time. */
  async refresh(signal?: AbortSignal): Promise<S> {
    const detours = new Detours(this.#log)
    for (;;) {
      const walk = this.#walk ?? (await beginReading(this.#log, this.#fold, signal))
      this.#walk = undefined
      if ((await walkToHead(this.#log, walk, this.#fold, signal)) === 'astray') {
        detours.note(walk)
      } else if (!(await baseOvertook(this.#log, walk, signal))) {
        this.#walk = walk
        return walk.state
      }
    }
  }
}
