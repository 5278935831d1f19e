import type { Ids, ObjectStore } from '@s3queue/storage'
import type { CasObject } from '../cas-object.ts'
import type { Patience } from '../patience.ts'
import type { LogLayout } from './layout.ts'
import type { LogMemory, LogOutline } from './mark.ts'

/** What the parts of a log share: injected effects, the keys, and the base. */
export interface LogContext extends Patience {
  readonly store: ObjectStore
  readonly ids: Ids
  readonly layout: LogLayout
  readonly base: CasObject<BaseRecord>
  /** How many slots are read at once in a walk. */
  readonly readAhead: number
  /** What this process knows of the log. */
  readonly memory: LogMemory
}

/** The one mutable pointer: which snapshot stands for the log up to which slot. */
export interface BaseRecord extends LogOutline {
  /** Epoch of the newest fence up to `slot`. */
  readonly epoch: number
  /** Hash of slot `slot`. */
  readonly hash: string
  /** Key of the snapshot. */
  readonly snapshot: string
}

/** A slot as handed to a fold. */
export interface LogEntry {
  readonly kind: 'commit' | 'fence'
  readonly slot: number
  readonly epoch: number
  /** The commit's bytes; empty for a fence. */
  readonly body: Uint8Array
}

/**
 * How a state is made from a log. Both functions are pure but for changing the state they are given, and are
 * called again from the start whenever a walk has to start over.
 */
export interface Fold<S> {
  /** The state at a snapshot, or at the beginning of the log. */
  start(snapshot: Uint8Array | undefined): S
  /** Changes `state` by one slot. */
  apply(state: S, entry: LogEntry): void
}
