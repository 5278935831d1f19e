/** A message as the model of the simulation sees it. */
export interface ModelMessage {
  readonly id: string
  readonly payload: string
  /** The commit that its payload lies in. */
  readonly slot: number
  /** The object that its payload lies in, if that is not the commit. */
  readonly payloadKey: string | undefined
  readonly maxAttempts: number
  attempts: number
  status: 'waiting' | 'active' | 'completed' | 'dead' | 'removed'
  /** When it was completed or died, by the log's clock. */
  endedAt: number
  /** The current claim's. */
  token: number | undefined
}
