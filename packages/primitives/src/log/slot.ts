/** One slot: its header, reading it, and finding out who has it after a write to it went wrong (rules 1, 2 and 4 of the log). */
import { create, type PutResult } from '@s3queue/storage'
import { CorruptObject } from '../errors.ts'
import { waitBeforeRetry } from '../patience.ts'
import { readObject } from '../read-object.ts'
import type { LogContext } from './context.ts'
import type { Frame, Header } from './frame.ts'

/** What a slot says about itself. */
export interface SlotHeader extends Header {
  /** A fence opens an epoch and has no body; a commit carries one. */
  readonly kind: 'commit' | 'fence'
  readonly slot: number
  readonly epoch: number
  /** Made anew for each slot that a writer tries: tells whose bytes these are. */
  readonly nonce: string
  /** Hash of the slot before. A fence has none: it may be put by a process whose walk is about to be thrown away. */
  readonly prev: string | null
}

export type Slot = Frame<SlotHeader>

export async function readSlot(log: LogContext, slot: number, signal?: AbortSignal): Promise<Slot | undefined> {
  const key = log.layout.slot(slot)
  const frame = await readObject<SlotHeader>(log, key, { signal })
  if (frame === undefined || frame === 'unchanged') return undefined
  const problem = problemOf(frame.header, slot)
  if (problem !== undefined) throw new CorruptObject(key, log.store.description, problem)
  return frame
}

function problemOf({ kind, slot, epoch, nonce, prev }: SlotHeader, expected: number): string | undefined {
  if (slot !== expected) return `it says that it is slot ${String(slot)}`
  if (kind !== 'commit' && kind !== 'fence') return `it is neither a commit nor a fence, but ${JSON.stringify(kind)}`
  if (!Number.isSafeInteger(epoch) || epoch < 0) return `its epoch is ${String(epoch)}`
  const isChained = typeof prev === 'string' || (prev === null && kind === 'fence')
  return typeof nonce === 'string' && isChained ? undefined : 'its header is not that of a slot'
}

/**
 * Creates a slot with bytes that are fixed before the first try, and does not rest until it is known whose it is:
 * `mine`, `other`, or `collected`: it was taken and is empty again, so the log has gone far beyond it.
 *
 * While nobody knows (timeout, 5xx, …) the same bytes are put again, never others: a first try that lands late is then still ours.
 */
export async function claimSlot(
  log: LogContext,
  slot: number,
  nonce: string,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<'mine' | 'other' | 'collected'> {
  for (let attempt = 1; ; attempt++) {
    const put: PutResult = await log.store.put(log.layout.slot(slot), bytes, { condition: create, signal })
    if (put.outcome === 'stored') return 'mine'
    if (put.outcome === 'unknown' && attempt > 1) await waitBeforeRetry(log, attempt - 1, put.error, signal)
    const found = await readSlot(log, slot, signal)
    if (found !== undefined) return found.header.nonce === nonce ? 'mine' : 'other'
    if (put.outcome === 'precondition-failed') return 'collected'
  }
}
