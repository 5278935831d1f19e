/**
 * Becoming the writer: walk to the head, put a fence there, look at the base again (rule 3).
 *
 * The fence stops the writer before us at its next append. The look at the base afterwards is what makes the
 * walk trustworthy: if a collection ran under it, we may have folded a ghost or fenced a slot that was long in use.
 */
import { persistently } from '../patience.ts'
import type { Fold, LogContext } from './context.ts'
import { encodeFrame } from './frame.ts'
import { markOf } from './mark.ts'
import { leadsThrough, onKnownLog } from './recognise.ts'
import { claimSlot, readSlot, type SlotHeader } from './slot.ts'
import { baseOvertook, beginWalk, Detours, noteFence, type Walk, type WritersWalk, walkToHead } from './walk.ts'
import { LogWriter } from './writer.ts'

/** What a new writer has: the right to append, and the state. */
export interface Leadership<S> {
  readonly writer: LogWriter
  /** The fold of everything in the log, its new fence included. */
  readonly state: S
}

const NOTHING = new Uint8Array(0)

/** Throws `LogReplaced`, and leaves the log as it is, if that is not the one that `log` has known before. */
export function takeOver<S>(log: LogContext, fold: Fold<S>, signal?: AbortSignal): Promise<Leadership<S>> {
  return onKnownLog(log, () => walkAndFence(log, fold, signal), signal)
}

async function walkAndFence<S>(log: LogContext, fold: Fold<S>, signal?: AbortSignal): Promise<Leadership<S>> {
  const detours = new Detours(log)
  for (;;) {
    const walk = await beginWalk(log, fold, signal)
    const end = await fenceHead(log, walk, fold, signal)
    if (end === 'astray') detours.note(walk)
    else if (!(await baseOvertook(log, walk, signal))) return lead(log, walk)
  }
}

function lead<S>(log: LogContext, walk: WritersWalk<S>): Leadership<S> {
  log.memory.remember(markOf(walk))
  return { writer: new LogWriter(log, walk), state: walk.state }
}

/**
 * What lies behind the first free slot. Nothing, unless a commit is missing there: a fence in its place would hide that. Or unless the
 * slot was taken just now; a list that runs meanwhile may show a later slot and not this one, so it is read once more.
 */
async function lookBehind(
  log: LogContext,
  walk: Walk<unknown>,
  signal?: AbortSignal,
): Promise<'nothing' | 'more' | 'gap'> {
  const { store, layout } = log
  const list = { prefix: layout.slots, startAfter: layout.slot(walk.slot), limit: 1, signal }
  const { entries } = await persistently(log, () => store.list(list), signal)
  const [first] = entries
  if (first === undefined) return 'nothing'
  if (layout.slotOf(first.key) === walk.slot + 1) return 'more'
  return (await readSlot(log, walk.slot + 1, signal)) === undefined ? 'gap' : 'more'
}

/** Walks to the first free slot and fences it; goes on walking as long as others are first. */
async function fenceHead<S>(
  log: LogContext,
  walk: Walk<S>,
  fold: Fold<S>,
  signal?: AbortSignal,
): Promise<'fenced' | 'astray'> {
  for (;;) {
    const { mark } = log.memory
    if ((await walkToHead(log, walk, fold, signal)) === 'astray') return 'astray'
    if (!(await leadsThrough(log, walk, mark, signal))) return 'astray'
    const behind = await lookBehind(log, walk, signal)
    if (behind === 'gap') return 'astray'
    if (behind === 'more') continue
    const header: SlotHeader = {
      kind: 'fence',
      slot: walk.slot + 1,
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
