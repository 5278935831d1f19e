/**
 * The writer's side of the log: appending, moving the base, collecting what lies below it.
 *
 * Owns the position of the last commit it knows to be in the log. It appends one commit at a time and never uses a
 * slot twice: when an append ends without its outcome being known (aborted, access withdrawn), the writer is closed for good.
 */
import type { ETag, GetResult } from '@s3queue/storage'
import type { CasVersion, CasWrite } from '../cas-object.ts'
import { CasUnresolved, Fenced, WriterClosed } from '../errors.ts'
import { persistently } from '../patience.ts'
import type { BaseRecord, LogContext } from './context.ts'
import { encodeFrame } from './frame.ts'
import { type FenceMark, findMark, type LogMark, markOf } from './mark.ts'
import { confirmMark, hasFence } from './recognise.ts'
import { claimSlot, readSlot, type SlotHeader, type WriteProgress } from './slot.ts'
import { writeSnapshot } from './snapshot.ts'
import type { WritersWalk } from './walk.ts'

/** A place in the log that a snapshot can stand for. */
export interface LogPosition {
  readonly slot: number
  readonly hash: string
}

const DELETE_BATCH = 1000

/** The right to append to the log, until another writer's fence. */
export class LogWriter {
  /** The writer's fencing number: every take-over has a higher one. */
  readonly epoch: number
  readonly #log: LogContext
  readonly #identity: string
  readonly #fences: readonly FenceMark[]
  #position: LogPosition
  /** Of the object in the slot of the position. */
  #etag: ETag | undefined
  /** What was the position when `confirmPast` was called last. */
  #past: LogPosition & { readonly etag?: ETag | undefined }
  #base: CasVersion<BaseRecord> | undefined
  /** Commits at or below the position that still exist, in ascending order. */
  #held: number[]
  #obsoleteSnapshots: string[] = []
  #snapshotsListed = false
  #appending = false
  /** Of the last append. */
  #progress: WriteProgress = { mayBeStored: false }
  #closed: Error | undefined

  /** Made by `takeOver` alone: `walk` ends in this writer's own fence. */
  constructor(log: LogContext, walk: WritersWalk<unknown>) {
    this.#log = log
    this.epoch = walk.epoch
    this.#identity = walk.log
    this.#fences = walk.fences
    this.#position = { slot: walk.slot, hash: walk.hash }
    this.#past = this.#position
    this.#base = walk.base
    this.#held = walk.held
  }

  /** The slot that the next commit will have. */
  get nextSlot(): number {
    return this.#position.slot + 1
  }

  /** The last slot that is known to be in the log. */
  get position(): LogPosition {
    return this.#position
  }

