/** What must hold of a fenced log, whatever happens. The history is what was created first in each slot: the truth that all else is held against. */
import { decodeFrame } from '../../../src/log/frame.ts'
import type { SlotHeader } from '../../../src/log/slot.ts'
import type { ActorEvent } from '../engine/actor.ts'
import type { Contents } from '../engine/contents.ts'
import { type Monitor, Violation, type WriteAt } from '../engine/scenario.ts'

export interface LogHistory {
  /** What was created first, for each slot from 1 on: numbers of contents. */
  readonly slots: readonly number[]
  /** For each slot from 1 on: the epoch if it is a fence, else 0. */
  readonly fences: readonly number[]
  /** The slot that the base stands at. */
  readonly base: number
  /** How long the history was when each process began what is under way: a refresh, a question. */
  readonly since: Readonly<Record<string, number>>
}

interface DecodedSlot extends SlotHeader {
  readonly hash: string
  readonly line: string
}

export interface BaseValue {
  readonly slot: number
  readonly epoch: number
  readonly hash: string
  readonly snapshot: string
}

/** A slot as the folded states show it. */
export function lineOf(kind: string, slot: number, epoch: number, body: string): string {
  return `${kind} ${slot} of ${epoch} ${body}`
}

/** The slot of a key of the log, or NaN. */
export function slotOfKey(key: string): number {
  return key.startsWith('log/') ? Number(key.slice(4)) : Number.NaN
}

export function baseValueOf(contents: Contents, content: number): BaseValue {
  return contents.valueOf(content) as BaseValue
}

export function createLogMonitor(contents: Contents): Monitor<LogHistory> {
  const decoded = new Map<number, DecodedSlot>()
  const slotAt = (content: number): DecodedSlot => {
    const known = decoded.get(content)
    if (known !== undefined) return known
    const slot = decodeSlot(contents, content)
    decoded.set(content, slot)
    return slot
  }
  const linesOf = (history: LogHistory, upTo: number): string[] =>
    history.slots.slice(0, upTo).map((content) => slotAt(content).line)

  return {
    start: { slots: [], fences: [], base: 0, since: {} },
    encode: (history) => JSON.stringify(history),
    written(history, at) {
      const slot = slotOfKey(at.write.key)
      if (slot <= history.slots.length) assertGhostIsHarmless(history, slot, slotAt(at.write.content), at.write.content)
      if (slot > history.slots.length) return extended(history, slot, at.write.content, slotAt)
      if (at.write.key === 'base') return baseMoved(history, at, contents, slotAt, linesOf)
      return history
    },
    reported(history, event, process) {
      if (event.type === 'refreshes' || event.type === 'asks') {
        return { ...history, since: { ...history.since, [process]: history.slots.length } }
      }
      const { [process]: began = 0, ...others } = history.since
      if (event.type === 'refreshed') assertPrefix(event, began, history, linesOf)
      if (event.type === 'confirmed') assertNotFenced(event, process, history.fences.slice(0, began))
      if (event.type === 'leads') assertLeads(event, process, history, slotAt, linesOf)
      if (event.type === 'moved' && event.base !== event.to) {
        throw new Violation(
          `${process} moved the base to ${String(event.to)} and takes ${String(event.base)} for its own`,
        )
      }
      if (event.type === 'appended') assertAppended(event, process, history, slotAt)
      if (event.type === 'fenced' && !history.fences.some((epoch) => epoch > Number(event.epoch))) {
        throw new Violation(`${process} holds itself fenced, but nobody has taken over`)
      }
      return began === 0 ? history : { ...history, since: others }
    },
  }
}

function decodeSlot(contents: Contents, content: number): DecodedSlot {
  const frame = decodeFrame<SlotHeader>(contents.bytesOf(content))
  if (typeof frame === 'string') throw new Violation(`a slot is written whose bytes are broken: ${frame}`)
  const { kind, slot, epoch } = frame.header
  return { ...frame.header, hash: frame.hash, line: lineOf(kind, slot, epoch, new TextDecoder().decode(frame.body)) }
}

type SlotAt = (content: number) => DecodedSlot

