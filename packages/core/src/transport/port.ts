/**
 * The port through which the writer reaches workers of other processes, and they it: `@s3queue/core/transport`.
 *
 * Without a transport only the writer's process handles messages. With one, claims become tickets that travel. A transport decides how fast
 * that goes and what it costs; what is safe is decided here:
 *
 * - A ticket is handed to a transport after its claim is in the log, never before.
 * - The writer counts a claim's time from the moment at which it *knows* that the worker can read the ticket. The worker counts
 *   from a moment at which the ticket *was not there yet*. So the worker gives up first, and no clocks are compared.
 * - What one writer told a worker must not reach it after the next writer has counted: see `WriterSide.adopt`.
 */
import type { LogMark } from '@s3queue/primitives'
import type { Clock, Ids, ObjectStore, Processes, ProcessIdentity, Random } from '@s3queue/storage'
import type { SettledAs } from '../settle.ts'
import type { Payload } from '../state/batch-codec.ts'
import type { Command, NoticeCommand, ProgressReport, Settlement } from '../state/commands.ts'
import type { Death } from '../state/failures.ts'
import type { Claim } from '../state/model.ts'

export interface Transport {
  /** This process writes, for one term. */
  lead(term: WriterTerm): WriterSide
  /** Another process writes, and this one has a worker. Ends with `leave` or `stop`. */
  join(standby: StandbyProcess): WorkerSide
  /** A worker of this process has gone for good, and there is no `WorkerSide` to tell so. Never rejects; when `signal` is aborted, it resolves soon. */
  left(worker: LeavingWorker): Promise<void>
  /** A background error of this process, which no call rejects with: other processes may want to see it. */
  noteTrouble?(error: unknown): void
}

/** A worker that is on its way out; it holds nothing. */
export interface LeavingWorker {
  readonly id: string
  readonly queue: TransportQueue
  readonly signal: AbortSignal
  readonly trouble: (error: unknown) => void
}

/** What a transport needs to know of its queue. */
export interface TransportQueue {
  readonly name: string
  readonly store: ObjectStore
  /** Where the queue's objects lie, ending in a slash. */
  readonly prefix: string
  readonly visibilityTimeoutMs: number
  readonly takeoverAfterMs: number
  readonly maxPollMs: number
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  readonly processes: Processes
}

/** How long a claim lasts, counted from a moment on the monotonic clock at which it was certain not to be over. */
export interface ClaimExtension {
  readonly provenAt: number
  readonly timeoutMs: number
}

/** Claims that run for their full time from a moment on. */
export interface Extended {
  readonly provenAt: number
  /** Their tokens; those that were asked for and are missing are over. */
  readonly held: ReadonlySet<number>
}

/** A committed claim on its way. Its payload is undefined if it is large: then the worker reads it from its commit, or its own object. */
export interface TravellingTicket {
  readonly claim: Claim
  readonly payload: Payload | undefined
}

/** What the writer made of a notice. */
export interface Receipt {
  /** The notice's number. */
  readonly notice: number
  /** Of the tokens it wanted to have extended, those whose claims are over. All others run for their full time from the notice on. */
  readonly lost: readonly number[]
  /** For each lasting extension: its token and how long the claim lasts from the notice on, in ms; null if the claim is over. */
  readonly lasting: readonly (readonly [number, number | null])[]
}

/** How a settlement that came from elsewhere was taken. */
export interface SettledElsewhere {
  readonly token: number
  readonly as: SettledAs
  /** The next attempt, ms since 1970, if it was retried or snoozed. */
  readonly visibleAt?: number | undefined
  /** What became a dead letter. */
  readonly died?: Death | undefined
}

export type RevokeReason = 'cancelled' | 'released'

/** A worker of another process, as the writer sees it. */
export interface RemoteWorker {
  readonly id: string
  /** How many handlers it runs at once, at most. */
  readonly concurrency: number
  /** Messages per ms that its handlers finish while all of them are busy; 0 if that is not known. */
  readonly rate: number
  /** In how many ms it reads what is sent to it now, at the latest, as far as the writer knows. */
  readonly delayMs: number
  /** In how many ms its handlers start what it is handed now if it holds nothing; if it was handed something while it held nothing, those messages; otherwise 0. */
  readonly startsInMs: number
  /** How many more messages it would take now, if it holds `held` claims. `isUrgent`: messages that are more urgent than those it holds. */
  room(held: number, isUrgent?: boolean): number
  /**
   * Resolves to true once the worker can read these tickets, to false once it is certain that it never will. Until then their claims have no
   * deadline.
   */
  deliver(tickets: readonly TravellingTicket[]): Promise<boolean>
  /** A claim was taken from it. The worker is notified as soon as possible; the token is void already. */
  revoke(token: number, reason: RevokeReason): void
  /** Asks it to give back up to `count` tickets that no handler has started. Passed over while an earlier request has not been read. */
  recall(count: number): void
  /** The worker asked how these settlements were taken. */
  settled(outcomes: readonly SettledElsewhere[]): void
}

