/**
 * One process's time as the writer of a queue, from its fence to the next one.
 *
 * Owns the state and everything that decides over it: the commit loop, the claims' deadlines, the payloads at hand, the inbox,
 * snapshots and signs of life. When the term ends, by another's fence, by trouble or by `close`, whatever is not durable is
 * given back to those who asked for it, so that they can ask elsewhere under the same numbers.
 */
import { Fenced, type Leadership, type LeaseGrant, LeaseLost } from '@s3queue/primitives'
import { handOver } from '../claim.ts'
import { decideDispatch } from '../dispatch.ts'
import { decideEnqueue } from '../enqueue.ts'
import { decideExpire } from '../expire.ts'
import { decideSettle } from '../settle.ts'
import { decodeBatch } from '../state/batch-codec.ts'
import type { Settlement } from '../state/commands.ts'
import type { QueueEvent } from '../state/events.ts'
import { type Claim, describeStats, type QueueState, type QueueStats } from '../state/model.ts'
import { Announcer } from './announcer.ts'
import { Checkpoints } from './checkpoints.ts'
import { CommitLoop, type Effect } from './commit-loop.ts'
import type { EngineContext, Submission, WorkerLink } from './context.ts'
import { Deadlines } from './deadlines.ts'
import { Heartbeat, type WriterDetails } from './heartbeat.ts'
import { type InboxEntry, InboxReader } from './inbox-reader.ts'
import { PayloadCache } from './payload-cache.ts'

export interface TermOptions {
  readonly context: EngineContext
  readonly grant: LeaseGrant<WriterDetails>
  readonly leadership: Leadership<QueueState>
  /** When the lease was asked for, monotonic. */
  readonly startedAt: number
  /** A commit has become durable. */
  readonly onCommitted: () => void
  /** The term is over. */
  readonly onEnd: (reason: Error) => void
  /** A command did not become durable in this term; it may do so elsewhere. */
  readonly onLost: (submission: Submission) => void
}

export class Term {
  readonly epoch: number
  readonly #options: TermOptions
  readonly #state: QueueState
  readonly #loop: CommitLoop
  readonly #deadlines = new Deadlines()
  readonly #payloads: PayloadCache
  readonly #inbox: InboxReader
  readonly #checkpoints: Checkpoints
  readonly #heartbeat: Heartbeat
  readonly #announcer: Announcer
  readonly #end = new AbortController()
  #cancelAlarm: () => void = () => {}

