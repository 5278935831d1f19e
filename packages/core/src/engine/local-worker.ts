/**
 * The worker of this process, as the engine sees it: it comes and goes, its claims get more time, and what it has ended is taken. By the writer
 * where that is here, else on its way through the standby.
 */
import { sleep } from '@s3queue/storage'
import { statsOf } from '../queue-view.ts'
import type { LeftCommand, SettleCommand } from '../state/commands.ts'
import type { ClaimExtension, Extended } from '../transport/port.ts'
import type { EngineContext, WorkerLink } from './context.ts'
import type { Election } from './election.ts'
import type { Outstanding } from './outstanding.ts'
import type { Standby } from './standby.ts'
import type { Views } from './views.ts'

/** Where another process writes: how long until a worker that waits for its one message asks again whether any is left; twice as long each time. */
const FIRST_LOOK_MS = 100
const LONGEST_LOOK_MS = 2000

export interface LocalWorkerOptions {
  readonly context: EngineContext
  readonly election: Election
  readonly standby: Standby
  readonly outstanding: Outstanding
  readonly views: Views
  /** Makes a command durable. */
  readonly submit: (command: SettleCommand | LeftCommand) => Promise<unknown>
  readonly signal: AbortSignal
}

export class LocalWorker {
  readonly #options: LocalWorkerOptions
  readonly #election: Election
  readonly #standby: Standby
  #link: WorkerLink | undefined
  /** Those that are on their way out. */
  #leaving: Promise<unknown> = Promise.resolve()

  constructor(options: LocalWorkerOptions) {
    this.#options = options
    this.#election = options.election
    this.#standby = options.standby
  }

  /** The worker, while there is one. */
  get link(): WorkerLink | undefined {
    return this.#link
  }

  /** Whether the worker holds this claim, is about to get its payload, or has a settlement of it that was not taken yet. */
  knows(token: number): boolean {
    return this.#link?.knows(token) === true || this.#standby.isLoading(token)
  }

  /** A claim was taken from the worker. */
  revoke(token: number, reason: Error): void {
    this.#standby.forget(token)
    this.#link?.revoke(token, reason)
  }

  /** An operator wants a message back: the worker stops its handler and settles the claim as released. */
  release(token: number, reason: Error): void {
    const { submit, context } = this.#options
    if (this.#standby.forget(token)) {
      // Its payload was being read, so no handler has seen it.
      const settlements = [{ token, kind: 'release', started: false }] as const
      submit({ type: 'settle', settlements }).catch((error: unknown) => context.trouble(error))
    }
    this.#link?.release(token, reason)
  }

  /** A worker has come: this process is now worth being the writer. */
  attach(worker: WorkerLink): void {
    this.#link = worker
    const { role } = this.#election
    if (role.kind === 'leading') role.term.workersChanged()
    else this.#election.reopen()
  }

  /** The worker has gone. Resolves when everything it had is settled. */
  detach(): Promise<void> {
    const leaving = this.#detach()
    this.#leaving = Promise.allSettled([this.#leaving, leaving])
    return leaving
  }

