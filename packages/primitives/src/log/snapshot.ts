/** Snapshots: the state at a slot, and which commits at or below it still exist. Immutable, each under a key of its own. */
import { create } from '@s3queue/storage'
import { CorruptObject } from '../errors.ts'
import { waitBeforeRetry } from '../patience.ts'
import { readObject } from '../read-object.ts'
import type { BaseRecord, LogContext } from './context.ts'
import { encodeFrame, type Header } from './frame.ts'

interface SnapshotHeader extends Header {
  readonly kind: 'snapshot'
  readonly slot: number
  /** Runs of slots, both ends included. */
  readonly held: readonly (readonly [number, number])[]
}

/** Reads the snapshot that the base names, or resolves to undefined if it was collected. */
export async function readSnapshot(
  log: LogContext,
  { slot, snapshot: key }: BaseRecord,
  signal?: AbortSignal,
): Promise<{ readonly held: number[]; readonly body: Uint8Array } | undefined> {
  const frame = await readObject<SnapshotHeader>(log, key, { signal })
  if (frame === undefined || frame === 'unchanged') return undefined
  const { header } = frame
  if (header.kind !== 'snapshot' || header.slot !== slot || !areRuns(header.held, slot)) {
    throw new CorruptObject(key, log.store.description, `it is not a snapshot of slot ${slot}`)
  }
  const held: number[] = []
  for (const [from, to] of header.held) for (let each = from; each <= to; each++) held.push(each)
  return { held, body: frame.body }
}

/** Whether these are ascending runs of slots from 1 to `last`. */
function areRuns(runs: unknown, last: number): runs is SnapshotHeader['held'] {
  if (!Array.isArray(runs)) return false
  let end = 0
  return runs.every((run: unknown) => {
    if (!Array.isArray(run) || run.length !== 2 || !run.every(Number.isSafeInteger)) return false
    const [from, to] = [Number(run[0]), Number(run[1])]
    const follows = from > end && to >= from && to <= last
    end = to
    return follows
  })
}

/** Writes a snapshot under a fresh key and returns the key. Nobody else knows the key, so an unknown outcome is repeated until it is stored. */
export async function writeSnapshot(
  log: LogContext,
  slot: number,
  held: readonly number[],
  body: Uint8Array,
  signal?: AbortSignal,
): Promise<string> {
  const key = log.layout.snapshot(slot, log.ids.nonce())
  const header: SnapshotHeader = { key, kind: 'snapshot', slot, held: runsOf(held) }
  const { bytes } = encodeFrame(header, body)
  for (let attempt = 1; ; attempt++) {
    const put = await log.store.put(key, bytes, { condition: create, signal })
    if (put.outcome !== 'unknown') return key
    await waitBeforeRetry(log, attempt, put.error, signal)
  }
}

function runsOf(slots: readonly number[]): [number, number][] {
  const runs: [number, number][] = []
  for (const slot of slots) {
    const last = runs.at(-1)
    if (last !== undefined && last[1] === slot - 1) last[1] = slot
    else runs.push([slot, slot])
  }
  return runs
}
