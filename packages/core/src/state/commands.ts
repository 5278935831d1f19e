/**
 * What somebody wants of a queue. Commands are plain data: they reach the writer directly in its own process, and through the
 * inbox from any other.
 */

/** `count` new messages with the numbers `seq`, `seq + 1`, … of `sender`. Their payloads travel beside it. */
export interface EnqueueCommand {
  readonly type: 'enqueue'
  readonly sender: string
  readonly seq: number
  readonly count: number
  readonly maxAttempts: number
  readonly priority: number
  /** Not before this moment, ms since 1970; 0 for at once. */
  readonly visibleAt: number
}

/** The end of a claim, as its worker sees it. Taken only while the token is the current one. */
export type Settlement =
  | { readonly token: number; readonly kind: 'complete' }
  | {
      readonly token: number
      readonly kind: 'fail'
      readonly name: string
      readonly message: string
      readonly retriable: boolean
    }
  /** Given back; `started` says whether the handler ever saw it. */
  | { readonly token: number; readonly kind: 'release'; readonly started: boolean }

export interface SettleCommand {
  readonly type: 'settle'
  readonly settlements: readonly Settlement[]
}

export type Command = EnqueueCommand | SettleCommand