  /** The last slot that is known to be in the log, as other processes recognise it. */
  get mark(): LogMark | undefined {
    return markOf({ log: this.#identity, slot: this.#position.slot, fences: this.#fences })
  }

  /** Whether a mark that another process made lies in this log, as far as this writer knows it. Costs a request if it was made many epochs ago. */
  async recognises(mark: LogMark, signal?: AbortSignal): Promise<boolean> {
    // Others may have read a commit whose outcome this writer does not know yet.
    if (mark.fence.nonce === this.#fences.at(-1)?.nonce) return true
    const found = findMark({ log: this.#identity, slot: this.#position.slot, fences: this.#fences }, mark)
    return found === 'unknown' ? hasFence(this.#log, mark, signal) : found === 'there'
  }

  /** The slot that the base stands at, as far as this writer knows. */
  get baseSlot(): number {
    return this.#base?.value.slot ?? 0
  }

  /**
   * Puts one commit into the next slot and resolves once it is known to be there, however long that takes. One at a time.
   *
   * Throws `Fenced` when another process has taken over. Rejects with a `StoreError` when the store refuses
   * for good, with the signal's reason when it is aborted; the writer is closed then, and `isUncertain` says whether the commit may be in the log.
   */
  async append(body: Uint8Array, signal?: AbortSignal): Promise<LogPosition> {
    this.#assertOpen()
    if (this.#appending)
      throw new WriterClosed('A commit is being appended already: wait for it before appending the next one.')
    this.#appending = true
    try {
      return await this.#append(body, signal)
    } catch (error) {
      this.#closed = error instanceof Error ? error : new Error(String(error))
      throw error
    } finally {
      this.#appending = false
    }
  }

  /**
   * Whether the commit of the last `append` may be in the log: its outcome is not known yet, or an attempt to write it had no answer, whatever the
   * store answered to a later one. True also once it is known to be there.
   */
  get isUncertain(): boolean {
    return this.#progress.mayBeStored
  }

  async #append(body: Uint8Array, signal?: AbortSignal): Promise<LogPosition> {
    this.#progress = { mayBeStored: false }
    const slot = this.nextSlot
    const nonce = this.#log.ids.nonce()
    const header: SlotHeader = { kind: 'commit', slot, epoch: this.epoch, nonce, prev: this.#position.hash }
    const { bytes, hash } = encodeFrame(header, body)
    const { owner, etag } = await claimSlot(this.#log, slot, nonce, bytes, signal, this.#progress)
    if (owner !== 'mine') throw this.#fenced(slot)
    this.#held.push(slot)
    this.#position = { slot, hash }
    this.#etag = etag
    this.#log.memory.remember(this.mark)
    return this.#position
  }

  /**
   * Resolves if at some moment during the call nobody had taken over; else throws `Fenced`, or `WriterClosed` if the writer is closed. Costs one request, and is for times at which nothing
   * is being appended: a commit of ours that is in the log without our knowing would be taken for nothing, once it is collected.
   */
  async confirm(signal?: AbortSignal): Promise<void> {
    this.#assertOpen()
    const slot = this.nextSlot
    const found = await readSlot(this.#log, slot, signal)
    if (found !== undefined && found.header.epoch !== this.epoch) throw this.#fenced(slot)
  }

  /**
   * Throws `LogReplaced` if what stood last in the log at the previous call is gone: a store that was emptied, or set back to an earlier state, takes what is
   * appended like any other. Costs a request, and is to be called some time after a commit.
   */
  async confirmPast(signal?: AbortSignal): Promise<void> {
    const { slot, hash, etag } = this.#past
    const fence = this.#fences.at(-1)
    this.#past = { ...this.#position, etag: this.#etag }
    const key = this.#log.layout.slot(slot)
    const read = (): Promise<GetResult> => this.#log.store.get(key, { ifNoneMatch: etag, signal })
    if (etag !== undefined && (await persistently(this.#log, read, signal)).outcome === 'not-modified') return
    const found = await readSlot(this.#log, slot, signal)
    if (found?.hash === hash || fence === undefined) return
    // It may have been collected.
    await confirmMark(this.#log, { log: this.#identity, fence, slot }, signal)
  }

  #assertOpen(): void {
    if (this.#closed === undefined) return
    throw new WriterClosed(`The writer of epoch ${this.epoch} is closed: ${this.#closed.message}`, this.#closed)
  }

  #fenced(slot: number): Fenced {
    return new Fenced(this.epoch, `${this.#log.layout.slot(slot)} in ${this.#log.store.description}`)
  }

  /**
   * Writes a snapshot of the state at `position` and moves the base there (rule 5). `position` is one that `append` returned.
   * Does nothing if the base is there already. Throws `Fenced` when the base is beyond everything this writer wrote,
   * `LogReplaced` when the log below it is gone.
   */
  async checkpoint(position: LogPosition, snapshot: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (position.slot <= this.baseSlot) return
    // A base of this writer's state must not hide that the commits below it are gone, and nothing is to be collected then.
    await this.confirmPast(signal)
    const held = this.#held.filter((slot) => slot <= position.slot)
    const key = await writeSnapshot(this.#log, position.slot, held, snapshot, signal)
    const { slot, hash } = position
    const outline = { log: this.#identity, slot, fences: this.#fences }
    const record: BaseRecord = { ...outline, epoch: this.epoch, hash, snapshot: key }
    for (;;) {
      const before = this.#base
      const { outcome, current } = await this.#moveBase(before, record, signal)
      // Ours may have been written and left behind since. A base of another writer must not be taken for ours: `collect` goes by it.
      const isOurs = outcome === 'written' && current.value.snapshot === key
      if (!isOurs && current !== undefined && current.value.slot >= position.slot) {
        throw new Fenced(this.epoch, `${this.#log.layout.base} in ${this.#log.store.description}`)
      }
      if (outcome === 'written') {
        if (before !== undefined) this.#obsoleteSnapshots.push(before.value.snapshot)
        this.#base = current
        return
      }
      if (before !== undefined && (current?.value.slot ?? 0) < before.value.slot)
        await this.#confirmBase(before, signal)
      this.#base = current
    }
  }

  /** The base is gone or went back, which no writer does. */
  async #confirmBase({ value }: CasVersion<BaseRecord>, signal?: AbortSignal): Promise<void> {
    const mark = markOf(value)
    if (mark !== undefined) await confirmMark(this.#log, mark, signal)
  }

  /** A base so far ahead that it does not know the one before any more is a lost race like any other. */
  async #moveBase(
    before: CasVersion<BaseRecord> | undefined,
    record: BaseRecord,
    signal?: AbortSignal,
  ): Promise<CasWrite<BaseRecord>> {
    const { base } = this.#log
    try {
      return await base.write(before, record, signal)
    } catch (error) {
      if (!(error instanceof CasUnresolved)) throw error
      return { outcome: 'lost', current: await base.read(signal) }
    }
  }

  /**
   * Deletes commits at or below the base that nobody needs, and snapshots that the base has left behind. `isLive` says of a slot
   * whether something in it is still needed; it must go by commits that are known to be in the log. Fences are never
   * deleted (rule 4). `upTo`: the last slot of which `isLive` can say that; by default that of the base. Resolves to the number of objects deleted; what a
   * failure leaves behind is tried again the next time.
   */
  async collect(
    isLive: (slot: number) => boolean,
    signal?: AbortSignal,
    upTo: number = Number.POSITIVE_INFINITY,
  ): Promise<number> {
    const log = this.#log
    const below = Math.min(upTo, this.baseSlot)
    const dead = this.#held.filter((slot) => slot <= below && !isLive(slot))
    if (!this.#snapshotsListed) await this.#listSnapshots(signal)
    const keys = [...this.#obsoleteSnapshots, ...dead.map((slot) => log.layout.slot(slot))]
    for (let i = 0; i < keys.length; i += DELETE_BATCH) {
      const batch = keys.slice(i, i + DELETE_BATCH)
      await persistently(log, () => log.store.delete(batch, { signal }), signal)
    }
    const gone = new Set<number | string>([...dead, ...keys])
    this.#held = this.#held.filter((slot) => !gone.has(slot))
    this.#obsoleteSnapshots = this.#obsoleteSnapshots.filter((key) => !gone.has(key))
    return keys.length
  }

  /**
   * Finds the snapshots that crashed writers left. Only those below the base that this writer has seen: a snapshot at or above it may be one
   * that a base is about to name.
   */
  async #listSnapshots(signal?: AbortSignal): Promise<void> {
    const { store, layout } = this.#log
    const below = this.baseSlot
    let startAfter: string | undefined
    do {
      const page = await persistently(
        this.#log,
        () => store.list({ prefix: layout.snapshots, startAfter, signal }),
        signal,
      )
      for (const { key } of page.entries) {
        if (layout.slotOfSnapshot(key) < below && !this.#obsoleteSnapshots.includes(key))
          this.#obsoleteSnapshots.push(key)
      }
      startAfter = page.truncated ? page.entries.at(-1)?.key : undefined
    } while (startAfter !== undefined)
    this.#snapshotsListed = true
  }
}
