/**
 * Folding the log from its base to its head. Owns a `Walk`: the state so far and the place it stands for.
 *
 * A walk can be led astray only by a collection under its feet: a slot that was collected looks free, and a late write
 * of a stalled process may stand where a real commit was. The walk notices a broken chain itself; all else is
 * caught by `baseOvertook`, which whoever wants to rely on a walk asks at its end (rule 3).
 */
import type { CasVersion } from '../cas-object.ts'
import { CorruptObject } from '../errors.ts'
import { persistently, waitBeforeRetry } from '../patience.ts'
import type { BaseRecord, Fold, LogContext } from './context.ts'
import { type FenceMark, withFence } from './mark.ts'
import { readSlot, type Slot } from './slot.ts'
import { readSnapshot } from './snapshot.ts'

export interface Walk<S> {
  readonly state: S
  /** The last slot that is folded in; 0 at the beginning of the log. */
  slot: number
  epoch: number
  hash: string
  /** Identity of the log; empty at the beginning of the log. */
  log: string
  /** The newest fences up to `slot`, oldest first. */
  fences: readonly FenceMark[]
  /** Commits that still exist although they are at or below `slot`, in ascending order: for who will collect them. */
  readonly held: number[] | undefined
  /** Up to here nothing can have been collected unseen: the base was not beyond it when we last looked. */
  verified: number
  base: CasVersion<BaseRecord> | undefined
  /** Of a process that only reads along: the hashes of the slots that are folded in and not verified yet. */
  readonly passed: Map<number, string> | undefined
  /** What the fold threw at the last slot. */
  refused?: unknown
  /** What is wrong behind the last slot, as `checkHead` reports it. */
  problem?: string | undefined
}

/** A walk of somebody who is going to write. */
export interface WritersWalk<S> extends Walk<S> {
  readonly held: number[]
}

export type WalkEnd = 'head' | 'astray'

/** A walk that stands at the base, for somebody who only reads along: for as long as that goes on, it must not grow by what it passes. */
export async function beginReading<S>(log: LogContext, fold: Fold<S>, signal?: AbortSignal): Promise<Walk<S>> {
  return { ...(await beginWalk(log, fold, signal)), held: undefined, passed: new Map() }
}

/** A walk that stands at the base. */
export async function beginWalk<S>(log: LogContext, fold: Fold<S>, signal?: AbortSignal): Promise<WritersWalk<S>> {
  let base = await log.base.read(signal)
  for (let missing = 0; ; ) {
    if (base === undefined) {
      const nothing = { slot: 0, epoch: 0, hash: '', log: '', fences: [], verified: 0 }
      return { ...nothing, state: fold.start(undefined), held: [], base, passed: undefined }
    }
    const { slot, epoch, hash, log: identity, fences, snapshot } = base.value
    const found = await readSnapshot(log, base.value, signal)
    if (found !== undefined) {
      const { held, body } = found
      const state = startAt(log, fold, snapshot, body)
      return { state, slot, epoch, hash, log: identity, fences, held, verified: slot, base, passed: undefined }
    }
    // Collected since, for a base that has moved on: to be read at once, before that one is left behind as well.
    const again = await log.base.read(signal)
    missing = again?.nonce === base.nonce ? missing + 1 : 0
    if (missing > 2) {
      throw new CorruptObject(snapshot, log.store.description, `it is missing, although ${log.layout.base} names it`)
    }
    if (missing > 0) await waitBeforeRetry(log, missing, undefined, signal)
    base = again
  }
}

function startAt<S>(log: LogContext, fold: Fold<S>, key: string, body: Uint8Array): S {
  try {
    return fold.start(body)
  } catch (cause) {
    throw new CorruptObject(key, log.store.description, `it holds no state: ${messageOf(cause)}`, cause)
  }
}

