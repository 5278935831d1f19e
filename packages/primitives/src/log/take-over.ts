/**
 * Becoming the writer: walk to the head, put a fence there, look at the base again (rule 3).
 *
 * The fence stops the writer before us at its next append. The look at the base afterwards is what makes the
 * walk trustworthy: if a collection ran under it, we may have folded a ghost or fenced a slot that was long in use.
 */
import type { Fold, LogContext } from './context.ts'
import { encodeFrame } from './frame.ts'
import { markOf } from './mark.ts'
import { leadsThrough, onKnownLog } from './recognise.ts'
import { claimSlot, type SlotHeader } from './slot.ts'
import { baseOvertook, beginWalk, checkHead, Detours, noteFence, type WritersWalk, walkToHead } from './walk.ts'
import { LogWriter } from './writer.ts'

/** What a new writer has: the right to append, and the state. */
export interface Leadership<S> {
  readonly writer: LogWriter
  /** The fold of everything in the log, its new fence included. */
  readonly state: S
}

const NOTHING = new Uint8Array(0)

/** Throws `LogReplaced`, and leaves the log as it is, if that is not the one that `log` has known before. */
export function takeOver<S>(log: LogContext, fold: Fold<S>, signal?: AbortSignal, reached = 0): Promise<Leadership<S>> {
  return onKnownLog(log, () => walkAndFence(log, fold, reached, signal), signal)
}

async function walkAndFence<S>(
  log: LogContext,
  fold: Fold<S>,
  reached: number,
  signal?: AbortSignal,
): Promise<Leadership<S>> {
  const detours = new Detours(log)
  for (;;) {
    const walk = await beginWalk(log, fold, signal)
    const end = await fenceHead(log, { walk, fold, reached }, signal)
    if (end === 'astray') await detours.note(walk, signal)
    else if (!(await baseOvertook(log, walk, signal))) return lead(log, walk)
  }
}

function lead<S>(log: LogContext, walk: WritersWalk<S>): Leadership<S> {
  log.memory.remember(markOf(walk))
  return { writer: new LogWriter(log, walk), state: walk.state }
}

interface Course<S> {
  readonly walk: WritersWalk<S>
  readonly fold: Fold<S>
  readonly reached: number
}

/** Walks to the first free slot and fences it; goes on walking as long as others are first. */
async function fenceHead<S>(
  log: LogContext,
  { walk, fold, reached }: Course<S>,
  signal?: AbortSignal,
): Promise<'fenced' | 'astray'> {
  for (;;) {
    const { mark } = log.memory
    if ((await walkToHead(log, walk, fold, signal)) === 'astray') return 'astray'
    if (!(await leadsThrough(log, walk, mark, signal))) return 'astray'
    // A fence in the place of a missing slot would hide that it is missing.
    const behind = await checkHead(log, walk, reached, signal)
    if (behind === 'astray') return 'astray'
    if (behind === 'more') continue
    const slot = walk.slot + 1
    const header: SlotHeader = {
      key: log.layout.slot(slot),
      kind: 'fence',
      slot,
      epoch: walk.epoch + 1,
      nonce: log.ids.nonce(),
      prev: null,
    }
    const { bytes, hash } = encodeFrame(header, NOTHING)
    const { owner } = await claimSlot(log, header.slot, header.nonce, bytes, signal)
    if (owner === 'collected') return 'astray'
    if (owner === 'other') continue
    walk.slot = header.slot
    walk.epoch = header.epoch
    walk.hash = hash
    noteFence(walk, header)
    fold.apply(walk.state, { kind: 'fence', slot: header.slot, epoch: header.epoch, body: NOTHING })
    return 'fenced'
  }
}
