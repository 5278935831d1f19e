/**
 * What can happen to a queue: the events that commits are made of. They are facts, decided before they are
 * written, so folding them needs no clock, no randomness and no options.
 *
 * Messages that share a commit and all their settings are spoken of as a *run*; a claim is spoken of by its token.
 */

/** Why a message was moved to the dead letters. */
export type DeadReason = 'attempts-used-up' | 'not-retriable' | 'timed-out' | 'rejected'

/** What an event says of a failed attempt: see `failure.ts`. */
export interface FailureText {
  /** The error's name; `VisibilityTimeout` when the claim ran out, `ProcessEnded` when its worker's process had ended. */
  readonly name: string
  readonly message: string
  /** JSON text of the error's code, causes, parts and stack. */
  readonly more?: string | undefined
  /** What the handler reported in this attempt: JSON text of its progress, and lines of its log. */
  readonly progress?: string | undefined
  readonly log?: readonly string[] | undefined
}

/** One failed attempt of a message. */
export interface FailureRecord extends FailureText {
  /** The attempt that failed, from 1 on. */
  readonly attempt: number
  /** When it was recorded, ms since 1970. */
  readonly at: number
}

/** What a handler reported while it ran. */
export interface Report {
  /** JSON text of the latest progress. */
  readonly progress: string | undefined
  readonly log: readonly string[]
}

/** How long to wait between attempts: `min(maxMs, baseMs * 2 ** (attempt - 1))`, less up to `jitter` of it. */
export interface Backoff {
  readonly baseMs: number
  readonly maxMs: number
  /** Share of the wait that is left to chance, 0 to 1. */
  readonly jitter: number
}

/** Settings of a message that most messages do not have. */
export interface Extras {
  /** An id of the sender's choice. Enqueueing it again does nothing while the message is known, and for `windowMs` after its end. */
  readonly id?: string | undefined
  /** Another message with this key does nothing for `windowMs` after this one came. */
  readonly deduplicationKey?: string | undefined
  readonly windowMs?: number | undefined
  /** Before those with its priority that came earlier. */
  readonly lifo?: true | undefined
  /** Instead of the queue's. */
  readonly backoff?: Backoff | undefined
  /** Key of the object that holds the payload, when it is too large for the commit. */
  readonly payloadKey?: string | undefined
}

/** How long finished messages are remembered. The oldest are forgotten first when any bound is exceeded. */
export interface Retention {
  readonly completedCount: number
  readonly completedAgeMs: number
  /** Of results, progress and logs of completed messages, in all. */
  readonly completedBytes: number
  readonly deadCount: number
  readonly deadAgeMs: number
}

