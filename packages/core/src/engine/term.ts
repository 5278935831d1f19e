/**
 * One process's time as the writer of a queue, from its fence to the next one.
 *
 * Owns the state and everything that decides over it: the commit loop, the claims' deadlines, the payloads at hand, the inbox,
 * snapshots and signs of life. When the term ends, by another's fence, by trouble or by `close`, whatever is not durable is
 * given back to those who asked for it, so that they can ask elsewhere under the same numbers.
 */
import { type Leadership, type LeaseGrant, type LogPosition, LogReplaced } from '@s3queue/primitives'
import { type QueueView, viewOf } from '../queue-view.ts'
import type { Payload } from '../state/batch-codec.ts'
import type { Settlement } from '../state/commands.ts'
import type { QueueEvent } from '../state/events.ts'
import { type Claim, describeStats, KEEP_NOTHING, type QueueState, type QueueStats } from '../state/model.ts'
import type { ClaimExtension, Extended } from '../transport/port.ts'
import { BELL_POLL_MS, BellListener, type BellReader } from './bell.ts'
import { Checkpoints } from './checkpoints.ts'
import { Claims } from './claims.ts'
import { CommitLoop, type Effect } from './commit-loop.ts'
import type { Answer, EngineContext, Submission } from './context.ts'
import { Decisions } from './decisions.ts'
import { Dispatcher } from './dispatcher.ts'
import { ForeignCommandFilter, withoutForeign } from './foreign-commands.ts'
import { describeWriter, Heartbeat, type WriterDetails } from './heartbeat.ts'
import { type FoldableCommands, InboxReader } from './inbox-reader.ts'
import { withoutLate } from './late-enqueues.ts'
import { LogTime } from './log-time.ts'
import { OrphanSweep } from './orphans.ts'
import { PayloadCollector } from './payload-objects.ts'
import { PayloadSource } from './payload-source.ts'
import { SteppedDown, wasTakenOver } from './term-end.ts'
import { type WorkerProcess, WorkerProcesses } from './worker-processes.ts'

export interface TermOptions {
  readonly context: EngineContext
  readonly grant: LeaseGrant<WriterDetails>
  readonly leadership: Leadership<QueueState>
  /** The worker in the process of the writer before this one, if that is known. */
  readonly predecessor: string | undefined
  /** Has read the bell before the term began. */
  readonly bell: BellReader
  /** Workers that may hold claims of earlier terms, with their processes, as far as they are known. */
  readonly earlier: readonly WorkerProcess[]
  /** A moment behind the fence at which the lease was ours, monotonic. */
  readonly provenAt: number
  /** A commit has become durable. */
  readonly onCommitted: () => void
  /** The term is over. */
  readonly onEnd: (reason: Error) => void
  /** A command did not become durable in this term; it may do so elsewhere. */
  readonly onLost: (submission: Submission) => void
}

/** A process whose worker has gone is treated as one without a worker after this long, in ms. */
const BETWEEN_WORKERS_MS = 100
/** A writer that commits checks this often, in ms, that what it wrote before is still there: a store that was restored or emptied takes commits as before. */
const CONFIRM_PAST_MS = 3000
/** What a payload takes in memory beside its characters, about. */
const PER_PAYLOAD = 32

export class Term {
  readonly epoch: number
  readonly #options: TermOptions
  readonly #state: QueueState
  readonly #time: LogTime
  readonly #loop: CommitLoop
  readonly #claims: Claims
  readonly #dispatcher: Dispatcher
  readonly #decisions: Decisions
  readonly #payloads: PayloadSource
  readonly #garbage: PayloadCollector
  readonly #orphans: OrphanSweep
  readonly #inbox: InboxReader
  readonly #bell: BellListener
  #cancelShowing: (() => void) | undefined
  readonly #checkpoints: Checkpoints
  readonly #heartbeat: Heartbeat
  readonly #workerProcesses: WorkerProcesses
  readonly #end = new AbortController()
  #isSteppingDown = false
  #cancelPastCheck: (() => void) | undefined
  /** When there was work last, monotonic. */
  #workedAt = Number.NEGATIVE_INFINITY

