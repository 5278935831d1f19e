/** A message as the model of the simulation sees it. */
export interface ModelMessage {
  readonly id: string
  readonly payload: string
  /** The commit that its payload lies in. */
  readonly slot: number
  /** The object that its payload lies in, if that is not the commit. */
  readonly payloadKey: string | undefined
  readonly maxAttempts: number
  /** Its latest failures, oldest first: the commit that recorded each one, and whether its text is too long for the state. */
  failures: readonly { readonly slot: number; readonly isLong: boolean }[]
  /** The commit that completed it, if its result or report is too long for the state. */
  longOutcomeIn: number | undefined
  attempts: number
  status: 'waiting' | 'active' | 'completed' | 'dead' | 'removed'
  /** When it was completed or died, by the log's clock. */
  endedAt: number
  /** The current claim's. */
  token: number | undefined
}
