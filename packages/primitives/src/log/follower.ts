/** Reading along without writing: keeps a fold of the log and brings it up to date at the cost of reading what is new. */
import type { Fold, LogContext } from './context.ts'
import { type LogMark, markOf } from './mark.ts'
import { confirmMark, leadsThrough, onKnownLog } from './recognise.ts'
import { readSlot } from './slot.ts'
import { beginReading, Detours, verify, type Walk, walkToHead } from './walk.ts'

/** A reader at the head cannot tell a free slot from a collected one: so many looks in a row may go by before it asks the base. */
const LOOKS_UNVERIFIED = 8
/** A reader to which nothing new comes checks this often, in ms, that what it read last is still there. */
const CONFIRM_EVERY_MS = 5000

/** A fold of the log that is brought up to date when it is asked, and makes nobody a writer. */
export class LogFollower<S> {
  readonly #log: LogContext
  readonly #fold: Fold<S>
  #walk: Walk<S> | undefined
  #unverified = 0
  #confirmedAt = Number.NEGATIVE_INFINITY

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

  #read(mayBeOld: boolean, signal?: AbortSignal): Promise<S> {
    return onKnownLog(this.#log, () => this.#walkOn(mayBeOld, signal), signal)
  }

  async #walkOn(mayBeOld: boolean, signal?: AbortSignal): Promise<S> {
    const detours = new Detours(this.#log)
    const slot = this.#walk?.slot
    let behindAt: number | undefined
    for (;;) {
      const { mark } = this.#log.memory
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
        if (this.#unverified === 0) await this.#recognise(walk, walk.slot === slot, mark, signal)
        this.#walk = walk
        return walk.state
      }
      // As long as it finds slots up to the base, it need not begin at the base.
      if (verdict === 'behind' && walk.slot !== behindAt) this.#walk = walk
      behindAt = walk.slot
      mayBeOld = false
    }
  }

  /** Throws `LogReplaced` unless the walk led through all that was known before it. Where it found nothing new, its own last slot must still be there. */
  async #recognise(
    walk: Walk<S>,
    isOld: boolean,
    mark: LogMark | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { memory, clock } = this.#log
    await leadsThrough(this.#log, walk, mark, signal)
    const own = markOf(walk)
    const now = clock.monotonic()
    if (!isOld) this.#confirmedAt = now
    if (now - this.#confirmedAt >= CONFIRM_EVERY_MS && own !== undefined) {
      this.#confirmedAt = now
      const last = await readSlot(this.#log, walk.slot, signal)
      if (last?.hash !== walk.hash) await confirmMark(this.#log, own, signal)
    }
    memory.remember(own)
  }
}
