/** What a process on a queue and the parent that started it say to each other. Moments are ms of the wall clock, which all processes of a machine share. */
import type { StoreLocation } from '../stores/location.ts'

/** What of a queue's options the benchmark changes. */
export interface PodOptions {
  readonly takeoverAfterMs?: number | undefined
  readonly visibilityTimeoutMs?: number | undefined
  readonly maxPollMs?: number | undefined
}

/** Where the processes of a queue meet: in a store, or for BullMQ on a Redis server. */
export type PodSetup =
  | {
      readonly kind: 'store'
      readonly location: StoreLocation
      readonly queue: string
      readonly options?: PodOptions | undefined
    }
  | { readonly kind: 'redis'; readonly host: string; readonly port: number; readonly queue: string }

export interface WorkOrder {
  readonly kind: 'work'
  readonly concurrency: number
  readonly handlerMs: number
  /** Handlers of messages below this number do not end. Default 0. */
  readonly stuckBelow?: number | undefined
  readonly maxPrefetch?: number | undefined
  /** `starts`, the default: the number of each message as its handler starts. `progress`: how many handlers have ended, which costs little. */
  readonly reports?: 'starts' | 'progress' | undefined
}

/** `low`: behind urgent ones. BullMQ takes messages without a priority before all others, so there the backlog of an urgent message has to be `low`. */
export type Priority = 'none' | 'low' | 'urgent'

export interface EnqueueOrder {
  readonly kind: 'enqueue'
  /** Recipients from this number on, `batch` at a time, one batch after the other. */
  readonly first: number
  readonly count: number
  readonly batch: number
  readonly priority?: Priority | undefined
  readonly delayMs?: number | undefined
}

export type PodOrder =
  | WorkOrder
  | EnqueueOrder
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  /** Cancels the message that this process enqueued last. */
  | { readonly kind: 'cancel-last' }
  | { readonly kind: 'usage' }
  | { readonly kind: 'handled' }
  | { readonly kind: 'close' }

export type PodReport =
  | { readonly kind: 'ready' }
  /** The worker runs. */
  | { readonly kind: 'working' }
  | { readonly kind: 'promoted'; readonly at: number }
  /** The numbers of messages whose handlers have started since the last report. */
  | { readonly kind: 'started'; readonly numbers: readonly number[]; readonly at: number }
  | ProgressReport
  | { readonly kind: 'enqueued'; readonly calledAt: number; readonly at: number }
  /** An operator's command has been carried out, `ms` after it was given. */
  | { readonly kind: 'answered'; readonly ms: number }
  /** Requests to the store and CPU time of this process so far. */
  | { readonly kind: 'usage'; readonly requests: number; readonly cpuMs: number }
  /** The numbers of messages whose handlers have ended since this was last asked. */
  | { readonly kind: 'handled'; readonly numbers: readonly number[] }
  /** An order failed. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'closed'; readonly at: number }

/** Handlers that have ended since the last report. */
export interface ProgressReport {
  readonly kind: 'progress'
  readonly ended: number
  readonly firstStartAt: number
  readonly lastEndAt: number
  /** How long these handlers took, added up: a timer may be late. */
  readonly busyMs: number
}
