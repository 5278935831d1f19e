/** Snapshots: the state at a slot, and which commits at or below it still exist. Immutable, each under a key of its own. */
import { create } from '@s3queue/storage'
import { waitBeforeRetry } from '../patience.ts'
import type { LogContext } from './context.ts'
import { encodeFrame } from './frame.ts'
import { readFrame } from './slot.ts'

interface SnapshotHeader {
  readonly kind: 'snapshot'
  readonly slot: number
  /** Runs of slots, both ends included. */
  readonly held: readonly (readonly [number, number])[]
}

/** Reads a snapshot, or undefined if it was collected. */
export async function readSnapshot(
  log: LogContext,
  key: string,
  signal?: AbortSignal,
): Promise<{ readonly held: number[]; readonly body: Uint8Array } | undefined> {
  const frame = await readFrame<SnapshotHeader>(log, key, signal)
  if (frame === undefined) return undefined
  const held: number[] = []
  for (const [from, to] of frame.header.held) for (let slot = from; slot <= to; slot++) held.push(slot)
  return { held, body: frame.body }
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
  const header: SnapshotHeader = { kind: 'snapshot', slot, held: runsOf(held) }
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
