/** Reading along without writing: keeps a fold of the log and brings it up to date at the cost of reading what is new. */
import type { Fold, LogContext } from './context.ts'
import { beginReading, Detours, verify, type Walk, walkToHead } from './walk.ts'

/** A reader at the head cannot tell a free slot from a collected one: so many looks in a row may go by before it asks the base. */
const LOOKS_UNVERIFIED = 8

/** A fold of the log that is brought up to date when it is asked, and makes nobody a writer. */
export class LogFollower<S> {
  readonly #log: LogContext
  readonly #fold: Fold<S>
  #walk: Walk<S> | undefined
  #unverified = 0

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
  refresh(signal?: AbortSignal): Promise<S> {
    return this.#read(false, signal)
  }

  /**
   * Like `refresh`, but costs one request where nothing is new. If a collection has passed this reader by since its last call, the state may be
   * that of some calls ago.
   */
  poll(signal?: AbortSignal): Promise<S> {
    return this.#read(true, signal)
  }

  async #read(mayBeOld: boolean, signal?: AbortSignal): Promise<S> {
    const detours = new Detours(this.#log)
    const slot = this.#walk?.slot
    let behindAt: number | undefined
    for (;;) {
      const walk = this.#walk ?? (await beginReading(this.#log, this.#fold, signal))
      this.#walk = undefined
      if ((await walkToHead(this.#log, walk, this.#fold, signal)) === 'astray') {
        detours.note(walk)
        mayBeOld = false
        continue
      }
      this.#unverified = mayBeOld && walk.slot === slot ? (this.#unverified + 1) % LOOKS_UNVERIFIED : 0
      const verdict = this.#unverified > 0 ? 'verified' : await verify(this.#log, walk, signal)
      if (verdict === 'verified') {
        this.#walk = walk
        return walk.state
      }
      // As long as it finds slots up to the base, it need not begin at the base.
      if (verdict === 'behind' && walk.slot !== behindAt) this.#walk = walk
      behindAt = walk.slot
      mayBeOld = false
    }
  }
}
