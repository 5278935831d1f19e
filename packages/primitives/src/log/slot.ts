/** One slot: its header, reading it, and finding out who has it after a write to it went wrong (rules 1, 2 and 4 of the log). */
import { create, type ETag, type PutResult, StoreError } from '@s3queue/storage'
import { CorruptObject } from '../errors.ts'
import { persistently, waitBeforeRetry } from '../patience.ts'
import type { LogContext } from './context.ts'
import { decodeFrame, type Frame } from './frame.ts'

/** What a slot says about itself. */
export interface SlotHeader {
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

const READS_BEFORE_CORRUPT = 3

/**
 * The object under `key` as a frame, or undefined if there is none. Bytes that do not check out are read again, as a
 * connection may have broken off; then it is a `CorruptObject`.
 */
export async function readFrame<H extends object>(
  log: LogContext,
  key: string,
  signal?: AbortSignal,
): Promise<Frame<H> | undefined> {
  for (let reads = 1; ; reads++) {
    const answer = await persistently(log, () => log.store.get(key, { signal }), signal)
    if (answer.outcome !== 'found') return undefined
    const frame = decodeFrame<H>(answer.body)
    if (typeof frame !== 'string') return frame
    if (reads >= READS_BEFORE_CORRUPT) throw new CorruptObject(key, log.store.description, frame)
    await waitBeforeRetry(log, reads, undefined, signal)
  }
}

export async function readSlot(log: LogContext, slot: number, signal?: AbortSignal): Promise<Slot | undefined> {
  const key = log.layout.slot(slot)
  const frame = await readFrame<SlotHeader>(log, key, signal)
  if (frame !== undefined && frame.header.slot !== slot) {
    throw new CorruptObject(key, log.store.description, `it says that it is slot ${frame.header.slot}`)
  }
  return frame
}

/** How an attempt to create a slot ended: see `claimSlot`. */
export interface SlotClaim {
  readonly owner: 'mine' | 'other' | 'collected'
  /** Of what was written; undefined if the store did not answer. */
  readonly etag?: ETag | undefined
}

/** What is known of a write that may not have ended. */
export interface WriteProgress {
  /** Whether the bytes may be in the store: an attempt is under way, was aborted, or got no answer, and reading has not shown what became of it. */
  mayBeStored: boolean
}

/**
 * Creates a slot with bytes that are fixed before the first try, and does not rest until it is known whose it is:
 * `mine`, `other`, or `collected`: it was taken and is empty again, so the log has gone far beyond it.
 *
 * While nobody knows (timeout, 5xx, …) the same bytes are put again, never others: a first try that lands late is then still ours.
 * If this rejects, `progress` says whether the bytes may be in the store all the same.
 */
export async function claimSlot(
  log: LogContext,
  slot: number,
  nonce: string,
  bytes: Uint8Array,
  signal?: AbortSignal,
  progress: WriteProgress = { mayBeStored: false },
): Promise<SlotClaim> {
  for (let attempt = 1; ; attempt++) {
    const put: PutResult = await putSlot(log, slot, bytes, signal, progress)
    if (put.outcome === 'stored') return { owner: 'mine', etag: put.etag }
    if (put.outcome === 'unknown' && attempt > 1) await waitBeforeRetry(log, attempt - 1, put.error, signal)
    const found = await readSlot(log, slot, signal)
    if (found !== undefined) {
      progress.mayBeStored = false
      return { owner: found.header.nonce === nonce ? 'mine' : 'other' }
    }
    if (put.outcome === 'precondition-failed') return { owner: 'collected' }
  }
}

/** One attempt. A refusal of the first one is the only failure after which the bytes are certainly not in the store. */
async function putSlot(
  { store, layout }: LogContext,
  slot: number,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
  progress: WriteProgress,
): Promise<PutResult> {
  const wasUncertain = progress.mayBeStored
  progress.mayBeStored = true
  try {
    return await store.put(layout.slot(slot), bytes, { condition: create, signal })
  } catch (error) {
    if (error instanceof StoreError) progress.mayBeStored = wasUncertain
    throw error
  }
}
