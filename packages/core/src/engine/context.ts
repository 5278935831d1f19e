/** What the parts of one queue's engine share. */
import type { FencedLog } from '@s3queue/primitives'
import type { Ticket } from '../claim.ts'
import type { EventHub } from '../events.ts'
import type { ResolvedQueueOptions } from '../options.ts'
import type { Command, Settlement } from '../state/commands.ts'
import type { Claim } from '../state/model.ts'

export interface EngineContext {
  readonly options: ResolvedQueueOptions
  readonly log: FencedLog
  readonly events: EventHub
  /** Wall time, corrected by the store's, ms since 1970. */
  readonly wallNow: () => number
  /** The worker of this process, while there is one. */
  readonly worker: () => WorkerLink | undefined
  /** Tells the user of something that no call can be told of. */
  readonly trouble: (error: unknown) => void
}

/** A command on its way, with those who wait for it. */
export interface Submission {
  readonly command: Command
  /** JSON texts, one for each message of an enqueue. */
  readonly payloads: readonly string[]
  /** The command is durable. */
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Settlements, and the claims they end, in the same order. */
export interface Finished {
  readonly settlements: Settlement[]
  readonly claims: Claim[]
}

/** How the engine sees a worker of its process. */
export interface WorkerLink {
  readonly id: string
  /** How many more messages it would take now. */
  room(): number
  /** `count` claims are being committed for it. */
  reserve(count: number): void
  /** `count` reserved claims will not come. */
  forfeit(count: number): void
  /** Tickets for claims that were reserved. `askedAt`: when the claims were asked for, monotonic: the worker's deadline counts from there. */
  deliver(tickets: Ticket[], askedAt: number): void
  /** What has ended since the last call. */
  takeFinished(): Finished
  /** This process does not write any more: give back what has not started. */
  detached(): void
}
