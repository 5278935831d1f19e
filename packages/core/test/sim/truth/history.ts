/**
 * The true history: every slot as it was created first, whatever is collected later, folded twice as it grows: by the code
 * under test, and by the naive model. Snapshots that become the base are held against it byte by byte.
 */
import { decodeFrame } from '@s3queue/primitives'
import { decodePayloadObject } from '../../../src/engine/payload-objects.ts'
import { applyEvent, beginCommit } from '../../../src/state/apply.ts'
import { decodeBatch } from '../../../src/state/batch-codec.ts'
import type { QueueEvent } from '../../../src/state/events.ts'
import { describeStats, emptyState, type QueueState } from '../../../src/state/model.ts'
import { encodeState } from '../../../src/state/snapshot.ts'
import { textOfStored } from '../world/payload.ts'
import { valueIn } from '../world/value-in.ts'
import { must, Violation } from '../world/violation.ts'
import { Model } from './model.ts'
import { type Numbers, numbersOf } from './numbers.ts'

export interface HistorySlot {
  readonly slot: number
  readonly kind: 'commit' | 'fence'
  readonly epoch: number
  readonly hash: string
  readonly bytes: Uint8Array
  readonly events: readonly QueueEvent[]
  /** How many of `History.moments` there were at its end. */
  readonly moments: number
}

interface SlotHeader {
  readonly kind: 'commit' | 'fence'
  readonly slot: number
  readonly epoch: number
  readonly prev: string | null
}

interface BaseValue {
  readonly slot: number
  readonly epoch: number
  readonly hash: string
  readonly snapshot: string
}

export class History {
  readonly slots: HistorySlot[] = []
  readonly model: Model = new Model()
  /** The numbers of the queue at its beginning and after each event. */
  readonly moments: Numbers[]
  /** For each number of an enqueue command, `<sender>-<seq>`, from which of `moments` on it is in the log. */
  readonly foldedAt: Map<string, number> = new Map()
  /** Slots that were created again after they had been collected. */
  readonly ghosts: Set<number> = new Set()
  /** Payload objects that were written again after their deletion. */
  readonly ghostPayloads: Set<string> = new Set()
  readonly #deletedPayloads = new Set<string>()
  readonly #state: QueueState = emptyState()
  /** The fold up to the base: it never passes through a snapshot. */
  readonly #behind: QueueState = emptyState()
  readonly #snapshots = new Map<string, Uint8Array>()
  #base: BaseValue | undefined

  constructor() {
    this.moments = [numbersOf(this.model)]
  }

  get head(): number {
    return this.slots.length
  }

  get epoch(): number {
    return this.slots.at(-1)?.epoch ?? 0
  }

  get baseSlot(): number {
    return this.#base?.slot ?? 0
  }

  /** The fold of the whole history. */
  get state(): QueueState {
    return this.#state
  }

  /** A slot was written. */
  slotStored(slot: number, bytes: Uint8Array): void {
    const known = this.slots[slot - 1]
    if (known !== undefined) {
      must(slot <= this.baseSlot, `slot ${slot} is created a second time above the base at ${this.baseSlot}`)
      this.#ghostStored(known, bytes)
      return
    }
    must(slot === this.head + 1, `slot ${slot} is created behind a gap: the head is ${this.head}`)
    this.#append(slot, bytes)
  }