  async #detach(): Promise<void> {
    const worker = this.#link
    const settlements = worker?.takeFinished().settlements ?? []
    this.#link = undefined
    const { role } = this.#election
    if (role.kind === 'leading') role.term.workersChanged()
    try {
      if (role.kind === 'leading' || settlements.length > 0) await this.#options.submit({ type: 'settle', settlements })
    } finally {
      // The writer must know, as claims that never reached the worker would run out only after their time.
      if (worker !== undefined && !(await this.#standby.leave(worker))) this.#reportLeft(worker.id)
      // The next one may have come meanwhile.
      if (this.#election.role.kind === 'standby') this.#standby.begin()
    }
  }

  /** Nothing waits for this but the end of the queue. */
  #reportLeft(worker: string): void {
    const { submit, context } = this.#options
    submit({ type: 'left', worker }).catch((error: unknown) => context.trouble(error))
  }

  /** Resolves when all that were on their way out have left. Never rejects. */
  async whenLeft(): Promise<void> {
    await this.#leaving
  }

  /** The worker has settlements or reports to take, or room. */
  finishedWaiting(): void {
    const { role } = this.#election
    if (role.kind === 'leading') role.term.wake()
    else if (role.kind === 'standby') this.#standby.flushSoon()
  }

  /** Gives claims their full time; undefined while nobody can be asked. See `Term.extend`. */
  async extend(tokens: readonly number[], maxAgeMs: number): Promise<Extended | undefined> {
    const { role } = this.#election
    if (role.kind === 'standby') return this.#standby.extend(tokens)
    if (role.kind !== 'leading') return undefined
    return role.term.extend(tokens, maxAgeMs).catch(() => undefined)
  }

  /** See `Claims.setTimeout`. Rejects with `NotAcknowledged` while nobody can be asked. */
  setTimeout(token: number, ms: number): Promise<ClaimExtension | undefined> {
    const { role } = this.#election
    const answer = role.kind === 'leading' ? role.term.setTimeout(token, ms) : this.#standby.setTimeout(token, ms)
    if (answer !== undefined) return this.#options.outstanding.bound(answer)
    return Promise.reject(
      this.#options.outstanding.notAcknowledged(
        'The claim cannot be extended now: this process is not the writer at the moment. The claim lasts until its deadline.',
        0,
        new Error('No process is known to write at the moment.'),
      ),
    )
  }

  /**
   * Waits until a worker that takes one message has finished it. Resolves to false if there is none for it: nothing waits, the queue is paused, or
   * another process writes and no transport reaches its worker. Rejects with `NotAcknowledged` if that cannot be told, or if messages wait and no writer hands one out.
   */
  async serveOne(worker: { readonly taken: number; readonly finishedCount: number }): Promise<boolean> {
    const { context, signal } = this.#options
    const { clock } = context.options
    const startedAt = clock.monotonic()
    let lookAt = startedAt
    let waitMs = FIRST_LOOK_MS
    while (worker.finishedCount === 0) {
      // A writer looks after each of its commits. Elsewhere a look costs requests, and the ticket comes by itself.
      if (worker.taken === 0 && (this.#election.isLeading || clock.monotonic() >= lookAt)) {
        const available = await this.#available()
        if (worker.taken === 0) {
          if (available === 0) return false
          this.#assertServed(available, startedAt)
        }
        lookAt = clock.monotonic() + waitMs
        waitMs = Math.min(LONGEST_LOOK_MS, 2 * waitMs)
      }
      if (worker.finishedCount > 0) break
      if (this.#election.isLeading) await this.#election.changes.next()
      else await sleep(clock, FIRST_LOOK_MS, signal)
    }
    return true
  }

  /** How many messages the worker may still get: those that wait, and those that are on their way to it. */
  async #available(): Promise<number> {
    const worker = this.#link?.id ?? ''
    const { coming, waiting } = await this.#options.views.survey((view) => ({
      coming: view.state.held.get(worker) ?? 0,
      waiting: view.state.paused ? 0 : statsOf(view).waiting,
    }))
    if (coming > 0) return coming
    // While a role is sought, nobody knows yet that there is no way.
    const isOutOfReach = this.#election.role.kind === 'standby' && !this.#standby.isJoined
    return isOutOfReach ? 0 : waiting
  }

  /** A writer that died is replaced within `takeoverAfterMs`, and one whose bell rings were lost reads its inbox within `maxPollMs`. */
  #assertServed(available: number, startedAt: number): void {
    const { clock, takeoverAfterMs, maxPollMs, acknowledgeTimeoutMs } = this.#options.context.options
    const boundMs = takeoverAfterMs + maxPollMs + acknowledgeTimeoutMs
    if (clock.monotonic() - startedAt <= boundMs) return
    throw this.#options.outstanding.notAcknowledged(
      `${available} messages wait, and no writer handed one to this process within ${boundMs} ms (takeoverAfterMs, maxPollMs and acknowledgeTimeoutMs).`,
      boundMs,
      new Error('No writer has handed out a message, and no error was met.'),
    )
  }
}