  constructor(options: TermOptions) {
    this.#options = options
    const { context, grant, leadership, startedAt } = options
    const { clock, takeoverAfterMs, lingerMs, store, prefix } = context.options
    const { signal } = this.#end
    this.epoch = leadership.writer.epoch
    this.#state = leadership.state
    this.#announcer = new Announcer(context, this.#state)
    this.#loop = new CommitLoop({
      clock,
      writer: leadership.writer,
      state: leadership.state,
      lingerMs,
      wallNow: context.wallNow,
      beforeCommit: () => this.#beforeCommit(),
      onSealed: (bytes) => this.#checkpoints.sealed(bytes),
      onDurable: (slot, payloads, sentAt) => this.#onDurable(slot, payloads, sentAt),
      onFailure: (error) => this.#onFailure(error),
    })
    this.#payloads = new PayloadCache({
      read: async (slot) => {
        const body = await context.log.readCommit(slot, signal)
        return body === undefined ? undefined : decodeBatch<QueueEvent>(body).payloads
      },
      describe: (slot) => ({ key: `${prefix}log/${String(slot).padStart(12, '0')}`, store: store.description }),
    })
    this.#checkpoints = new Checkpoints({
      writer: leadership.writer,
      state: leadership.state,
      onFenced: (error) => this.#loop.fail(error),
      onTrouble: context.trouble,
      signal,
    })
    this.#heartbeat = new Heartbeat(
      {
        clock,
        grant,
        intervalMs: takeoverAfterMs / 3,
        details: () => ({ workers: context.worker() === undefined ? 0 : 1, busy: this.#isBusy() }),
        onLost: (error) => this.#loop.fail(error),
        onTrouble: context.trouble,
        signal,
      },
      startedAt,
    )
    this.#inbox = new InboxReader({ context, fold: (entry, done) => this.#foldInbox(entry, done), signal })
    for (const claim of this.#state.active.values()) {
      this.#deadlines.add([claim.token], clock.monotonic() + claim.timeoutMs)
    }
    this.#inbox.start()
    this.#loop.wake()
  }

  /** Takes a command of this process into the next commit. */
  accept(submission: Submission): void {
    const { command, payloads } = submission
    const effect: Effect = { durable: () => submission.resolve(), lost: () => this.#options.onLost(submission) }
    if (command.type === 'settle') {
      this.#settle(command.settlements, this.#claimsOf(command.settlements), effect)
      return
    }
    const event = decideEnqueue(this.#state, command)
    if (event === undefined) this.#loop.record([], effect)
    else this.#loop.record([event], this.#announcer.enqueued(command, effect), payloads)
  }

  /** A worker came or went: others must know, as it decides who should write. */
  workersChanged(): void {
    void this.#heartbeat.beat()
    this.#loop.wake()
  }

  /** There are settlements to take, or there is room for more work. */
  wake(): void {
    this.#loop.wake()
  }

  /**
   * Proof of being the writer that is not older than `maxAgeMs`, and the claims `tokens` running for their full time from now.
   * Resolves to the moment of the proof, from which the worker counts; tokens that are no longer held are left out of `held`.
   */
  async extend(
    tokens: readonly number[],
    maxAgeMs: number,
  ): Promise<{ readonly provenAt: number; readonly held: ReadonlySet<number> }> {
    const { clock } = this.#options.context.options
    if (clock.monotonic() - this.#heartbeat.provenAt > maxAgeMs) await this.#heartbeat.beat()
    if (this.#loop.failure !== undefined) throw this.#loop.failure
    const now = clock.monotonic()
    const held = new Set<number>()
    for (const token of tokens) {
      const claim = this.#state.active.get(token)
      if (claim === undefined) continue
      held.add(token)
      this.#deadlines.extend(token, now + claim.timeoutMs)
    }
    return { provenAt: this.#heartbeat.provenAt, held }
  }

  /** Gives a claim `timeoutMs` from now on, durably: also a new writer will. Resolves to the moment it counts from, or undefined if the claim is lost. */
  setTimeout(token: number, timeoutMs: number): Promise<number | undefined> {
    if (!this.#state.active.has(token)) return Promise.resolve(undefined)
    const { clock } = this.#options.context.options
    const askedAt = clock.monotonic()
    this.#deadlines.extend(token, Number.POSITIVE_INFINITY)
    return new Promise((resolve, reject) => {
      const durable = (): void => {
        this.#deadlines.extend(token, clock.monotonic() + timeoutMs)
        this.#deadlines.add([token], clock.monotonic() + timeoutMs)
        this.#setAlarm()
        resolve(askedAt)
      }
      this.#loop.record([{ type: 'extended', token, timeoutMs }], { durable, lost: reject })
    })
  }

  /** The exact numbers as of now, with all that is in the inbox, once they are durable. */
  async stats(): Promise<QueueStats> {
    await this.#inbox.poll()
    if (this.#dueDelayed()) this.#loop.tick()
    const stats = describeStats(this.#state)
    await this.#loop.whenDurable()
    return stats
  }

  /** The numbers without looking into the inbox or waiting for anything. */
  peekStats(): QueueStats {
    return describeStats(this.#state)
  }

  /** Ends the term in order: everything durable, a short log, the lease given back. */
  async close(reason: Error): Promise<void> {
    await this.#loop.whenDurable()
    await this.#inbox.stop()
    await this.#checkpoints.finish()
    await this.#heartbeat.stop()
    if (this.#loop.failure === undefined) await this.#options.grant.release()
    this.end(reason)
  }

  /** Ends the term at once; what is not durable is lost to it. */
  end(reason: Error): void {
    this.#loop.fail(reason)
  }

  #isBusy(): boolean {
    return this.#state.counts.waiting + this.#state.active.size > 0
  }

  #beforeCommit(): void {
    const { context } = this.#options
    const now = context.options.clock.monotonic()
    const due = this.#deadlines.takeDue(now, (token) => this.#state.active.has(token))
    if (due.length > 0) this.#expire(due)
    const worker = context.worker()
    if (worker !== undefined) {
      const { settlements, claims } = worker.takeFinished()
      if (settlements.length > 0) this.#settle(settlements, claims, this.#rerouted(settlements))
      this.#dispatch(worker, now)
    }
    this.#setAlarm()
  }

  #dispatch(worker: WorkerLink, askedAt: number): void {
    const limit = worker.room()
    if (limit <= 0) return
    if (this.#dueDelayed()) this.#loop.tick()
    const { clock, visibilityTimeoutMs: timeoutMs } = this.#options.context.options
    const dispatch = decideDispatch(this.#state, { worker: worker.id, limit, timeoutMs })
    if (dispatch === undefined) return
    const { event, count } = dispatch
    worker.reserve(count)
    const tokens = Array.from({ length: count }, (_, i) => event.token + i)
    const durable = (): void => {
      this.#deadlines.add(tokens, clock.monotonic() + timeoutMs)
      this.#setAlarm()
      const claims = tokens.map((token) => this.#state.active.get(token)).filter((claim) => claim !== undefined)
      worker.forfeit(count - claims.length)
      handOver(claims, {
        payloads: this.#payloads,
        isActive: (token) => this.#state.active.has(token),
        deliver: (tickets) => worker.deliver(tickets, askedAt),
        unreadable: (unread, error) => this.#unreadable(worker, unread, error),
      })
    }
    this.#loop.record([event], { durable, lost: () => worker.forfeit(count) })
  }

  #settle(settlements: readonly Settlement[], claims: readonly (Claim | undefined)[], effect?: Effect): void {
    const { baseMs, maxMs } = this.#options.context.options.backoff
    const decision = decideSettle(this.#state, settlements, (attempt) => Math.min(maxMs, baseMs * 2 ** (attempt - 1)))
    for (const { token } of settlements) this.#deadlines.forget(token)
    this.#loop.record(decision.events, this.#announcer.settled(settlements, claims, decision, effect))
  }

  #expire(tokens: readonly number[]): void {
    const claims = tokens.map((token) => this.#state.active.get(token)).filter((claim) => claim !== undefined)
    for (const token of tokens) this.#deadlines.forget(token)
    this.#loop.record(decideExpire(this.#state, tokens), this.#announcer.expired(claims))
  }

  #foldInbox(entry: InboxEntry, done: () => void): void {
    const texts = entry.batch.payloads.texts()
    let at = 0
    for (const command of entry.batch.entries) {
      const payloads = command.type === 'enqueue' ? texts.slice(at, at + command.count) : []
      at += payloads.length
      this.accept({ command, payloads, resolve: () => {}, reject: () => {} })
    }
    this.#loop.record([], { durable: done, lost: () => {} })
  }

  /** The payloads of these claims cannot be read: reported, and tried again like any failed attempt, until the dead letters keep them. */
  #unreadable(worker: WorkerLink, claims: readonly Claim[], error: unknown): void {
    worker.forfeit(claims.length)
    if (this.#end.signal.aborted) return
    this.#options.context.trouble(error)
    const { name, message } = error instanceof Error ? error : new Error(String(error))
    this.#settle(
      claims.map(({ token }) => ({ token, kind: 'fail', name, message, retriable: true })),
      claims,
    )
  }

  #claimsOf(settlements: readonly Settlement[]): (Claim | undefined)[] {
    return settlements.map(({ token }) => this.#state.active.get(token))
  }

  /** Settlements that this term cannot record any more go to the next writer. */
  #rerouted(settlements: readonly Settlement[]): Effect {
    const submission: Submission = {
      command: { type: 'settle', settlements },
      payloads: [],
      resolve: () => {},
      reject: () => {},
    }
    return { durable: () => {}, lost: () => this.#options.onLost(submission) }
  }

  #dueDelayed(): boolean {
    const next = this.#state.delayed.peek()
    return next !== undefined && next.visibleAt <= this.#options.context.wallNow()
  }

  /** Wakes the loop when the next deadline passes or the next delayed message is due. */
  #setAlarm(): void {
    this.#cancelAlarm()
    if (this.#end.signal.aborted) return
    const { context } = this.#options
    const { clock } = context.options
    const deadline = this.#deadlines.next
    const delayed = (context.worker()?.room() ?? 0) > 0 ? this.#state.delayed.peek()?.visibleAt : undefined
    const waits = [
      deadline === undefined ? Number.POSITIVE_INFINITY : deadline - clock.monotonic(),
      delayed === undefined ? Number.POSITIVE_INFINITY : delayed - context.wallNow(),
    ]
    const wait = Math.max(1, Math.ceil(Math.min(...waits)))
    if (wait < 2 ** 31) this.#cancelAlarm = clock.setTimer(wait, () => this.#loop.wake())
  }

  #onDurable(slot: number, payloads: readonly string[], sentAt: number): void {
    this.#heartbeat.proven(sentAt)
    if (payloads.length > 0) {
      const size = payloads.reduce((sum, text) => sum + text.length, 0)
      this.#payloads.put(slot, { length: payloads.length, text: (index) => payloads[index] ?? '' }, size)
    }
    this.#options.onCommitted()
  }

  #onFailure(error: Error): void {
    this.#end.abort(error)
    this.#cancelAlarm()
    void this.#heartbeat.stop()
    this.#options.onEnd(error)
  }
}

/** Whether a term ended because another process took over, not because something is wrong. */
export function wasTakenOver(error: unknown): boolean {
  return error instanceof Fenced || error instanceof LeaseLost
}