  constructor(options: TermOptions) {
    this.#options = options
    const { context, grant, leadership, provenAt } = options
    const { clock, takeoverAfterMs, lingerMs } = context.options
    const { signal } = this.#end
    this.epoch = leadership.writer.epoch
    this.#state = leadership.state
    const time = new LogTime(clock, context.wallNow, leadership.state.now)
    this.#time = time
    this.#loop = new CommitLoop({
      clock,
      writer: leadership.writer,
      state: leadership.state,
      lingerMs,
      time,
      beforeCommit: () => this.#beforeCommit(),
      onSealed: (bytes) => this.#onSealed(bytes),
      onDurable: (slot, payloads, sentAt) => this.#onDurable(slot, payloads, sentAt),
      onFailure: (error) => this.#onFailure(error),
      onSkipped: context.skipped,
    })
    this.#payloads = new PayloadSource(context, signal)
    this.#garbage = new PayloadCollector({
      context,
      state: leadership.state,
      onDeleted: (payloadKeys) => this.#recordNow({ type: 'collected', payloadKeys }),
      signal,
    })
    this.#orphans = new OrphanSweep({
      ...{ context, state: leadership.state, signal },
      record: (event) => this.#recordNow(event),
      readInbox: () => this.#inbox.pollAfresh(),
    })
    this.#orphans.start()
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
        takeoverAfterMs,
        isUrgent: (withinMs) => this.#isUrgent(withinMs),
        details: () => {
          const { mark: log } = leadership.writer
          const about = { busy: this.#isBusy(), epoch: this.epoch, log, bell: this.#bell.heard }
          return describeWriter(context, { ...about, earlier: this.#earlierWithClaims() })
        },
        onLost: (error) => this.#loop.fail(error),
        onTrouble: context.trouble,
        signal,
      },
      provenAt,
    )
    const foreign = new ForeignCommandFilter({
      ...{ context, epoch: this.epoch, whenCurrent: () => this.#loop.whenCurrent() },
      recognises: (mark) => leadership.writer.recognises(mark, signal),
    })
    this.#inbox = new InboxReader({
      context,
      sift: async (entry) => {
        const { entries } = entry.batch
        const commands = (await foreign.isOurs(entry)) ? entries : withoutForeign(entries)
        return withoutLate({ ...entry, commands }, { context, state: leadership.state, signal })
      },
      fold: (commands, done) => this.#foldInbox(commands, done),
      settled: () => this.#loop.whenDurable(),
      visits: () => this.#dispatcher.visits(),
      signal,
    })
    this.#bell = new BellListener({
      ...{ options: context.options, reader: options.bell, signal, onTrouble: context.trouble },
      onRing: () => {
        this.#inbox.rung()
        this.#heartbeat.answer()
      },
      // Frequent renewals of the lease answer those that expect a reaction to a ring.
      isAwake: () => this.#inbox.isAwake && this.#isUrgent(BELL_POLL_MS),
    })
    const parts = { context, state: this.#state, loop: this.#loop, time }
    const toOthers = {
      settle: (settled: readonly Settlement[], claims: readonly Claim[]) => this.#decisions.settle(settled, claims),
      expectFromInbox: () => this.#inbox.expect(),
      lookIntoInbox: () => this.#inbox.pollAfresh(),
      signal,
    }
    this.#workerProcesses = new WorkerProcesses({
      ...{ clock, processes: context.options.processes, signal },
      onEnded: (worker) => void this.#processEnded(worker),
    })
    this.#claims = new Claims({
      ...{
        ...parts,
        ...toOthers,
        epoch: this.epoch,
        predecessor: options.predecessor,
        mark: () => leadership.writer.mark,
      },
      expire: (tokens) => this.#decisions.expire(tokens),
      runsIn: (worker, process) => {
        if (process === undefined) this.#workerProcesses.forget(worker)
        else this.#workerProcesses.watch(worker, process)
      },
    })
    this.#dispatcher = new Dispatcher({
      ...{ ...parts, ...toOthers, claims: this.#claims, payloads: this.#payloads },
    })
    this.#decisions = new Decisions({ ...parts, claims: this.#claims })
    this.#claims.adopt()
    for (const { worker, process } of options.earlier) this.#workerProcesses.watch(worker, process)
    this.#configure()
    this.#inbox.start()
    this.#bell.start()
    this.#loop.wake()
  }

  /** Takes commands into the next commit. `lost` is called if they do not get into the log in this term. */
  accept(submission: Submission, lost: () => void = () => this.#options.onLost(submission)): void {
    const answers: Answer[] = []
    let at = 0
    for (const command of submission.commands) {
      const count = command.type === 'enqueue' ? command.count : 0
      answers.push(this.#decisions.take(command, submission.payloads.slice(at, at + count)))
      at += count
    }
    this.#loop.record([], {
      durable: () => submission.resolve(answers),
      lost: (_, mayBeInLog) => {
        if (mayBeInLog) submission.mayBeDurable = true
        lost()
      },
    })
  }

  /** A worker came or went: others must know, as it decides who should write. */
  workersChanged(): void {
    this.#claims.side?.localChanged()
    this.#showWorkers()
    this.#loop.wake()
  }

  /** A writer without a worker gives way to a process with one. A process that handles one message after the other has its next worker in a moment. */
  #showWorkers(): void {
    const { context } = this.#options
    const wasHidden = this.#cancelShowing !== undefined
    this.#cancelShowing?.()
    this.#cancelShowing = undefined
    const show = (): void => {
      this.#cancelShowing = undefined
      void this.#heartbeat.beat()
    }
    if (context.worker() === undefined) this.#cancelShowing = context.options.clock.setTimer(BETWEEN_WORKERS_MS, show)
    else if (!wasHidden) show()
  }

  /** From now on no commit waits for company. */
  hurry(): void {
    this.#loop.hurry()
  }

  /** There are settlements to take, or there is room for more work. */
  wake(): void {
    this.#loop.wake()
  }

  /**
   * Proof of being the writer that is not older than `maxAgeMs`, and the claims `tokens` running for their full time from now.
   * Resolves to the moment of the proof, from which the worker counts; tokens that are no longer held are left out of `held`.
   */
  async extend(tokens: readonly number[], maxAgeMs: number): Promise<Extended> {
    const { clock } = this.#options.context.options
    if (clock.monotonic() - this.#heartbeat.provenAt > maxAgeMs) await this.#heartbeat.beat()
    if (this.#loop.failure !== undefined) throw this.#loop.failure
    const { provenAt } = this.#heartbeat
    return { held: await this.#claims.extendKnown(tokens), provenAt }
  }

  /** See `Claims.setTimeout`. */
  setTimeout(token: number, atLeastMs: number): Promise<ClaimExtension | undefined> {
    return this.#claims.setTimeout(token, atLeastMs)
  }

  /** What `look` sees of the whole queue as of some moment during the call, with all that was in the inbox, once that is durable. */
  async survey<T>(look: (view: QueueView) => T): Promise<T> {
    await this.#inbox.pollAfresh()
    await this.#claims.whenResumed()
    // Only now: what another writer takes out of the inbox from here on was folded above.
    await this.#loop.whenCurrent()
    this.#claims.noteDue()
    return this.view(look)
  }

  /** What `look` sees in the state, once that is durable. */
  async view<T>(look: (view: QueueView) => T): Promise<T> {
    const seen = look(viewOf(this.#state, this.#time.now()))
    await this.#loop.whenDurable()
    return seen
  }

  /** The numbers without looking into the inbox or waiting for anything. */
  peekStats(): QueueStats {
    return describeStats(this.#state)
  }

  /** How long ago, in ms, it was certain that no other process had taken over. */
  get provenMsAgo(): number {
    return this.#options.context.options.clock.monotonic() - this.#heartbeat.provenAt
  }

  get isPaused(): boolean {
    return this.#state.paused
  }

  /** Ends the term in order: everything durable, a short log, the lease given back. */
  async close(reason: Error): Promise<void> {
    await this.#inbox.stop()
    await this.#whenIdle()
    await this.#garbage.finish()
    await this.#whenIdle()
    await Promise.all([this.#checkpoints.finish(), this.#inbox.deleteFolded()])
    await this.#heartbeat.stop()
    if (this.#loop.failure === undefined) {
      await this.#options.grant.release()
      await this.#claims.side?.handOver()
    }
    this.end(reason)
  }

  /** Nothing is on its way to the log. What the inbox gave last, or an alarm, may be: a snapshot of it would be ahead of the log. */
  async #whenIdle(): Promise<void> {
    do {
      await this.#loop.whenDurable()
      await this.#checkpoints.idle()
    } while (!this.#loop.isIdle)
  }

  /** Ends the term at once so that somebody else may take over, who is told; what is not durable is lost to it. */
  async stepDown(): Promise<void> {
    await this.#heartbeat.stop()
    if (this.#loop.failure !== undefined) return
    this.#isSteppingDown = true
    try {
      await this.#options.grant.release(this.#end.signal)
      await this.#claims.side?.handOver()
    } catch (error) {
      // If the term is over, somebody was faster.
      if (!this.#end.signal.aborted) throw error
    } finally {
      this.end(new SteppedDown())
    }
  }

  /** Ends the term at once; what is not durable is lost to it. */
  end(reason: Error): void {
    this.#loop.fail(reason)
  }

  #earlierWithClaims(): readonly WorkerProcess[] {
    return this.#options.earlier.filter(({ worker }) => this.#state.held.has(worker))
  }

  /** The claims of a worker end with its process, once what it sent before is taken from the inbox. Never rejects. */
  async #processEnded(worker: string): Promise<void> {
    this.#claims.side?.ended(worker)
    await this.#inbox.pollAfresh()
    const tokens = this.#end.signal.aborted ? [] : this.#claims.heldBy(worker)
    if (tokens.length > 0) this.#decisions.expire(tokens, true)
  }

  #isBusy(): boolean {
    return this.#state.counts.waiting + this.#state.active.size > 0
  }

  /** Whether there is work or was some within this time, and a worker in another process to go on with it. */
  #isUrgent(withinMs: number): boolean {
    this.#noteWork()
    const sinceMs = this.#options.context.options.clock.monotonic() - this.#workedAt
    return sinceMs <= withinMs && this.#claims.side?.hasSuccessor === true
  }

  /** A paused backlog is no work. */
  #noteWork(): void {
    const { active, counts, paused } = this.#state
    if (active.size > 0 || (counts.waiting > 0 && !paused))
      this.#workedAt = this.#options.context.options.clock.monotonic()
  }

  #beforeCommit(): void {
    const { context } = this.#options
    const now = context.options.clock.monotonic()
    const worker = context.worker()
    if (worker !== undefined) {
      this.#decisions.report(worker.takeReports())
      const { settlements, claims } = worker.takeFinished()
      if (settlements.length > 0) this.#decisions.settle(settlements, claims, this.#rerouted(settlements))
    }
    // After the settlements: what ended in time must not run out for having waited for this commit.
    const due = this.#claims.takeDue(now)
    if (due.length > 0) this.#decisions.expire(due)
    this.#dispatcher.dispatch(now)
    this.#claims.setAlarm()
  }

  #foldInbox(commands: FoldableCommands, done: () => void): void {
    // If it is lost here, it is still in the inbox, for the next writer.
    this.accept({ ...commands, resolve: done, reject: () => {} }, () => {})
  }

  /** Settlements that this term cannot record any more go to the next writer. */
  #rerouted(settlements: readonly Settlement[]): Effect {
    const submission: Submission = {
      commands: [{ type: 'settle', settlements }],
      payloads: [],
      resolve: () => {},
      reject: () => {},
    }
    return {
      durable: () => {},
      lost: (_, mayBeInLog) => {
        if (mayBeInLog) submission.mayBeDurable = true
        this.#options.onLost(submission)
      },
    }
  }

  /** The user's retention becomes part of the log where it differs, as forgetting must be the same in every process. */
  #configure(): void {
    const { retention: ofNew, givenRetention } = this.#options.context.options
    const { retention: known } = this.#state
    const retention = known === KEEP_NOTHING ? ofNew : { ...known, ...givenRetention }
    if (JSON.stringify(retention) !== JSON.stringify(this.#state.retention))
      this.#recordNow({ type: 'configured', retention })
  }

  #recordNow(event: QueueEvent): void {
    this.#loop.tick()
    this.#loop.record([event])
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
    this.#noteWork()
    this.#heartbeat.noteWork()
    this.#checkPastLater()
    if (payloads.length > 0) {
      const size = payloads.reduce((sum, payload) => sum + payload.length + PER_PAYLOAD, 0)
      this.#payloads.put(slot, { at: (index) => ownCopy(payloads[index] ?? '') }, size)
    }
    this.#options.onCommitted()
  }

  #checkPastLater(): void {
    const { clock } = this.#options.context.options
    this.#cancelPastCheck ??= clock.setTimer(CONFIRM_PAST_MS, () => {
      this.#cancelPastCheck = undefined
      void this.#checkPast()
    })
  }

  /** Never rejects. */
  async #checkPast(): Promise<void> {
    const { leadership, context } = this.#options
    const { signal } = this.#end
    try {
      await leadership.writer.confirmPast(signal)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof LogReplaced) this.#loop.fail(error)
      else context.trouble(error)
    }
  }

  #onFailure(error: Error): void {
    this.#cancelPastCheck?.()
    this.#end.abort(error)
    this.#claims.stop()
    this.#dispatcher.stop()
    this.#cancelShowing?.()
    this.#orphans.stop()
    void this.#heartbeat.stop()
    void this.#inbox.stop()
    // The next writer may be faster than the end of this one.
    this.#options.onEnd(this.#isSteppingDown && wasTakenOver(error) ? new SteppedDown() : error)
  }
}

/** What is handed out belongs to whoever gets it; another attempt gets it from here again. */
function ownCopy(payload: Payload): Payload {
  return typeof payload === 'string' ? payload : new Uint8Array(payload)
}
