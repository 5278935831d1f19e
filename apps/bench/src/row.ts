/** What a row of the benchmark is: what it measures, on which stores, and what it is measured against. */
import type { ObjectStore } from '@s3queue/storage'
import type { StoreLocation } from './stores/location.ts'

/** `far` is memory behind a model of a network: every request takes 60 ms. */
export const STORE_NAMES = ['memory', 'fs', 'minio', 'far'] as const

export type StoreName = (typeof STORE_NAMES)[number]

export const ROW_GROUPS = ['many-processes'] as const

export type RowGroup = (typeof ROW_GROUPS)[number]

export interface Target {
  readonly bound: 'at least' | 'at most'
  readonly value: number
  /** Every repetition must keep to it, not just the median: a promise rather than a size. Default false. */
  readonly every?: boolean | undefined
  /** Where it counts. Default: on every store of the row. */
  readonly stores?: readonly StoreName[] | undefined
}

export interface MetricSpec {
  /** What the number is, in a few words. */
  readonly label: string
  /** `messages/s`, `ms`, `requests` … */
  readonly unit: string
  /** Of several, the first that counts on a store. */
  readonly target?: Target | readonly Target[] | undefined
}

/** Where a row is measured. */
export interface Place {
  /** Undefined for a row that needs no store. */
  readonly storeName: StoreName | undefined
  /** Empty, or used by rows before this one; each queue in it gets a name of its own. */
  readonly store: ObjectStore
  /** Where other processes find it; undefined if it is in the memory of this one. */
  readonly location: StoreLocation | undefined
  /** Small numbers, to see that everything works rather than how fast. */
  readonly quick: boolean
  /** Says what is going on now. */
  readonly progress: (text: string) => void
}

/** What one repetition found, by metric; a metric may be missing where it makes no sense. */
export type Findings = Readonly<Record<string, number | undefined>>

/** One repetition. */
export type Repetition = () => Promise<Findings>

export interface Row {
  /** For `--only`. */
  readonly name: string
  /** Also for `--only`: all rows of a group. */
  readonly group?: RowGroup | undefined
  /** What happens and what is counted, in a sentence. */
  readonly about: string
  /** Empty: needs no store. */
  readonly stores: readonly StoreName[]
  /** Default: what the run says. */
  readonly repetitions?: number | undefined
  /** Whether a first repetition is thrown away. Default true. */
  readonly warmUp?: boolean | undefined
  /** Only measured when asked for by name or group, or by the flag of this name. */
  readonly onRequest?: 'idle' | 'peers' | 'group' | undefined
  readonly metrics: Readonly<Record<string, MetricSpec>>
  /** Makes ready what all repetitions share. */
  readonly begin: (place: Place) => Promise<Repetition> | Repetition
  /** Ends what `begin` has started. */
  readonly end?: (() => Promise<void>) | undefined
}
