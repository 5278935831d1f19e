/** What the plugin tells, by name: `queue.on('plg:s3-queue:message-completed', ({ queueId, duration }) => …)`. */

interface OfMessage {
  /** The message's id; the same as the record's. */
  readonly queueId: string
}

interface OfRecord extends OfMessage {
  readonly originalId: string
}

/**
 * Why a claim was not extended: it is over; it has another token; or a worker of another process has it, and only that process can extend it.
 */
export type RenewalRejection = 'lock_released' | 'token_mismatch' | 'held_elsewhere'

export type FinalStatus = 'processed' | 'retrying' | 'failed' | 'dead-lettered'

export interface PluginMetrics {
  /** Workers of all processes that are alive. */
  readonly activeWorkers: number
  readonly isCoordinator: boolean
  /** Messages that are visible and wait, as the coordinator knows; 0 elsewhere. */
  readonly ticketsAvailable: number
  /** Claims handed from one process to another, by or to this one. */
  readonly ticketsClaimed: number
  /** Of those, the ones that ran out. */
  readonly ticketsStalled: number
  /** Attempts that ended in this process. */
  readonly messagesProcessed: number
  /** Per second, since the event before. */
  readonly processingRate: number
  readonly s3OpsPerSec: number
  /** Requests that the store refused for their rate. */
  readonly throttlingErrors: number
}

/** The events of the plugin and what each carries. Each comes after what it tells of is durable. Times are ms since 1970, durations ms, errors `name: message`. */
export interface S3QueueEvents {
  'plg:s3-queue:message-enqueued': OfMessage & { readonly id: string }
  'plg:s3-queue:message-claimed': OfMessage & { readonly workerId: string; readonly attempts: number }
  'plg:s3-queue:message-processing': OfMessage & { readonly workerId: string }
  /** A claim ran out: the message is visible again. */
  'plg:s3-queue:message-recovered': OfRecord
  'plg:s3-queue:message-completed': OfRecord & {
    readonly duration: number
    readonly attempts: number
    readonly result: unknown
  }
  'plg:s3-queue:message-retry': OfRecord & {
    readonly error: string
    readonly attempts: number
    readonly maxAttempts: number
    readonly nextVisibleAt: number
  }
  'plg:s3-queue:message-dead': OfRecord & { readonly error: string; readonly attempts: number }
  /** Out of attempts, where the failure strategy is `retry`. */
  'plg:s3-queue:message-failed': OfRecord & { readonly error: string; readonly attempts: number }
  /** After each of completed, retry, failed and dead. */
  'plg:s3-queue:message-outcome': OfRecord & { readonly finalStatus: FinalStatus; readonly attempts: number }
  'plg:s3-queue:lock-renewed': OfMessage & {
    readonly lockToken: string
    readonly newVisibleAt: number
    readonly extraMilliseconds: number
  }
  'plg:s3-queue:lock-renewal-rejected': OfMessage & { readonly reason: RenewalRejection }
  'plg:s3-queue:workers-started': { readonly concurrency: number; readonly workerId: string }
  'plg:s3-queue:workers-stopped': { readonly workerId: string }
  /** This process writes the queue now. */
  'plg:s3-queue:coordinator-promoted': { readonly workerId: string; readonly epoch: number }
  'plg:s3-queue:coordinator-demoted': { readonly workerId: string }
  /** The store asks for fewer requests. */
  'plg:s3-queue:s3-throttled': { readonly operation: string; readonly retryAfter: number | undefined }
  /** Every `heartbeatInterval`, if anybody listens. */
  'plg:s3-queue:metrics': { readonly metrics: PluginMetrics }
}

export type S3QueueEventName = keyof S3QueueEvents

export type Emit = <N extends S3QueueEventName>(name: N, event: S3QueueEvents[N]) => void
