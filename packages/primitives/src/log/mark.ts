/**
 * Marks: by what a process recognises the log that it has used, so that it notices another one in the same place.
 *
 * Owns the newest place in the log that a process knows. It prevents a process from serving what a restore, an emptied bucket or a lost mount has
 * left there: an earlier state of its log, in which slots are free that were taken, or another log, in which its tokens and numbers mean something else.
 *
 * Every take-over leaves a fence with a random nonce, and fences are never deleted. So two logs, or two futures of one log, have different fences from the
 * point on at which they part: comparing fences tells them apart without reading what lies between.
 */
import { isFields } from '../checks.ts'

/** The fence that opened an epoch. */
export interface FenceMark {
  readonly epoch: number
  readonly slot: number
  readonly nonce: string
}

/** A place in a log by which the log is recognised. */
export interface LogMark {
  /** Identity of the log: the nonce of its first slot. */
  readonly log: string
  /** The fence that opened the epoch of `slot`. */
  readonly fence: FenceMark
  /** A slot of that epoch that is known to be in the log. */
  readonly slot: number
}

/** A mark that another process wrote, or undefined if `value` is not one. */
export function asLogMark(value: unknown): LogMark | undefined {
  if (!isFields(value) || typeof value.log !== 'string' || !isSlot(value.slot)) return undefined
  const fence = asFence(value.fence)
  return fence === undefined || fence.slot > value.slot ? undefined : { log: value.log, fence, slot: value.slot }
}

/** The fences up to `slot` that another process wrote, at least one, oldest first; undefined if `value` is not that. */
export function asFences(value: unknown, slot: number): readonly FenceMark[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  const fences: FenceMark[] = []
  for (const each of value) {
    const fence = asFence(each)
    const last = fences.at(-1)
    if (fence === undefined || fence.slot > slot) return undefined
    if (last !== undefined && fence.slot <= last.slot) return undefined
    fences.push(fence)
  }
  return fences
}

function asFence(value: unknown): FenceMark | undefined {
  if (!isFields(value)) return undefined
  const { epoch, slot, nonce } = value
  return isSlot(epoch) && isSlot(slot) && typeof nonce === 'string' ? { epoch, slot, nonce } : undefined
}

function isSlot(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

/** What is known of a log up to `slot`. */
export interface LogOutline {
  readonly log: string
  readonly slot: number
  /** The newest fences up to `slot`, oldest first. */
  readonly fences: readonly FenceMark[]
}

/** How many fences a base keeps: a process that was last heard of in an earlier epoch costs a request to recognise. */
const FENCES_KEPT = 32

/** `fences` and one more. */
export function withFence(fences: readonly FenceMark[], fence: FenceMark): readonly FenceMark[] {
  return [...fences, fence].slice(-FENCES_KEPT)
}

/** The newest place of an outline; undefined for a log in which nothing is. */
export function markOf({ log, slot, fences }: LogOutline): LogMark | undefined {
  const fence = fences.at(-1)
  return fence === undefined ? undefined : { log, fence, slot }
}

/** Whether `mark` lies in the log of `outline`. `unknown`: its epoch is older than all that the outline knows. */
export function findMark({ log, slot, fences }: LogOutline, mark: LogMark): 'there' | 'not-there' | 'unknown' {
  if (log !== mark.log) return 'not-there'
  const at = fences.findIndex(({ epoch }) => epoch >= mark.fence.epoch)
  const fence = fences[at]
  if (fence === undefined) return 'not-there'
  if (fence.epoch > mark.fence.epoch) return at === 0 && fence.slot > 1 ? 'unknown' : 'not-there'
  if (fence.nonce !== mark.fence.nonce) return 'not-there'
  // What comes from the next fence on was not written in this epoch.
  const behindLast = fences[at + 1]?.slot ?? slot + 1
  return mark.slot < behindLast ? 'there' : 'not-there'
}

/** What one process knows of one log. */
export class LogMemory {
  #mark: LogMark | undefined
  /** A place that is gone. What was appended later may stand behind the gap. */
  #missing: LogMark | undefined

  /** The newest place that is known, or the one that is gone; undefined before the first one. */
  get mark(): LogMark | undefined {
    return this.#missing ?? this.#mark
  }

  /** `mark` was in the log and is gone: the log counts as another one until it is back. */
  lost(mark: LogMark): void {
    this.#missing = mark
  }

  /** Nothing that is known is missing. */
  found(): void {
    this.#missing = undefined
  }

  /** `mark` is in the log. */
  remember(mark: LogMark | undefined): void {
    if (mark === undefined) return
    const known = this.#mark
    if (known === undefined || mark.fence.epoch > known.fence.epoch || mark.slot > known.slot) this.#mark = mark
  }

  /** What a mark that another process made says: it follows from what is known, it can only be told by reading the log, or it contradicts what is known. */
  compare(mark: LogMark): 'follows' | 'new-epoch' | 'contradicts' {
    const known = this.#mark
    if (known === undefined) return 'follows'
    if (mark.log !== known.log) return 'contradicts'
    const { fence } = mark
    if (fence.epoch === known.fence.epoch) return fence.nonce === known.fence.nonce ? 'follows' : 'contradicts'
    if (fence.epoch > known.fence.epoch) return fence.slot > known.slot ? 'new-epoch' : 'contradicts'
    // What an earlier epoch wrote stands before the later fence.
    return mark.slot < known.fence.slot ? 'follows' : 'contradicts'
  }
}
