/** What a queue object says of itself without a request, for liveness and readiness probes. */
export interface QueueHealth {
  /** Whether a worker of this queue object runs. */
  readonly isRunning: boolean
  /**
   * When this process last had proof that it is the writer, ms since 1970: the start of its last successful commit or heartbeat. Undefined in a process that
   * is not the writer.
   */
  readonly lastHeartbeat: number | undefined
  /** Whether some process is known to write: this one or another one. False until the queue object is first used. */
  readonly coordinatorElected: boolean
  /** Whether this process writes. */
  readonly isCoordinator: boolean
}
