/**
 * The writer's signs of life, and its proof to itself that it still is the writer.
 *
 * Others take over when the signs stop. The proof bounds how long this process's workers may trust their claims: who
 * takes over gives every running claim its full time again, so a claim is safe for its whole timeout from any moment at
 * which nobody had taken over yet, and the start of a successful commit or renewal is such a moment.
 */
import { asLogMark, CorruptObject, isCount, type LeaseGrant, LeaseLost, type LogMark } from '@s3queue/primitives'
import type { Clock } from '@s3queue/storage'
import type { EngineContext } from './context.ts'
import type { WriterProcess } from './worker-processes.ts'

/** A writer gives signs so often, as a share of `takeoverAfterMs`, and an idle process that stands by looks for them as often. */
export const SIGN_SHARE = 0.4
/**
 * While there is work and another process could take it over, the writer renews its lease this often, and others take over after this long a silence. A
 * message that is handled within an interval costs no renewal.
 */
const BUSY_INTERVAL_MS = 1000
const BUSY_LEASE_MS = 3000
/** Work comes in batches, with moments in between without any: renewals stay frequent until there was none for this long, and become so if there was some this recently. */
const STAY_BUSY_MS = 3000
const BECOME_BUSY_MS = 600

/** What a writer shows to others beside its signs of life. */
export interface WriterDetails extends WriterProcess {
  /** Workers in its process: a writer without any gives way to a process that has one. */
  readonly workers: number
  /** Whether anything waits or is being handled: then others look more often. */
  readonly busy: boolean
  /** The writer's epoch, once it has one. */
  readonly epoch?: number | undefined
  /** The newest place in the writer's log, once it is the writer: by it others recognise the log. */
  readonly log?: LogMark | undefined
  /** The nonce of the last ring that the writer heard: a process that heard a later one expects a renewal. */
  readonly bell?: string | undefined
  /** The last slot that the writer knows to be in the log: a log that ends before it has lost commits. */
  readonly slot?: number | undefined
}

/** Details as any process may have written them; undefined if they are not those of a writer. */
export function decodeDetails(value: unknown): WriterDetails | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { workers, busy, epoch, log, bell, slot, worker, process, earlier } = value as Partial<WriterDetails>
  if (!isCount(workers) || typeof busy !== 'boolean') return undefined
  if (![epoch, slot].every((number) => number === undefined || isCount(number))) return undefined
  if (![bell, worker].every((text) => text === undefined || typeof text === 'string')) return undefined
  if (log !== undefined && asLogMark(log) === undefined) return undefined
  return { workers, busy, epoch, log, bell, slot, worker, process, earlier }
}

/** What this process would show, or shows, as the writer. `earlier`: workers of earlier writers that may still hold claims. */
export function describeWriter(
  { options, worker }: EngineContext,
  { earlier = [], ...about }: Pick<WriterDetails, 'busy' | 'epoch' | 'log' | 'bell' | 'slot' | 'earlier'>,
): WriterDetails {
  const link = worker()
  return {
    ...{ workers: link === undefined ? 0 : 1, worker: link?.id, process: options.processes.self() },
    ...about,
    earlier: earlier.length > 0 ? earlier : undefined,
  }
}

export interface HeartbeatOptions {
  readonly clock: Clock
  readonly grant: LeaseGrant<WriterDetails>
  /** How long others wait for a sign while nothing is urgent. */
  readonly takeoverAfterMs: number
  /** Whether there is work that another process would have to take over soon, or was some within this time. */
  readonly isUrgent: (withinMs: number) => boolean
  readonly details: () => WriterDetails
  readonly onLost: (error: LeaseLost) => void
  readonly onTrouble: (error: unknown) => void
  readonly signal: AbortSignal
}

export class Heartbeat {
  readonly #options: HeartbeatOptions
  #provenAt: number
  #beating: Promise<void> | undefined
  /** Whether the last renewal was for a short time. */
  #isFast = false
  #cancelWorkCheck: (() => void) | undefined
  #cancelTimer: () => void = () => {}

  constructor(options: HeartbeatOptions, provenAt: number) {
    this.#options = options
    this.#provenAt = provenAt
    this.#schedule()
  }

  /** The latest moment, on the monotonic clock, at which nobody else had taken over. */
  get provenAt(): number {
    return this.#provenAt
  }

  /** A commit that was started at `startedAt` succeeded. */
  proven(startedAt: number): void {
    this.#provenAt = Math.max(this.#provenAt, startedAt)
  }

  /** There is work: if there still is some after an interval, renewals are frequent from then on. */
  noteWork(): void {
    const { clock, isUrgent, signal } = this.#options
    if (this.#isFast || this.#cancelWorkCheck !== undefined || signal.aborted) return
    this.#cancelWorkCheck = clock.setTimer(BUSY_INTERVAL_MS, () => {
      this.#cancelWorkCheck = undefined
      if (!this.#isFast && isUrgent(BECOME_BUSY_MS)) void this.beat()
    })
  }

  /** Another process expects a sign soon. */
  answer(): void {
    // Frequent renewals are answer enough.
    if (!this.#isFast) void this.beat()
  }

  /** Gives a sign of life now. Resolves when it is given or has failed; what fails is reported. */
  beat(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = undefined
    })
    return this.#beating
  }

  /** Ends the signs and waits for one under way. */
  async stop(): Promise<void> {
    this.#cancelTimer()
    this.#cancelWorkCheck?.()
    await this.#beating
    this.#cancelTimer()
  }

  #schedule(): void {
    const { clock, takeoverAfterMs, signal } = this.#options
    if (signal.aborted) return
    this.#cancelTimer()
    const intervalMs = takeoverAfterMs * SIGN_SHARE
    this.#cancelTimer = clock.setTimer(
      this.#isFast ? Math.min(BUSY_INTERVAL_MS, intervalMs) : intervalMs,
      () => void this.beat(),
    )
  }

  async #beat(): Promise<void> {
    const { clock, grant, details, takeoverAfterMs, isUrgent, onLost, onTrouble, signal } = this.#options
    const startedAt = clock.monotonic()
    this.#isFast = isUrgent(this.#isFast ? STAY_BUSY_MS : BECOME_BUSY_MS)
    try {
      await grant.renew(details(), signal, this.#isFast ? Math.min(BUSY_LEASE_MS, takeoverAfterMs) : takeoverAfterMs)
      this.proven(startedAt)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof LeaseLost) return onLost(error)
      onTrouble(error)
      // Without a lease that can be read no process knows that this one lives: the next term makes another one.
      if (error instanceof CorruptObject) return onLost(new LeaseLost(error.message))
    }
    this.#schedule()
  }
}
