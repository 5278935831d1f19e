/** Reading along without writing: keeps a fold of the log and brings it up to date at the cost of reading what is new. */
import type { Fold, LogContext } from './context.ts'
import { type LogMark, markOf } from './mark.ts'
import { confirmMark, leadsThrough, onKnownLog } from './recognise.ts'
import { readSlot } from './slot.ts'
import { beginReading, checkHead, Detours, verify, type Walk, walkToHead } from './walk.ts'

/** A reader at the head cannot tell a free slot from a collected one: so many looks in a row may go by before it asks the base. */
const LOOKS_UNVERIFIED = 8
/** A list costs as much as twelve reads, so a reader that only polls lists this rarely, in ms. */
const POLL_LISTS_EVERY_MS = 300_000
/** A reader to which nothing new comes checks this often, in ms, that what it read last is still there. */
const CONFIRM_EVERY_MS = 5000

/** How sure a reader is to be that nothing is missing. */
export interface RefreshOptions {
  readonly reached?: number | undefined
  readonly listEveryMs?: number | undefined
}

interface Reading {
  readonly mayBeOld: boolean
  readonly reached: number
  readonly listEveryMs: number
}

/** A fold of the log that is brought up to date when it is asked, and makes nobody a writer. */
export class LogFollower<S> {
  readonly #log: LogContext
  readonly #fold: Fold<S>
  #walk: Walk<S> | undefined
  #unverified = 0
  /** When it last made sure that nothing lies behind the head, monotonic. */
  #listedAt = Number.NEGATIVE_INFINITY
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

  /**
   * Folds in what has come since, and resolves to the state as of some moment during the call. One call at a time. Throws `CorruptObject` if slots are missing:
   * before slot `reached`, which is known to have been in the log, or before later ones, which a list shows. `listEveryMs`: no list if the last one is younger
   * and this reader has not started over since. Default 0: each call lists.
   */
  refresh(signal?: AbortSignal, { reached = 0, listEveryMs = 0 }: RefreshOptions = {}): Promise<S> {
    return this.#read({ mayBeOld: false, reached, listEveryMs }, signal)
  }

  /**
   * Like `refresh`, but costs one request where nothing is new. If a collection has passed this reader by since its last call, the state may be
   * that of some calls ago, and missing slots are noticed within minutes.
   */
  poll(signal?: AbortSignal): Promise<S> {
    return this.#read({ mayBeOld: true, reached: 0, listEveryMs: POLL_LISTS_EVERY_MS }, signal)
  }

  #read(reading: Reading, signal?: AbortSignal): Promise<S> {
    return onKnownLog(this.#log, () => this.#walkOn(reading, signal), signal)
  }

  async #walkOn({ reached, listEveryMs, ...reading }: Reading, signal?: AbortSignal): Promise<S> {
    const detours = new Detours(this.#log)
    const { clock } = this.#log
    let { mayBeOld } = reading
    const slot = this.#walk?.slot
    for (;;) {
      if (this.#walk === undefined) this.#listedAt = Number.NEGATIVE_INFINITY
      const { mark } = this.#log.memory
      const walk = this.#walk ?? (await beginReading(this.#log, this.#fold, signal))
      this.#walk = undefined
      let end: 'head' | 'more' | 'astray' = await walkToHead(this.#log, walk, this.#fold, signal)
      const isSameSlot = walk.slot === slot
      this.#unverified = mayBeOld && isSameSlot ? (this.#unverified + 1) % LOOKS_UNVERIFIED : 0
      if (end === 'head' && this.#unverified === 0) {
        const isListDue = clock.monotonic() - this.#listedAt >= listEveryMs
        if (walk.slot < reached || isListDue) end = await this.#list(walk, reached, signal)
      }
      if (end === 'astray') {
        await detours.note(walk, signal)
        mayBeOld = false
        continue
      }
      if (end === 'more') {
        this.#walk = walk
        continue
      }
      const verdict = this.#unverified > 0 ? 'verified' : await verify(this.#log, walk, signal)
      if (verdict === 'verified') {
        if (this.#unverified === 0) await this.#recognise(walk, isSameSlot, mark, signal)
        this.#walk = walk
        return walk.state
      }
      // As long as it finds slots up to the base, it need not begin at the base.
      if (verdict === 'behind' && detours.mayCatchUp(walk)) this.#walk = walk
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

  async #list(walk: Walk<S>, reached: number, signal?: AbortSignal): Promise<'head' | 'more' | 'astray'> {
    const startedAt = this.#log.clock.monotonic()
    const found = await checkHead(this.#log, walk, reached, signal)
    if (found !== 'end') return found
    this.#listedAt = startedAt
    return 'head'
  }
}
