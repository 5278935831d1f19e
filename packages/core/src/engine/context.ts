/** What the parts of one queue's engine share. */
import type { FencedLog } from '@s3queue/primitives'
import type { Ticket } from '../claim.ts'
import { asError, NotAcknowledged } from '../errors.ts'
import type { EventHub } from '../events.ts'
import type { ResolvedQueueOptions } from '../options.ts'
import type { Payload } from '../state/batch-codec.ts'
import type { Command, ProgressReport, Settlement } from '../state/commands.ts'
import type { OnSkipped } from '../state/fold.ts'
import type { Claim } from '../state/model.ts'
import type { WorkerSelf } from '../transport/port.ts'
import type { Endings } from './endings.ts'
import type { LogTexts } from './log-texts.ts'
import type { NamingLimit } from './naming-limit.ts'

export interface EngineContext {
  readonly options: ResolvedQueueOptions
  readonly log: FencedLog
  readonly events: EventHub
  /** Who in this process waits for the ends of messages. */
  readonly endings: Endings
  /** Long texts that the state refers to. */
  readonly texts: LogTexts
  /** Wall time, corrected by the store's, ms since 1970. */
  readonly wallNow: () => number
  /** The worker of this process, while there is one. */
  readonly worker: () => WorkerLink | undefined
  /** Whether the worker holds this claim, is about to get its payload, or has a settlement of it that was not taken yet. */
  readonly knows: (token: number) => boolean
  /** A claim was taken from the worker. */
  readonly revoke: (token: number, reason: Error) => void
  /** An operator wants a message back: the worker stops its handler and settles the claim as released. */
  readonly release: (token: number, reason: Error) => void
  /** Resolves once all that this process put into the inbox is durable. */
  readonly whenSent: () => Promise<void>
  /** Tells the user of something that no call can be told of. */
  readonly trouble: (error: unknown) => void
  /** Reports an event of the log that does not fit the state and is left out, once for each. */
  readonly skipped: OnSkipped
}

/** What the writer made of a command. Nobody knows if it went through the inbox: `undefined`. */
export type Answer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'duplicate'; readonly of: string; readonly isDead: boolean }
  | { readonly kind: 'result'; readonly result: number }

/** Commands on their way together, with those who wait for them. */
export interface Submission {
  readonly commands: readonly Command[]
  /** One for each message of each enqueue, in order. */
  readonly payloads: readonly Payload[]
  /** Where a message names a payload object: for how long it may. */
  readonly limits?: readonly NamingLimit[] | undefined
  /** Whether the commands are sent again after a refusal of the store. For those that no call waits for, and that would otherwise be lost. */
  readonly outlivesRefusals?: boolean | undefined
  /** Set once a write of these commands had no answer: from then on a refusal does not mean that they did not take effect. */
  mayBeDurable?: boolean
  /** The commands are durable. */
  readonly resolve: (answers: readonly Answer[] | undefined) => void
  readonly reject: (error: unknown) => void
}

/**
 * Rejects the calls of a submission that cannot be completed because of `error`. Only `NotAcknowledged` may mean that a call took effect: so the caller
 * gets that where an earlier write of the same commands had no answer.
 */
export function refuse(submission: Submission, error: unknown): void {
  submission.reject(submission.mayBeDurable === true ? outcomeUnknown(error) : error)
}

/** The error of a call that may have taken effect, and of which nothing more can be learned because of `reason`. */
export function outcomeUnknown(reason: unknown): NotAcknowledged {
  if (reason instanceof NotAcknowledged) return reason
  const cause = asError(reason)
  return new NotAcknowledged(
    `The call may have taken effect: a request for it got no answer, and a later one failed for good. Check, or repeat the call under the same id. The last error was: ${cause.message}`,
    cause,
  )
}

/** Settlements, and the claims they end, in the same order. */
export interface Finished {
  readonly settlements: Settlement[]
  readonly claims: Claim[]
}

/** Moments in the life of a ticket, monotonic. */
export interface TicketTimes {
  /** From here on the worker may count its time. */
  readonly provenAt: number
  /** When it was requested; undefined if that says nothing of how long tickets take to arrive. */
  readonly askedAt: number | undefined
}

/** How the engine sees a worker of its process. */
export interface WorkerLink extends WorkerSelf {
  /** How many more messages it would take now; negative if it holds more than that already. */
  room(): number
  /** How many more handlers could start now. */
  freeSlots(): number
  /** Gives back up to `count` tickets that no handler has started, those that would start last; not those that start soon. */
  recallTickets(count: number): void
  /** Whether it holds this claim, or has a settlement of it that was not taken yet. */
  knows(token: number): boolean
  /** `count` claims are being committed for it. */
  reserve(count: number): void
  /** `count` reserved claims will not come. */
  forfeit(count: number): void
  /** Tickets. `reserved`: how many of them were reserved before. */
  deliver(tickets: readonly Ticket[], times: TicketTimes, reserved: number): void
  /** What has ended since the last call. */
  takeFinished(): Finished
  /** What running handlers reported since the last call. */
  takeReports(): ProgressReport[]
  /** A claim was taken from it. */
  revoke(token: number, reason: Error): void
  /** Tells handlers to stop whose claims are over by the clock, although the timer for that has not fired yet. */
  stopOverdue(): void
  /** All its claims are void: their handlers get their signals aborted, and what ended before and was not taken yet is forgotten. */
  abandon(reason: Error): void
  /** An operator wants this message back: stops its handler and settles the claim as released. Does nothing where the claim is not held or settled already. */
  release(token: number, reason: Error): void
  /** This process does not write any more: give back what has not started. */
  detached(): void
}