/** A slot is created that was never taken before: it is history from now on. */
function extended(history: LogHistory, slot: number, content: number, slotAt: SlotAt): LogHistory {
  if (slot !== history.slots.length + 1) throw new Violation(`slot ${slot} is created behind a gap`)
  const created = slotAt(content)
  const newest = Math.max(0, ...history.fences)
  const last = history.slots.at(-1)
  if (created.kind === 'fence' && created.epoch <= newest) {
    throw new Violation(`the fence in slot ${slot} opens epoch ${created.epoch} behind epoch ${newest}`)
  }
  if (created.kind === 'commit' && created.epoch !== newest) {
    throw new Violation(`slot ${slot} gets a commit of epoch ${created.epoch} in epoch ${newest}`)
  }
  if (created.kind === 'commit' && (last === undefined || created.prev !== slotAt(last).hash)) {
    throw new Violation(`the commit in slot ${slot} does not carry the hash of the slot before`)
  }
  const fence = created.kind === 'fence' ? created.epoch : 0
  return { ...history, slots: [...history.slots, content], fences: [...history.fences, fence] }
}

/** Something lands in a slot whose object was collected. */
function assertGhostIsHarmless(history: LogHistory, slot: number, ghost: DecodedSlot, content: number): void {
  if (slot > history.base) throw new Violation(`slot ${slot} is created a second time above the base`)
  if (ghost.kind === 'commit' && history.slots[slot - 1] !== content) {
    throw new Violation(`a commit lands in slot ${slot} that is another one than the one that was collected there`)
  }
}

function baseMoved(
  history: LogHistory,
  { write, before }: WriteAt,
  contents: Contents,
  slotAt: SlotAt,
  linesOf: (history: LogHistory, upTo: number) => string[],
): LogHistory {
  const { slot, epoch, hash, snapshot } = baseValueOf(contents, write.content)
  if (slot <= history.base) throw new Violation(`the base moves back from ${history.base} to ${slot}`)
  const content = history.slots[slot - 1]
  if (content === undefined || slotAt(content).hash !== hash) {
    throw new Violation(`the base names a slot ${slot} that is not in the history`)
  }
  if (epoch !== Math.max(...history.fences.slice(0, slot))) throw new Violation(`the base at ${slot} has a wrong epoch`)
  const frame = decodeFrame(contents.bytesOf(before.get(snapshot) ?? 0))
  if (typeof frame === 'string') throw new Violation(`the base names a snapshot that is not there: ${frame}`)
  if (new TextDecoder().decode(frame.body) !== JSON.stringify(linesOf(history, slot))) {
    throw new Violation(`the snapshot at ${slot} is not the history up to there`)
  }
  return { ...history, base: slot }
}

function assertLeads(
  event: ActorEvent,
  process: string,
  history: LogHistory,
  slotAt: SlotAt,
  linesOf: (history: LogHistory, upTo: number) => string[],
): void {
  const slot = Number(event.slot)
  const content = history.slots[slot - 1]
  if (content === undefined || slotAt(content).hash !== event.hash) {
    throw new Violation(`${process} leads by a fence in slot ${slot} that is not in the history`)
  }
  const truth = linesOf(history, slot)
  if (JSON.stringify(event.lines) !== JSON.stringify(truth)) {
    throw new Violation(
      `${process} leads with a state that is not the history: ${JSON.stringify(event.lines)}, not ${JSON.stringify(truth)}`,
    )
  }
}

function assertAppended(event: ActorEvent, process: string, history: LogHistory, slotAt: SlotAt): void {
  const slot = Number(event.slot)
  const content = history.slots[slot - 1]
  if (content === undefined || slotAt(content).hash !== event.hash) {
    throw new Violation(`${process} acknowledges a commit in slot ${slot} that is not in the history`)
  }
  if (slotAt(content).line !== lineOf('commit', slot, Number(event.epoch), String(event.body))) {
    throw new Violation(`${process} acknowledges other bytes than those in slot ${slot}`)
  }
  const newer = history.fences.slice(0, slot - 1).find((epoch) => epoch > Number(event.epoch))
  if (newer !== undefined)
    throw new Violation(`${process} acknowledges slot ${slot} behind the fence of epoch ${newer}`)
}

function assertNotFenced(event: ActorEvent, process: string, fences: readonly number[]): void {
  const newer = fences.find((epoch) => epoch > Number(event.epoch))
  if (newer !== undefined)
    throw new Violation(`${process} takes itself for the writer, long after epoch ${newer} began`)
}

function assertPrefix(
  event: ActorEvent,
  began: number,
  history: LogHistory,
  linesOf: (history: LogHistory, upTo: number) => string[],
): void {
  const lines = event.lines as readonly string[]
  if (JSON.stringify(lines) !== JSON.stringify(linesOf(history, lines.length))) {
    throw new Violation(`a follower's state is no beginning of the history: ${JSON.stringify(lines)}`)
  }
  if (lines.length < began) throw new Violation(`a follower's state is older than its call`)
}
