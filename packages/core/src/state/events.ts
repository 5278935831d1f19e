/**
 * What can happen to a queue: the events that commits are made of. They are facts, decided before they are
 * written, so folding them needs no clock, no randomness and no options.
 *
 * Messages that share a commit and all their settings are spoken of as a *run*; a claim is spoken of by its token.
 */

/** Why a message was moved to the dead letters. */
export type DeadReason = 'attempts-used-up' | 'not-retriable' | 'timed-out'

/** One failed attempt, as it is kept with the message. */
export interface Failure {
  /** The attempt that failed, from 1 on. */
  readonly attempt: number
  /** When it was recorded, ms since 1970. */
  readonly at: number
  /** The error's name, or `VisibilityTimeout` when the claim ran out. */
  readonly name: string
  readonly message: string
}

export type QueueEvent =
  /** The writer's clock is at `at`: what is due by then becomes visible, and what follows in the log happens then. */
  | { readonly type: 'time'; readonly at: number }
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
  | { readonly type: 'extended'; readonly token: number; readonly timeoutMs: number }
  | { readonly type: 'completed'; readonly tokens: readonly number[] }
  /** The attempt failed, and there will be another one from `visibleAt` on. */
  | {
      readonly type: 'retried'
      readonly token: number
      readonly visibleAt: number
      readonly name: string
      readonly message: string
    }
  /** Given back. An attempt that never started (`started: false`) is not counted. */
  | { readonly type: 'released'; readonly tokens: readonly number[]; readonly started: boolean }
  /** The visibility timeout passed without a settlement, and there are attempts left. */
  | { readonly type: 'expired'; readonly tokens: readonly number[] }
  | {
      readonly type: 'died'
      readonly token: number
      readonly reason: DeadReason
      readonly name: string
      readonly message: string
    }
