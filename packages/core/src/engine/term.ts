/**
 * One process's time as the writer of a queue, from its fence to the next one.
 *
 * Owns the state and everything that decides over it: the commit loop, the claims' deadlines, the payloads at hand, the inbox,
 * snapshots and signs of life. When the term ends, by another's fence, by trouble or by `close`, whatever is not durable is
 * given back to those who asked for it, so that they can ask elsewhere under the same numbers.
 */
import { Fenced, type Leadership, type LeaseGrant, LeaseLost, type LogPosition } from '@s3queue/primitives'
import { backoffMs } from '../backoff.ts'
import { handOver } from '../claim.ts'
import { decideControl } from '../control.ts'
import { decideDispatch } from '../dispatch.ts'
import { assertDuration } from '../duration.ts'
import { decideEnqueue } from '../enqueue.ts'
import { Cancelled, Released } from '../errors.ts'
import { decideExpire } from '../expire.ts'
import { decideSettle } from '../settle.ts'
import type { Payload } from '../state/batch-codec.ts'
import type { Command, ControlCommand, EnqueueCommand, Settlement } from '../state/commands.ts'
import { type Claim, describeStats, messageId, type QueueState, type QueueStats } from '../state/model.ts'
import { Announcer } from './announcer.ts'
import { Checkpoints } from './checkpoints.ts'
import { CommitLoop, type Effect } from './commit-loop.ts'
import type { Answer, EngineContext, Submission, WorkerLink } from './context.ts'
import { Deadlines } from './deadlines.ts'
import { Heartbeat, type WriterDetails } from './heartbeat.ts'
import { type InboxEntry, InboxReader } from './inbox-reader.ts'
import { PayloadCollector } from './payload-objects.ts'
import { PayloadSource } from './payload-source.ts'

export interface TermOptions {
  readonly context: EngineContext
  readonly grant: LeaseGrant<WriterDetails>
  readonly leadership: Leadership<QueueState>
  /** A moment behind the fence at which the lease was ours, monotonic. */
  readonly provenAt: number
  /** A commit has become durable. */
  readonly onCommitted: () => void
  /** The term is over. */
  readonly onEnd: (reason: Error) => void
  /** A command did not become durable in this term; it may do so elsewhere. */
  readonly onLost: (submission: Submission) => void
}

/** How long a claim lasts, counted from a moment on the monotonic clock at which this process was the writer. */
export interface ClaimExtension {
  readonly provenAt: number
  readonly timeoutMs: number
}

/** What a payload takes in memory beside its characters, about. */
const PER_PAYLOAD = 32

export class Term {
  readonly epoch: number
  readonly #options: TermOptions
  readonly #state: QueueState
  readonly #loop: CommitLoop
  readonly #deadlines = new Deadlines()
  readonly #payloads: PayloadSource
  readonly #garbage: PayloadCollector
  readonly #inbox: InboxReader
  readonly #checkpoints: Checkpoints
  readonly #heartbeat: Heartbeat
  readonly #announcer: Announcer
  readonly #end = new AbortController()
  #cancelAlarm: () => void = () => {}

