/** A log over the rig: several processes that write lines and fold them to a list of lines. */
import type { ObjectStore } from '@s3queue/storage'
import { createFencedLog, type FencedLog, type Fold, type Leadership, type LogPosition } from '../../src/index.ts'
import { bytes, type Rig, text } from '../rig.ts'

export const PREFIX = 'q/0/'
export const BASE = 'q/0/base'

export function slotKey(slot: number): string {
  return `q/0/log/${String(slot).padStart(12, '0')}`
}

/** A folded log: `fence 1 of 1`, `commit 2 of 1: text`. */
export type Lines = string[]

export const fold: Fold<Lines> = {
  start: (snapshot) => (snapshot === undefined ? [] : (JSON.parse(text(snapshot)) as Lines)),
  apply(lines, { kind, slot, epoch, body }) {
    lines.push(`${kind} ${slot} of ${epoch}${kind === 'commit' ? `: ${text(body)}` : ''}`)
  },
}

export function logOf(rig: Rig, store: ObjectStore = rig.store, readAhead?: number): FencedLog {
  const { clock, random, ids } = rig
  return createFencedLog({ store, prefix: PREFIX, clock, random, ids, readAhead })
}

export async function lead(rig: Rig, store?: ObjectStore): Promise<Leadership<Lines>> {
  return rig.run(logOf(rig, store).takeOver(fold))
}

/** Appends `texts`, and keeps the state up to date. */
export async function append(rig: Rig, { writer, state }: Leadership<Lines>, ...texts: string[]): Promise<LogPosition> {
  for (const line of texts) {
    const { slot } = await rig.run(writer.append(bytes(line)))
    state.push(`commit ${slot} of ${writer.epoch}: ${line}`)
  }
  return writer.position
}

export async function checkpoint(rig: Rig, { writer, state }: Leadership<Lines>): Promise<void> {
  await rig.run(writer.checkpoint(writer.position, bytes(JSON.stringify(state))))
}

/** What the log says now, to somebody who reads it from the beginning. */
export async function linesOf(rig: Rig): Promise<Lines> {
  return rig.run(logOf(rig, rig.memory).follow(fold).refresh())
}

/** The keys of the log that are there, without the prefix. */
export function keysIn(rig: Rig): string[] {
  return [...rig.memory.snapshot().keys()].map((key) => key.slice(PREFIX.length))
}