/** What a term offers to its transport. */
export interface WriterTerm {
  readonly epoch: number
  /** The newest place in the writer's log: what it sends goes with it, so that a worker that uses another log notices. */
  readonly mark: () => LogMark | undefined
  /** The worker in the process of the writer before this one: it may be gone with it. Undefined if that is not known. */
  readonly predecessor: string | undefined
  readonly queue: TransportQueue
  /** Aborted when the term is over. */
  readonly signal: AbortSignal
  readonly isActive: (token: number) => boolean
  /** How many claims a worker holds. */
  readonly held: (worker: string) => number
  /** How many messages are visible and wait. */
  readonly waiting: () => number
  /** Whether anything waits or is being handled. */
  readonly isBusy: () => boolean
  /** The worker in this process, while there is one. */
  readonly localWorker: () => WorkerSelf | undefined
  /** A worker has room: claims are made soon. */
  readonly wake: () => void
  /** A worker runs in that process: see `WriterSide.ended`. Undefined: the worker is not known any longer. */
  readonly runsIn: (worker: string, process: ProcessIdentity | undefined) => void
  readonly trouble: (error: unknown) => void
}

/** The transport on the writer's side. */
export interface WriterSide {
  /** Workers to dispatch to, in the order in which they are to be served. Asked before each commit, while something waits. */
  workers(): Iterable<RemoteWorker>
  /** Whether another process has a living worker, and so could take over. */
  readonly hasSuccessor: boolean
  /** The worker of that id, if it is known. */
  worker(id: string): RemoteWorker | undefined
  /**
   * These claims of `worker` run on from an earlier term. Resolves once nothing that an earlier writer sends can reach the worker any more, or once it is
   * certain that the worker reads no more; their time counts from then on.
   */
  adopt(worker: string, claims: readonly Claim[]): Promise<void>
  /** A worker's notice came, and what was made of it. */
  heard(notice: NoticeCommand, receipt: Receipt): void
  /** So many claims of this worker ran out: it may be dead. */
  ranOut(worker: string, claims: number): void
  /** The process of this worker has certainly ended: the worker gets nothing more in this term. The core ends its claims. */
  ended(worker: string): void
  /** A worker of this process has come or gone. */
  localChanged(): void
  /** The term ends in order, its lease is free: another process may take over. Never rejects. */
  handOver(): Promise<void>
}

/** What a worker says of itself. */
export interface WorkerSelf {
  readonly id: string
  /** How many handlers it runs at once, at most. */
  readonly concurrency: number
  /** How many claims it would hold at once, in all. */
  capacity(): number
  /** How many more it takes of messages that are more urgent than those it holds. */
  readonly overCapacity: number
  /** Messages per ms that its handlers finish while all of them are busy; 0 if that is not known yet. */
  readonly rate: number
  /** How long it may be before the writer hears from it and it hears from the writer, in ms: its handlers have enough to do for several times as long. */
  visitMs(): number
  /** Whether it holds any claim. */
  readonly isBusy: boolean
  /** Messages whose handlers have ended. */
  readonly finishedCount: number
}

/** What a process that stands by offers to its transport. */
export interface StandbyProcess {
  readonly queue: TransportQueue
  readonly worker: WorkerSelf
  /** Whether the worker holds this claim, or has settled it and that was not sent yet. */
  readonly knows: (token: number) => boolean
  /** The highest epoch that this process has seen: what comes from a lower one is old. */
  readonly epoch: () => number
  /** An epoch was seen. */
  readonly sawEpoch: (epoch: number) => void
  /** A writer's message has this mark. False: that log is not the one that this process uses, as far as it knows, so the message is to be ignored. */
  readonly meets: (mark: LogMark) => boolean
  /** What this process wrote is gone: the core checks that the log is still the one that it knows. */
  readonly doubt: () => void
  /** Makes commands durable for the writer, whoever that is. */
  readonly send: (commands: readonly Command[]) => Promise<void>
  /**
   * Tickets have come. `absentAt`: a moment at which they were not there yet, monotonic: the worker's deadlines count from there. `askedAt`: when the
   * request that they answer was sent, to measure how long claims take to arrive; undefined if the queue was empty in between.
   */
  readonly deliver: (tickets: readonly TravellingTicket[], absentAt: number, askedAt: number | undefined) => void
  readonly revoke: (token: number, reason: RevokeReason) => void
  readonly settled: (outcomes: readonly SettledElsewhere[]) => void
  /** The writer asks for up to `count` tickets that no handler has started. */
  readonly recall: (count: number) => void
  /** The writer has said that the lease is free, or that this process is to watch it closely: read it now. */
  readonly wake: () => void
  readonly trouble: (error: unknown) => void
}

/** The transport on a worker's side, while another process writes. */
export interface WorkerSide {
  /** Whether this process should watch the writer closely: a few do, the others check rarely. */
  readonly isDeputy: boolean
  /** Settlements are about to be sent, and what handlers reported: what to send along. Called with neither, it may have nothing to say. */
  notice(settlements: readonly Settlement[], reports: readonly ProgressReport[]): readonly NoticeCommand[]
  /** That is durable. */
  sent(): void
  /** Something may have come: look soon, once. */
  look(): void
  /** Claims to run for their full time; resolves to those that do, and from which moment on, monotonic. Undefined if no writer answered. */
  extend(tokens: readonly number[]): Promise<Extended | undefined>
  /** A claim is to last at least so long, also in the hands of a later writer. Undefined: it is over. */
  setTimeout(token: number, ms: number): Promise<ClaimExtension | undefined>
  /** The worker is gone for good; it holds nothing. Never rejects; when `signal` is aborted, it resolves soon. */
  leave(signal: AbortSignal): Promise<void>
  /** This process becomes the writer. */
  stop(): void
}
