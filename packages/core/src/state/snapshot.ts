/**
 * The state as bytes and back: lines of JSON with up to two thousand rows each, so that neither writing nor reading a large state takes
 * much memory beside it, and writing can be done in slices. Runs are written in the order of their turns and keep their ids, since
 * later commits speak of them: a state read back must go on exactly like the one that was written.
 */
import { cutOf, type StateCut } from './cut.ts'
import { emptyState, type QueueState } from './model.ts'
import type { Line } from './snapshot-lines.ts'
import { SnapshotReader } from './snapshot-reader.ts'
import { linesOf, ROWS } from './snapshot-writer.ts'

const NEWLINE = 10

/** A snapshot being made, line by line. */
export interface Encoding {
  /** The next bytes, of some thousand rows, which takes a few ms; undefined when that was all. */
  next(): Uint8Array | undefined
  /** Commits that hold a payload or a text which is needed; complete at the end. */
  readonly live: ReadonlySet<number>
}

/** The state as bytes, all at once. */
export function encodeState(state: QueueState): Uint8Array {
  const encoding = encodeCut(cutOf(state))
  const parts: Uint8Array[] = []
  for (let part = encoding.next(); part !== undefined; part = encoding.next()) parts.push(part)
  return Buffer.concat(parts)
}

/** The same bytes in slices. */
export function encodeCut(cut: StateCut): Encoding {
  const live = new Set<number>()
  const lines = linesOf(cut, (slot) => live.add(slot))
  const encoder = new TextEncoder()
  return {
    live,
    next() {
      let text = ''
      for (let rows = 0; rows < ROWS; ) {
        const { done, value } = lines.next()
        if (done === true) break
        text += `${JSON.stringify(value)}\n`
        rows += value.kind === 'head' ? 0 : value.rows
      }
      return text === '' ? undefined : encoder.encode(text)
    },
  }
}

/** Reads a state back. Throws when the snapshot has another format. */
export function decodeState(bytes: Uint8Array): QueueState {
  const state = emptyState()
  const reader = new SnapshotReader(state)
  const decoder = new TextDecoder()
  for (let from = 0; from < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, from)
    const to = newline < 0 ? bytes.length : newline
    reader.read(JSON.parse(decoder.decode(bytes.subarray(from, to))) as Line)
    from = to + 1
  }
  return state
}
