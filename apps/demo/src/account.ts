/** All that is known when a run is over: what went in, what each side saw, and what the queue says. */
import type { QueueStats } from '@s3queue/core'
import type { Cost } from './cost.ts'
import type { Crash } from './crash.ts'
import type { Delivery } from './mail-server.ts'
import type { Patience } from './newsletter-queue.ts'
import type { Note } from './notes.ts'
import type { LoggedEnd } from './pods/log-record.ts'
import type { ListedRecipient } from './recipients.ts'

export interface DeadLetter {
  readonly id: string
  /** How the last attempt failed. */
  readonly why: string
}

/** What is known besides where several worker processes shared the queue. */
export interface Shared {
  readonly workers: readonly string[]
  /** How each claim ended, as the log says. */
  readonly ends: readonly LoggedEnd[]
  /** `monotonicMs()` before the first message was enqueued. */
  readonly startedAt: number
  /** What it cost to read the log from outside. */
  readonly lookingOn: Cost
}

export interface Account {
  readonly recipients: readonly ListedRecipient[]
  /** The message of each recipient, in the same order. */
  readonly ids: readonly string[]
  /** What the mail server accepted. */
  readonly deliveries: readonly Delivery[]
  /** What the processes noted, all of them, in order of time. */
  readonly notes: readonly Note[]
  /** What the queue says. */
  readonly stats: QueueStats
  /** What the queue has in its dead letters. */
  readonly dead: readonly DeadLetter[]
  /** What it cost until the queue was open. On a store that must be tried first (S3), this includes the trial. */
  readonly opening: Cost
  /** What it cost from then on, in all processes. */
  readonly cost: Cost
  readonly patience: Patience
  readonly elapsedMs: number
  readonly crash: Crash | undefined
  readonly shared?: Shared
  /** Stopped by the user before the end. */
  readonly interrupted: boolean
  /** Where the queue and the notes still lie, if they were kept. */
  readonly kept: readonly string[]
}
