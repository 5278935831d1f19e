/**
 * What somebody wants of a queue. Commands are plain data: they reach the writer directly in its own process, and through the
 * inbox from any other. All but settlements are numbered by their sender, so that each is carried out once, however often it arrives.
 */
import type { ProcessIdentity } from '@s3queue/storage'
import type { Extras } from './events.ts'

/** `count` new messages with the numbers `seq`, `seq + 1`, … of `sender`. Their payloads travel beside it. */
export interface EnqueueCommand {
  readonly type: 'enqueue'
  readonly sender: string
  readonly seq: number
  /** 1 if it has an id, a deduplication key or a payload object. */
  readonly count: number
  readonly maxAttempts: number
  readonly priority: number
  /** Not before this moment, ms since 1970; 0 for at once. */
  readonly visibleAt: number
  readonly extras?: Extras | undefined
  /** A dead letter that has its id or deduplication key is forgotten, and this message enqueued. */
  readonly onDead?: 'replace' | undefined
}

/** The end of a claim, as its worker sees it. Taken only while the token is the current one. */
export type Settlement = Ending & {
  /** How long the ticket lay in the worker's hands before its handler started, and how long that ran, in ms. Not in the log: for events. */
  times?: readonly [heldMs: number, ranMs: number] | undefined
}

type Ending =
  /** `result`: JSON text. */
  | { readonly token: number; readonly kind: 'complete'; readonly result?: string | undefined }
  /** `afterMs` instead of the backoff. */
  | {
      readonly token: number
      readonly kind: 'fail'
      readonly name: string
      readonly message: string
      /** See `FailureRecord`. */
      readonly more?: string | undefined
      readonly retriable: boolean
      readonly afterMs?: number | undefined
    }
  /** To the dead letters, whatever attempts are left. */
  | { readonly token: number; readonly kind: 'reject'; readonly name: string; readonly message: string }
  | { readonly token: number; readonly kind: 'snooze'; readonly ms: number }
  /** Given back; `started` says whether the handler ever saw it. The attempt is not counted in either case. */
  | { readonly token: number; readonly kind: 'release'; readonly started: boolean }

export interface SettleCommand {
  readonly type: 'settle'
  /** The worker that wants to hear how they were taken, in another process. */
  readonly worker?: string | undefined
  readonly settlements: readonly Settlement[]
}

/** What an operator wants. Each answers with a number: of messages it concerned, or 1 and 0 for yes and no. */
export type ControlAction =
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'cancel'; readonly id: string }
  | { readonly kind: 'release'; readonly id: string }
  | { readonly kind: 'purge' }
  /** Answers with the first token of the claims that follow. */
  | { readonly kind: 'accept-restore' }
  /** `ids`: undefined for all. */
  | { readonly kind: 'redrive'; readonly ids?: readonly string[] | undefined }
  /** Dead and completed messages. */
  | { readonly kind: 'forget'; readonly ids: readonly string[] }

export interface ControlCommand {
  readonly type: 'control'
  readonly sender: string
  readonly seq: number
  readonly action: ControlAction
}

/**
 * What a worker says to a writer in another process. None of it is in the log but reports and lasting extensions; so a notice that comes
 * twice, or late, does no harm: it may give a claim more time, and tells of a capacity that a later notice corrects.
 */
export interface NoticeCommand {
  readonly type: 'notice'
  /** Of the transport. */
  readonly format: number
  readonly worker: string
  /** From 1 on; a receipt names it, and one with a lower number than the last is passed over. */
  readonly number: number
  /** How many claims the worker would hold at once, in all; 0: none, it is leaving. */
  readonly capacity: number
  /** How many more it takes of messages that are more urgent than those it holds. */
  readonly overCapacity: number
  /** How many handlers it runs at once. */
  readonly concurrency: number
  /** Messages per ms that its handlers finish while all of them are busy; 0 if that is not known. */
  readonly rate: number
  /** For how long, in ms, the worker may say nothing and is still alive. */
  readonly silentForMs: number
  /** The mailbox it reads, if it has one. Tickets are for one mailbox: not for the next one of the same worker. */
  readonly mailbox?: string | undefined
  /** The process it runs in; said when it has a new mailbox. */
  readonly process?: ProcessIdentity | undefined
  /** The last version of its mailbox that it has read. */
  readonly seen: number
  /** Tokens of claims to run for their full time from now on. */
  readonly extend?: readonly number[] | undefined
  /** Pairs of a token and how long its claim is to last from now on, in ms, also in the hands of a later writer. */
  readonly lasting?: readonly (readonly [number, number])[] | undefined
  readonly reports?: readonly ProgressReport[] | undefined
}

/**
 * A worker is gone, and everything it knew of is settled. Claims that it still holds never reached it, as tickets were on their way while the worker left and
 * the writer changed: they are given back, and no attempt is counted.
 */
export interface LeftCommand {
  readonly type: 'left'
  readonly worker: string
}

/** What a handler reported since the last time: JSON text of the latest progress, and lines for the message's log. */
export interface ProgressReport {
  readonly token: number
  readonly progress?: string | undefined
  readonly log?: readonly string[] | undefined
}

export type Command = EnqueueCommand | SettleCommand | ControlCommand | NoticeCommand | LeftCommand
