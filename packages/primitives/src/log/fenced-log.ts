/**
 * A log in an object store that has one writer at a time, decided by the log itself.
 *
 * Every slot is an object that is created once; every change of writer is a slot too, the fence. So who writes is
 * settled by who created a slot, and neither clocks nor leases nor beliefs about a leader can break it.
 */
import { assertPrefix, type Ids, numberOption, type ObjectStore } from '@s3queue/storage'
import { CasObject } from '../cas-object.ts'
import { checkOptions } from '../check-options.ts'
import type { Patience } from '../patience.ts'
import type { BaseRecord, Fold, LogContext } from './context.ts'
import { LogFollower } from './follower.ts'
import { describeLayout } from './layout.ts'
import { type LogMark, LogMemory } from './mark.ts'
import { confirmMemory } from './recognise.ts'
import { readSlot } from './slot.ts'
import { type Leadership, takeOver } from './take-over.ts'

/** Where a log lies, and what it needs. */
export interface FencedLogOptions extends Patience {
  readonly store: ObjectStore
  /** Where the log's objects lie: empty, or ending in a slash. */
  readonly prefix: string
  readonly ids: Ids
  /** How many slots a walk reads at once, at most. Default 32. */
  readonly readAhead?: number | undefined
}

/** A log with one writer at a time: see `createFencedLog`. */
export interface FencedLog {
  /**
   * Becomes the writer, and fences the one before. Resolves with the state of the whole log. Waits through outages until `signal` ends it;
   * throws `CorruptObject` if the log cannot be read.
   */
  takeOver<S>(fold: Fold<S>, signal?: AbortSignal): Promise<Leadership<S>>
  /** Reads along without becoming the writer. */
  follow<S>(fold: Fold<S>): LogFollower<S>
  /** The bytes of one commit, or undefined if there is none (any more) in that slot. */
  readCommit(slot: number, signal?: AbortSignal): Promise<Uint8Array | undefined>
  /** The newest place of the log that this object knows, from its reads, its writes, and what it met. */
  readonly mark: LogMark | undefined
  /**
   * Compares a mark that another process made with what is known of the log, without a request. False: it contradicts that, so `confirm` is to tell what
   * is true. A mark of the known epoch is remembered.
   */
  note(mark: LogMark): boolean
  /**
   * Like `note`, but reads the log where only that can tell: two or three requests for each change of writer. Throws `LogReplaced` if the log that this object knows is gone.
   */
  meet(mark: LogMark, signal?: AbortSignal): Promise<void>
  /** Throws `LogReplaced` if the log that this object knows is gone. Costs two or three requests, and none if it knows nothing yet. */
  confirm(signal?: AbortSignal): Promise<void>
}

/** The log below `prefix`. Makes no request by itself. Throws `InvalidOption`, and `InvalidRequest` for a prefix that is none. */
export function createFencedLog(options: FencedLogOptions): FencedLog {
  const who = 'createFencedLog'
  checkOptions(who, options, ['prefix', 'readAhead'])
  const { store, prefix, ids, clock, random, baseMs, maxMs, onTrouble } = options
  const patience: Patience = { clock, random, baseMs, maxMs, onTrouble }
  assertPrefix(prefix)
  const readAhead = numberOption(who, 'readAhead', options.readAhead, 32, { min: 1, integer: true })
  const layout = describeLayout(prefix)
  const base = new CasObject<BaseRecord>({ ...patience, store, key: layout.base, ids })
  const memory = new LogMemory()
  const log: LogContext = { ...patience, store, ids, layout, base, readAhead, memory }
  return {
    takeOver: (fold, signal) => takeOver(log, fold, signal),
    follow: (fold) => new LogFollower(log, fold),
    async readCommit(slot, signal) {
      const found = await readSlot(log, slot, signal)
      return found?.header.kind === 'commit' ? found.body : undefined
    },
    get mark() {
      return memory.mark
    },
    note(mark) {
      const compared = memory.compare(mark)
      if (compared === 'follows') memory.remember(mark)
      return compared !== 'contradicts'
    },
    async meet(mark, signal) {
      const compared = memory.compare(mark)
      if (compared !== 'follows') await confirmMemory(log, signal)
      if (compared !== 'contradicts') memory.remember(mark)
    },
    confirm: (signal) => confirmMemory(log, signal),
  }
}