/** Folds slot after slot until the first free one. */
export async function walkToHead<S>(
  log: LogContext,
  walk: Walk<S>,
  fold: Fold<S>,
  signal?: AbortSignal,
): Promise<WalkEnd> {
  for (let ahead = 1; ; ahead = Math.min(ahead * 2, log.readAhead)) {
    const first = walk.slot + 1
    const slots = await Promise.all(Array.from({ length: ahead }, (_, i) => readSlot(log, first + i, signal)))
    for (const [i, read] of slots.entries()) {
      let slot = read
      if (slot === undefined) {
        if (slots.slice(i + 1).every((later) => later === undefined)) return 'head'
        // A later slot is taken: this one was created between the two reads, or it was collected.
        slot = await readSlot(log, first + i, signal)
        if (slot === undefined) return 'astray'
      }
      if (!step(walk, slot, fold)) return 'astray'
    }
  }
}

/** Folds one slot, unless it does not follow the one before, or not from the state: what lies in a collected slot may fit nothing. */
function step<S>(walk: Walk<S>, slot: Slot, fold: Fold<S>): boolean {
  const { kind, epoch, prev } = slot.header
  if (kind === 'commit' && prev !== walk.hash) return false
  walk.slot++
  if (kind === 'fence') noteFence(walk, slot.header)
  walk.hash = slot.hash
  walk.passed?.set(walk.slot, slot.hash)
  walk.epoch = Math.max(walk.epoch, epoch)
  if (kind === 'commit') walk.held?.push(walk.slot)
  try {
    fold.apply(walk.state, { kind, slot: walk.slot, epoch, body: slot.body })
    return true
  } catch (error) {
    walk.refused = error
    return false
  }
}

/** A fence is in the log behind all that the walk has passed. The first one is the identity of the log. */
export function noteFence(walk: Walk<unknown>, { epoch, slot, nonce }: FenceMark): void {
  if (slot === 1) walk.log = nonce
  walk.fences = withFence(walk.fences, { epoch, slot, nonce })
}

/**
 * Whether the first free slot is the end of the log. A later slot, a snapshot of a later slot, or a later slot that the caller knows of (`reached`) means that
 * slots are missing, unless they were created just now: `more` asks to walk on.
 *
 * Without a base, a snapshot of a later slot is the only trace of a log whose commits were collected.
 */
export async function checkHead(
  log: LogContext,
  walk: Walk<unknown>,
  reached: number,
  signal?: AbortSignal,
): Promise<'end' | 'more' | 'astray'> {
  const { layout } = log
  const next = walk.slot + 1
  const later = await firstOf(log, layout.slots, layout.slot(walk.slot), layout.slotOf, signal)
  if (later === next) return 'more'
  if (later !== undefined) {
    // A list that runs while slots are created may show a later one without an earlier one.
    if ((await readSlot(log, next, signal)) !== undefined) return 'more'
    walk.problem = `it is missing, although slot ${later} is there`
    return 'astray'
  }
  if (walk.slot < reached) {
    if ((await readSlot(log, next, signal)) !== undefined) return 'more'
    walk.problem = `it is missing, although the log reached slot ${reached}: the lease of the writer says so. If slots ${next} to ${reached} cannot be restored, delete the lease to continue without them`
    return 'astray'
  }
  if (walk.base !== undefined) return 'end'
  const after = `${layout.snapshots}${layout.slot(next).slice(layout.slots.length)}`
  const snapshot = await firstOf(log, layout.snapshots, after, layout.slotOfSnapshot, signal)
  if (snapshot === undefined) return 'end'
  walk.problem = `it is missing, although there is a snapshot of slot ${snapshot}`
  return 'astray'
}

/** The first number that `numberOf` finds in a key behind `after`. Keys without one were not written by a log. */
async function firstOf(
  log: LogContext,
  prefix: string,
  after: string,
  numberOf: (key: string) => number | undefined,
  signal?: AbortSignal,
): Promise<number | undefined> {
  for (let startAfter = after, limit = 1; ; limit = 1000) {
    const list = { prefix, startAfter, limit, signal }
    const { entries, truncated } = await persistently(log, () => log.store.list(list), signal)
    for (const { key } of entries) {
      const found = numberOf(key)
      if (found !== undefined) return found
      startAfter = key
    }
    if (!truncated) return undefined
  }
}

/**
 * Whether the base has moved beyond the part of the walk that is verified: then a collection may have run under the walk, and nothing of
 * it may be trusted. If not, all of the walk is verified from now on.
 */