export type QueueEvent =
  /** The writer's clock is at `at`: what is due by then becomes visible, and what follows in the log happens then. */
  | { readonly type: 'time'; readonly at: number }
  | { readonly type: 'configured'; readonly retention: Retention }
  /** From here on claims may go to workers of other processes. */
  | { readonly type: 'shared' }
  /** `count` messages with the numbers `seq`, `seq + 1`, … of `sender`; their payloads are the next ones of this commit. */
  | {
      readonly type: 'enqueued'
      readonly sender: string
      readonly seq: number
      readonly count: number
      readonly maxAttempts: number
      /** Higher comes first. */
      readonly priority: number
      /** Not before this moment; 0 for at once. */
      readonly visibleAt: number
      readonly extras?: Extras | undefined
    }
  /** The number `seq` of `sender` is the message `of`, which is known already: nothing is enqueued. */
  | {
      readonly type: 'duplicate'
      readonly sender: string
      readonly seq: number
      readonly of: string
      /** An object that was written for it, and that nobody needs. */
      readonly payloadKey?: string | undefined
    }
  /** The first messages of some runs go to `worker`, under the tokens `token`, `token + 1`, …, for `timeoutMs` each. */
  | {
      readonly type: 'claimed'
      readonly worker: string
      readonly token: number
      readonly timeoutMs: number
      /** Pairs of a run's id and how many of its first messages are taken, flat. */
      readonly runs: readonly number[]
    }
  /**
   * A claim lasts for `timeoutMs` from each moment on at which it is extended, and later terms must expect that it was. Also written before a term first
   * extends an adopted claim.
   */
  | { readonly type: 'extended'; readonly token: number; readonly timeoutMs: number }
  /** No earlier term can extend these claims from here on, and this one writes `extended` before it does. `ranges`: pairs of a first token and how many in a row, flat. */
  | { readonly type: 'adopted'; readonly ranges: readonly number[] }
  /** What a handler reported while it ran: JSON text of the latest progress, and lines for the message's log. */
  | {
      readonly type: 'reported'
      readonly token: number
      readonly progress?: string | undefined
      readonly log?: readonly string[] | undefined
    }
  /**
   * `results`: pairs of a token and the JSON text of its result, for those that have one. `reports`: the same with what the handler reported, where that
   * is long. It was reported piece by piece, and here it is in one place to be read from.
   */
  | {
      readonly type: 'completed'
      readonly tokens: readonly number[]
      readonly results?: readonly (readonly [number, string])[] | undefined
      readonly reports?: readonly (readonly [number, Report])[] | undefined
    }
  /** The attempt failed, and there will be another one from `visibleAt` on. */
  | ({ readonly type: 'retried'; readonly token: number; readonly visibleAt: number } & FailureText)
  /** The handler wants to see the message later; the attempt is not counted. */
  | { readonly type: 'snoozed'; readonly token: number; readonly visibleAt: number }
  /**
   * An operator wants this message back. The claim is no longer extended. It ends when its worker has stopped the handler, or
   * when its time is over; until then no other worker gets the message.
   */
  | { readonly type: 'releasing'; readonly token: number }
  /**
   * Given back. An attempt that never started (`started: false`) is not counted, nor is one that its worker cut off when it stopped
   * (`counted: false`). Logs of earlier versions do not have `counted`: a started attempt counts there.
   */
  | {
      readonly type: 'released'
      readonly tokens: readonly number[]
      readonly started: boolean
      readonly counted?: boolean | undefined
    }
  /**
   * The visibility timeout passed without a settlement, or the process of the worker has ended (`crashed`), and there are attempts left. `failures`: pairs of
   * a token and its failure, for those whose handlers reported something.
   */
  | {
      readonly type: 'expired'
      readonly tokens: readonly number[]
      readonly crashed?: boolean | undefined
      readonly failures?: readonly (readonly [number, FailureText])[] | undefined
    }
  | ({ readonly type: 'died'; readonly token: number; readonly reason: DeadReason } & FailureText)
  | { readonly type: 'paused'; readonly paused: boolean }
  /** The log was restored from a copy: new claims get tokens from `token` on, above all that were used before. */
  | { readonly type: 'restored'; readonly token: number }
  /** This worker is gone for good: no writer hands anything to it from here on, and what it still holds is given back. */
  | { readonly type: 'left'; readonly worker: string }
  /** A message is gone for good: the one with this token, or the one at `offset` of a run. */
  | { readonly type: 'cancelled'; readonly token: number }
  | { readonly type: 'withdrawn'; readonly run: number; readonly offset: number }
  /** All that waited, visible or not, is gone. */
  | { readonly type: 'purged' }
  /** Dead letters wait again, with all their attempts before them. */
  | { readonly type: 'redriven'; readonly ids: readonly string[] }
  /** Dead or completed messages are remembered no more. */
  | { readonly type: 'forgotten'; readonly ids: readonly string[] }
  /** The command number `seq` of `sender` was carried out with this result. */
  | { readonly type: 'answered'; readonly sender: string; readonly seq: number; readonly result: number }
  /** Payload objects that the store lists, and that no message names: some will be named soon, others never. */
  | { readonly type: 'unnamed'; readonly payloadKeys: readonly string[] }
  /** They were unnamed for so long that nobody will name them any more, and nothing in the inbox does. */
  | { readonly type: 'abandoned'; readonly payloadKeys: readonly string[] }
  /** Payload objects that nobody needs were deleted. */
  | { readonly type: 'collected'; readonly payloadKeys: readonly string[] }