  /** What lands late in a collected slot is a fence of somebody who lost, or what was there before. */
  #ghostStored({ slot, bytes: before }: HistorySlot, bytes: Uint8Array): void {
    const frame = decodeFrame<SlotHeader>(bytes)
    const isFence = typeof frame !== 'string' && frame.header.kind === 'fence'
    must(isFence || Buffer.compare(before, bytes) === 0, `another commit lands in the collected slot ${slot}`)
    this.ghosts.add(slot)
  }

  snapshotStored(key: string, bytes: Uint8Array): void {
    this.#snapshots.set(key, bytes)
  }

  payloadStored(key: string, bytes: Uint8Array): void {
    const object = decodePayloadObject(bytes)
    must(typeof object !== 'string', `${key} is written with broken bytes: ${String(object)}`)
    this.model.payloadObjects.set(key, textOfStored(object.payload))
    if (this.#deletedPayloads.has(key)) this.ghostPayloads.add(key)
  }

  payloadDeleted(key: string): void {
    must(!this.model.needs(key), `${key} is deleted while a message needs it`)
    this.model.payloadObjects.delete(key)
    this.#deletedPayloads.add(key)
    this.ghostPayloads.delete(key)
  }

  /** The base was written. */
  baseStored(bytes: Uint8Array): void {
    const base = valueIn(bytes) as BaseValue
    const at = this.slots[base.slot - 1]
    must(base.slot > this.baseSlot, `the base moves from ${this.baseSlot} to ${base.slot}`)
    must(at !== undefined && at.hash === base.hash, `the base names slot ${base.slot}, which is not in the history`)
    for (const { slot, events } of this.slots.slice(this.baseSlot, base.slot)) {
      beginCommit(this.#behind, slot)
      for (const event of events) applyEvent(this.#behind, event)
    }
    const snapshot = decodeFrame(this.#snapshots.get(base.snapshot) ?? new Uint8Array())
    must(typeof snapshot !== 'string', `the base names a snapshot that is not there: ${String(snapshot)}`)
    const truth = encodeState(this.#behind)
    if (Buffer.compare(truth, snapshot.body) !== 0) {
      const difference = describeDifference(truth, snapshot.body)
      throw new Violation(
        `the snapshot at slot ${base.slot} is not the fold of the history up to there:\n${difference}`,
      )
    }
    this.#base = base
  }

  /** Slots were deleted. */
  slotDeleted(slot: number): void {
    const known = this.slots[slot - 1]
    must(known !== undefined, `slot ${slot} is deleted before it was created`)
    must(known.kind === 'commit', `the fence in slot ${slot} is deleted`)
    must(slot <= this.baseSlot, `slot ${slot} is deleted above the base at ${this.baseSlot}`)
    must(!this.model.needs(slot), `slot ${slot} is deleted while a message needs what is in it`)
    this.ghosts.delete(slot)
  }

  #append(slot: number, bytes: Uint8Array): void {
    const frame = decodeFrame<SlotHeader>(bytes)
    must(typeof frame !== 'string', `slot ${slot} is written with broken bytes: ${String(frame)}`)
    const { kind, epoch, prev } = frame.header
    must(frame.header.slot === slot, `slot ${slot} says that it is slot ${frame.header.slot}`)
    if (kind === 'fence') {
      must(epoch > this.epoch, `the fence in slot ${slot} opens epoch ${epoch} behind epoch ${this.epoch}`)
    } else {
      must(epoch === this.epoch, `slot ${slot} gets a commit of epoch ${epoch} in epoch ${this.epoch}`)
      must(prev === this.slots.at(-1)?.hash, `the commit in slot ${slot} does not carry the hash of the slot before`)
    }
    beginCommit(this.#state, slot)
    const events = kind === 'fence' ? [] : this.#fold(slot, frame.body)
    const entry = { slot, kind, epoch, hash: frame.hash, bytes, events }
    this.slots.push({ ...entry, moments: this.moments.length })
  }

  /** The messages of one enqueue event may have come one by one: between any two of them is a moment as well. */
  #noteEnqueued({ sender, seq, count }: { sender: string; seq: number; count: number }): void {
    const { waiting, delayed, ...rest } = this.moments.at(-1) ?? numbersOf(this.model)
    for (let i = 0; i < count; i++) {
      this.foldedAt.set(`${sender}-${seq + i}`, this.moments.length)
      if (i < count - 1) this.moments.push({ waiting: waiting + i + 1, delayed, ...rest })
    }
  }

  #fold(slot: number, body: Uint8Array): readonly QueueEvent[] {
    const { entries, payloads } = decodeBatch<QueueEvent>(body)
    this.model.beginCommit(slot, payloads.all().map(textOfStored))
    for (const event of entries) {
      this.model.apply(event)
      applyEvent(this.#state, event)
      if (event.type === 'enqueued') this.#noteEnqueued(event)
      if (event.type === 'duplicate') this.foldedAt.set(`${event.sender}-${event.seq}`, this.moments.length)
      this.moments.push(numbersOf(this.model))
    }
    this.model.endCommit()
    const { total: _, ...stats } = describeStats(this.#state)
    const told = numbersOf(this.model)
    must(
      JSON.stringify(stats) === JSON.stringify(told),
      `after slot ${slot} the fold says ${JSON.stringify(stats)}, the model ${JSON.stringify(told)}`,
    )
    return entries
  }
}

/** Where two JSON texts part. */
function describeDifference(truth: Uint8Array, found: Uint8Array): string {
  const [a, b] = [new TextDecoder().decode(truth), new TextDecoder().decode(found)]
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  const around = (text: string): string => text.slice(Math.max(0, at - 100), at + 200)
  return `  history:  …${around(a)}\n  snapshot: …${around(b)}`
}