export async function baseOvertook<S>(log: LogContext, walk: Walk<S>, signal?: AbortSignal): Promise<boolean> {
  return (await verify(log, walk, signal)) !== 'verified'
}

/**
 * As `baseOvertook`, for a walk that only reads along and remembers what it `passed`. It keeps what it read if it passed the base's slot with the
 * base's hash, and the fences before it that the base names. Then it is the true log up to there: a commit carries the hash of the slot before. A fence
 * does not, and a fence of a stalled process may lie where a commit was collected. Nothing behind the base was collected before it was read.
 *
 * `behind`: the base is ahead of the walk. The slots up to there are still there for a while, so the walk may go on and be verified then.
 */
export async function verify<S>(
  log: LogContext,
  walk: Walk<S>,
  signal?: AbortSignal,
): Promise<'verified' | 'behind' | 'overtaken'> {
  const now = walk.base === undefined ? await log.base.read(signal) : await log.base.readIfChanged(walk.base, signal)
  if (now !== 'unchanged' && now !== undefined) {
    const { slot, hash } = now.value
    if (slot > walk.verified && (walk.passed?.get(slot) !== hash || !passedFencesOf(now.value, walk)))
      return walk.passed !== undefined && slot > walk.slot ? 'behind' : 'overtaken'
    walk.base = now
  }
  walk.verified = walk.slot
  walk.passed?.clear()
  return 'verified'
}

/** Whether each fence that a walk passed, from what is verified up to the base, is in the base. False also if either keeps too few fences to tell. */
function passedFencesOf({ slot: upTo, fences }: BaseRecord, walk: Walk<unknown>): boolean {
  const [oldest] = walk.fences
  // A log begins with a fence.
  if (oldest !== undefined && oldest.slot > Math.max(walk.verified, 1)) return false
  const passed = walk.fences.filter(({ slot }) => slot > walk.verified && slot <= upTo)
  return passed.every(({ slot, nonce }) => fences.some((fence) => fence.slot === slot && fence.nonce === nonce))
}

/**
 * All that one call remembers of its walks that failed. It tells corruption from a collection under way: astray twice at one place with the base
 * standing still is corruption. And it bounds how long a walk behind the base is continued.
 */
export class Detours {
  readonly #log: LogContext
  #last: { readonly slot: number; readonly base: string | undefined } | undefined
  #behindAt: number | undefined

  constructor(log: LogContext) {
    this.#log = log
  }

  async note(walk: Walk<unknown>, signal?: AbortSignal): Promise<void> {
    const here = { slot: walk.slot + 1, base: walk.base?.nonce }
    if (this.#last?.slot === here.slot && this.#last.base === here.base) {
      // The base may have moved while the second walk was under way, or been created.
      const now = await this.#log.base.read(signal)
      if (now?.nonce === here.base) throw await this.#describe(walk, signal)
    }
    this.#last = here
  }

  /** Whether a walk behind the base is worth continuing: not if it found no slot since the previous call, as the next one was collected. */
  mayCatchUp(walk: Walk<unknown>): boolean {
    const found = walk.slot !== this.#behindAt
    this.#behindAt = walk.slot
    return found
  }

  async #describe({ base, slot, refused, problem }: Walk<unknown>, signal?: AbortSignal): Promise<CorruptObject> {
    const { layout, store } = this.#log
    const { description } = store
    if (refused !== undefined) {
      const what = `the state before it does not take it: ${messageOf(refused)}`
      return new CorruptObject(layout.slot(slot), description, what, refused)
    }
    const next = layout.slot(slot + 1)
    const snapshot = await firstOf(this.#log, layout.snapshots, layout.snapshots, layout.slotOfSnapshot, signal)
    if (base === undefined && snapshot !== undefined) {
      const what = `it is missing, although there is a snapshot of slot ${snapshot}, and without it the log ends before ${next}`
      return new CorruptObject(layout.base, description, what)
    }
    const what = problem ?? 'it does not follow the slot before it, or that slot is missing'
    return new CorruptObject(next, description, what)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