  constructor(options: TermOptions) {
    this.#options = options
    const { context, grant, leadership, provenAt } = options
    const { clock, takeoverAfterMs, lingerMs } = context.options
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
      onSealed: (bytes) => this.#onSealed(bytes),
      onDurable: (slot, payloads, sentAt) => this.#onDurable(slot, payloads, sentAt),
      onFailure: (error) => this.#onFailure(error),
    })
    this.#payloads = new PayloadSource(context, signal)
    this.#garbage = new PayloadCollector({
      context,
      state: leadership.state,
      onDeleted: (payloadKeys) => this.#loop.record([{ type: 'collected', payloadKeys }]),
      signal,
    })
    this.#checkpoints = new Checkpoints({
      clock,
      writer: leadership.writer,
      state: leadership.state,
      afterCommits: context.options.snapshotAfterCommits,
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
      provenAt,
    )
    this.#inbox = new InboxReader({
      context,
      fold: (entry, done) => this.#foldInbox(entry, done),
      settled: () => this.#loop.whenDurable(),
      signal,
    })
    for (const claim of this.#state.active.values()) {
      this.#deadlines.add([claim.token], clock.monotonic() + claim.timeoutMs)
    }
    this.#configure()
    this.#inbox.start()
    this.#loop.wake()
  }

  /** Takes commands into the next commit. `lost` is called if they do not get into the log in this term. */
  accept(submission: Submission, lost: () => void = () => this.#options.onLost(submission)): void {
    const answers: Answer[] = []
    let at = 0
    for (const command of submission.commands) {
      const count = command.type === 'enqueue' ? command.count : 0
      answers.push(this.#take(command, submission.payloads.slice(at, at + count)))
      at += count
    }
    this.#loop.record([], { durable: () => submission.resolve(answers), lost })
  }

  #take(command: Command, payloads: readonly Payload[]): Answer {
    if (command.type === 'enqueue') return this.#enqueue(command, payloads)
    if (command.type === 'control') return this.#control(command)
    this.#settle(command.settlements, this.#claimsOf(command.settlements))
    return { kind: 'taken' }
  }

  #enqueue(command: EnqueueCommand, payloads: readonly Payload[]): Answer {
    // Windows and waits are counted from now, not from the last commit.
    if (command.extras !== undefined) this.#loop.tick()
    const decision = decideEnqueue(this.#state, command)
    if (decision.kind === 'enqueued') {
      this.#loop.record([decision.event], this.#announcer.enqueued(command), payloads)
    } else if (decision.kind === 'duplicate') {
      this.#loop.record([decision.event])
      return decision
    }
    return { kind: 'taken' }
  }

  #control(command: ControlCommand): Answer {
    const decision = decideControl(this.#state, command)
    if (decision === undefined) return { kind: 'taken' }
    const { events, result, token } = decision
    const claim = token === undefined ? undefined : this.#state.active.get(token)
    const revoke = (): void => {
      if (claim === undefined) return
      const id = messageId(claim)
      const cancelled = command.action.kind === 'cancel'
      const reason = cancelled
        ? new Cancelled(`Message ${id} was cancelled.`)
        : new Released(`Message ${id} was released by an operator; another attempt may run.`)
      this.#options.context.worker()?.revoke(claim.token, reason)
      this.#announcer.revoked(claim, cancelled)
    }
    this.#loop.record(events, { durable: revoke, lost: () => {} })
    this.#loop.wake()
    return { kind: 'result', result }
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

  /**
   * Gives a claim at least `atLeastMs` from now on, durably: also a new writer will. Never less than it has, since a worker may not hear of
   * it in time. Resolves to how long it lasts and from which moment on, or to undefined if the claim is lost.
   */
  setTimeout(token: number, atLeastMs: number): Promise<ClaimExtension | undefined> {
    const claim = this.#state.active.get(token)
    if (claim === undefined) return Promise.resolve(undefined)
    const { clock } = this.#options.context.options
    const provenAt = clock.monotonic()
    const timeoutMs = Math.max(atLeastMs, claim.timeoutMs)
    this.#deadlines.extend(token, Number.POSITIVE_INFINITY)
    return new Promise((resolve, reject) => {
      const durable = (): void => {
        this.#deadlines.extend(token, clock.monotonic() + timeoutMs)
        this.#deadlines.add([token], clock.monotonic() + timeoutMs)
        this.#setAlarm()
        resolve({ provenAt, timeoutMs })
      }
      this.#loop.record([{ type: 'extended', token, timeoutMs }], { durable, lost: reject })
    })
  }

  /** The exact numbers as of some moment during the call, with all that is in the inbox, once they are durable. */
  async stats(): Promise<QueueStats> {
    await this.#inbox.pollAfresh()
    // Only now: what another writer takes out of the inbox from here on was folded above.
    await this.#loop.whenCurrent()
    if (this.#dueDelayed()) this.#loop.tick()
    const stats = describeStats(this.#state)
    await this.#loop.whenDurable()
    return stats
  }

  /** What `look` sees in the state, once that is durable. */
  async view<T>(look: (state: QueueState) => T): Promise<T> {
    const seen = look(this.#state)
    await this.#loop.whenDurable()
    return seen
  }

  /** The numbers without looking into the inbox or waiting for anything. */
  peekStats(): QueueStats {
    return describeStats(this.#state)
  }

  get isPaused(): boolean {
    return this.#state.paused
  }

  /** Ends the term in order: everything durable, a short log, the lease given back. */
  async close(reason: Error): Promise<void> {
    await this.#inbox.stop()
    // What the inbox gave last, or an alarm, may be on its way: a snapshot of it would be ahead of the log.
    do {
      await this.#loop.whenDurable()
      await this.#checkpoints.idle()
    } while (!this.#loop.isIdle)
    await Promise.all([this.#checkpoints.finish(), this.#inbox.deleteFolded()])
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
    const worker = context.worker()
    if (worker !== undefined) {
      for (const report of worker.takeReports()) {
        if (this.#state.active.has(report.token)) this.#loop.record([{ type: 'reported', ...report }])
      }
      const { settlements, claims } = worker.takeFinished()
      if (settlements.length > 0) this.#settle(settlements, claims, this.#rerouted(settlements))
    }
    // After the settlements: what ended in time must not run out for having waited for this commit.
    const due = this.#deadlines.takeDue(now, (token) => this.#state.active.has(token))
    if (due.length > 0) this.#expire(due)
    if (worker !== undefined) this.#dispatch(worker, now)
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
        dropped: (dropped) => worker.forfeit(dropped),
        unreadable: (claim, error) => this.#unreadable(worker, claim, error),
      })
    }
    this.#loop.record([event], { durable, lost: () => worker.forfeit(count) })
  }

  #settle(settlements: readonly Settlement[], claims: readonly (Claim | undefined)[], effect?: Effect): void {
    this.#loop.tick()
    const decision = decideSettle(this.#state, settlements, (claim, failure) => this.#retryDelay(claim, failure))
    for (const { token } of settlements) this.#deadlines.forget(token)
    this.#loop.record(decision.events, this.#announcer.settled(settlements, claims, decision, effect))
  }

  /** What the handler asked for, else the message's own backoff, else the user's function, else the queue's. */
  #retryDelay({ attempt, batch }: Claim, failure: Extract<Settlement, { kind: 'fail' }>): number {
    const { options, trouble } = this.#options.context
    if (failure.afterMs !== undefined) return failure.afterMs
    const own = batch.extras?.backoff
    if (own === undefined && options.backoffFunction !== undefined) {
      try {
        const ms: unknown = options.backoffFunction(attempt, failure)
        assertDuration('The backoff function', ms)
        return ms
      } catch (error) {
        trouble(error)
      }
    }
    return backoffMs(own ?? options.backoff, attempt, options.random.next())
  }

  #expire(tokens: readonly number[]): void {
    const claims = tokens.map((token) => this.#state.active.get(token)).filter((claim) => claim !== undefined)
    for (const token of tokens) this.#deadlines.forget(token)
    this.#loop.record(decideExpire(this.#state, tokens), this.#announcer.expired(claims))
  }

  #foldInbox(entry: InboxEntry, done: () => void): void {
    const { entries, payloads } = entry.batch
    // If it is lost here, it is still in the inbox, for the next writer.
    this.accept({ commands: entries, payloads: payloads.all(), resolve: done, reject: () => {} }, () => {})
  }

  /**
   * The payload of this claim cannot be read: reported, and tried again like any failed attempt, until the dead letters keep it. But not by a
   * writer that has been replaced without its knowing: its successor may have deleted what nobody needs any more.
   */
  #unreadable(worker: WorkerLink, claim: Claim, error: unknown): void {
    worker.forfeit(1)
    const report = (): void => {
      if (!this.#state.active.has(claim.token)) return
      this.#options.context.trouble(error)
      const { name, message } = error instanceof Error ? error : new Error(String(error))
      this.#settle([{ token: claim.token, kind: 'fail', name, message, retriable: true }], [claim])
    }
    this.#loop.whenCurrent().then(report, () => {})
  }

  #claimsOf(settlements: readonly Settlement[]): (Claim | undefined)[] {
    return settlements.map(({ token }) => this.#state.active.get(token))
  }

  /** Settlements that this term cannot record any more go to the next writer. */
  #rerouted(settlements: readonly Settlement[]): Effect {
    const submission: Submission = {
      commands: [{ type: 'settle', settlements }],
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

  /** The user's retention becomes part of the log where it differs, as forgetting must be the same in every process. */
  #configure(): void {
    const { retention } = this.#options.context.options
    if (JSON.stringify(retention) !== JSON.stringify(this.#state.retention))
      this.#loop.record([{ type: 'configured', retention }])
  }

  #onSealed(bytes: number): (position: LogPosition) => void {
    const checkpoint = this.#checkpoints.sealed(bytes)
    const deletion = this.#garbage.sealed()
    return (position) => {
      checkpoint?.(position)
      deletion?.()
    }
  }

  #onDurable(slot: number, payloads: readonly Payload[], sentAt: number): void {
    this.#heartbeat.proven(sentAt)
    if (payloads.length > 0) {
      const size = payloads.reduce((sum, payload) => sum + payload.length + PER_PAYLOAD, 0)
      this.#payloads.put(slot, { at: (index) => payloads[index] ?? '' }, size)
    }
    this.#options.onCommitted()
  }

  #onFailure(error: Error): void {
    this.#end.abort(error)
    this.#cancelAlarm()
    void this.#heartbeat.stop()
    void this.#inbox.stop()
    this.#options.onEnd(error)
  }
}

/** Whether a term ended because another process took over, not because something is wrong. */
export function wasTakenOver(error: unknown): boolean {
  return error instanceof Fenced || error instanceof LeaseLost
}
