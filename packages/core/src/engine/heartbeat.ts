/**
 * The writer's signs of life, and its proof to itself that it still is the writer.
 *
 * Others take over when the signs stop. The proof bounds how long this process's workers may trust their claims: who
 * takes over gives every running claim its full time again, so a claim is safe for its whole timeout from any moment at
 * which nobody had taken over yet, and the start of a successful commit or renewal is such a moment.
 */
import { type LeaseGrant, LeaseLost } from '@s3queue/primitives'
import type { Clock } from '@s3queue/storage'
import type { EngineContext } from './context.ts'
import type { WorkerProcess, WriterProcess } from './worker-processes.ts'

/** A writer gives signs so often, as a share of `takeoverAfterMs`, and an idle process that stands by looks for them as often. */
export const SIGN_SHARE = 0.4

/** What a writer shows to others beside its signs of life. */
export interface WriterDetails extends WriterProcess {
  /** Workers in its process: a writer without any gives way to a process that has one. */
  readonly workers: number
  /** Whether anything waits or is being handled: then others look more often. */
  readonly busy: boolean
}

/** What this process would show, or shows, as the writer. `earlier`: workers of earlier writers that may still hold claims. */
export function describeWriter(
  { options, worker }: EngineContext,
  busy: boolean,
  earlier: readonly WorkerProcess[],
): WriterDetails {
  const link = worker()
  return {
    ...{ workers: link === undefined ? 0 : 1, busy, worker: link?.id, process: options.processes.self() },
    earlier: earlier.length > 0 ? earlier : undefined,
  }
}

export interface HeartbeatOptions {
  readonly clock: Clock
  readonly grant: LeaseGrant<WriterDetails>
  readonly intervalMs: number
  readonly details: () => WriterDetails
  readonly onLost: (error: LeaseLost) => void
  readonly onTrouble: (error: unknown) => void
  readonly signal: AbortSignal
}

export class Heartbeat {
  readonly #options: HeartbeatOptions
  #provenAt: number
  #beating: Promise<void> | undefined
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
    await this.#beating
    this.#cancelTimer()
  }

  #schedule(): void {
    const { clock, intervalMs, signal } = this.#options
    if (signal.aborted) return
    this.#cancelTimer()
    this.#cancelTimer = clock.setTimer(intervalMs, () => void this.beat())
  }

  async #beat(): Promise<void> {
    const { clock, grant, details, onLost, onTrouble, signal } = this.#options
    const startedAt = clock.monotonic()
    try {
      await grant.renew(details(), signal)
      this.proven(startedAt)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof LeaseLost) return onLost(error)
      onTrouble(error)
    }
    this.#schedule()
  }
}
