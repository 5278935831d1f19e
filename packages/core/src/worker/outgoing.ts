/**
 * What a worker has to say to the writer: how its attempts ended, and what its handlers reported meanwhile.
 *
 * Owns both until they are taken. Settlements are announced immediately, or wait a moment for others; reports go with a commit that happens anyway,
 * or with a separate one after a while.
 */
import type { Clock } from '@s3queue/storage'
import type { Finished } from '../engine/context.ts'
import type { Attempt } from '../handle.ts'
import type { ProgressReport, Settlement } from '../state/commands.ts'
import type { Claim } from '../state/model.ts'

/** How long a report waits for a commit to go with. */
const REPORT_AFTER_MS = 500

export interface OutgoingOptions {
  readonly clock: Clock
  /** How long settlements may wait for others, in ms. */
  readonly batchingMs: () => number
  /** There is something to take. */
  readonly tell: () => void
}

export class Outgoing {
  readonly #options: OutgoingOptions
  #finished: Finished = { settlements: [], claims: [] }
  readonly #reporting = new Set<Attempt>()
  #cancelReports: (() => void) | undefined
  #cancelBatching: (() => void) | undefined
  /** Whether the engine knows that something has ended and was not taken yet. */
  #hasTold = false

  constructor(options: OutgoingOptions) {
    this.#options = options
  }

  /** Whether it has a settlement of this claim. */
  has(token: number): boolean {
    return this.#finished.claims.some((claim) => claim.token === token)
  }

  /** A claim has ended: to be told. */
  push(claim: Claim, settlement: Settlement): void {
    this.#finished.settlements.push(settlement)
    this.#finished.claims.push(claim)
  }

  /** Settlements go into the next commit, unless they may wait for others: see `SlotPool`. */
  tellFinished(): void {
    if (this.#hasTold || this.#finished.settlements.length === 0) return
    const batchingMs = this.#options.batchingMs()
    if (batchingMs === 0) this.#tell()
    else this.#cancelBatching ??= this.#options.clock.setTimer(batchingMs, () => this.#tell())
  }

  #tell(): void {
    this.#hasTold = true
    this.#options.tell()
  }

  /** A handler has reported something. */
  noteReport(attempt: Attempt): void {
    this.#reporting.add(attempt)
    this.#cancelReports ??= this.#options.clock.setTimer(REPORT_AFTER_MS, () => {
      this.#cancelReports = undefined
      if (this.#reporting.size > 0) this.#options.tell()
    })
  }

  /** What has ended since the last call. */
  takeFinished(): Finished {
    const finished = this.#finished
    this.#cancelBatching?.()
    this.#cancelBatching = undefined
    this.#hasTold = false
    if (finished.settlements.length > 0) this.#finished = { settlements: [], claims: [] }
    return finished
  }

  /** What running handlers reported since the last call. */
  takeReports(): ProgressReport[] {
    const reports = Array.from(this.#reporting, ({ claim, report }) => ({ token: claim.token, ...report }))
    for (const attempt of this.#reporting) attempt.report = undefined
    this.#reporting.clear()
    return reports
  }

  stop(): void {
    this.#cancelReports?.()
    this.#cancelBatching?.()
  }
}
