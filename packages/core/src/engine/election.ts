/**
 * Who writes: this process's part in that, for as long as the queue is open.
 *
 * Owns the role. Any process that is used takes over when nobody else writes; when somebody does it stands by, and tries again if it
 * has a worker. Who writes is decided by the log's fence alone; the lease beside it only says when it makes sense to try.
 */
import {
  asLogMark,
  type Leadership,
  Lease,
  type LeaseGrant,
  LeaseLost,
  type LeaseRecord,
  type LogMark,
  LogReplaced,
} from '@s3queue/primitives'
import { asProcessIdentity, isSameProcess, type ProcessState, sleep } from '@s3queue/storage'
import { ClockOff, QueueClosed, TransportMissing } from '../errors.ts'
import { createQueueFold } from '../state/fold.ts'
import type { QueueState } from '../state/model.ts'
import { BELL_POLL_MS, BellReader, bellKey } from './bell.ts'
import { Changes } from './changes.ts'
import type { EngineContext, Submission } from './context.ts'
import { describeWriter, Heartbeat, SIGN_SHARE, type WriterDetails } from './heartbeat.ts'
import { ensureProbed } from './probe.ts'
import { SilentWriter } from './silent-writer.ts'
import { StoreWatch } from './store-watch.ts'
import { Term } from './term.ts'
import { SteppedDown, wasTakenOver } from './term-end.ts'
import { earlierWorkers, type WorkerProcess } from './worker-processes.ts'

export type Role =
  /** Not used yet, or nothing to gain from trying to write. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'electing' }
  | { readonly kind: 'leading'; readonly term: Term }
  /** Another process writes. */
  | { readonly kind: 'standby' }
  | { readonly kind: 'closed' }

/** A process that stepped down leaves the lease to others for so long: those that watch the writer closely have looked twice by then. */
const REST_MS = 2500
/** Wait before trying again what failed for a reason that time alone does not mend. */
const RETRY_MS = 5000
const BUSY_POLL_MS = 1000
/** How often the lease is read while its renewals are frequent, or one is expected. */
const CLOSE_POLL_MS = 500
/** Share of `takeoverAfterMs` after which a process that does not watch the writer closely reads its lease. */
const RARE_SHARE = 0.8
const RARE_SPREAD = 0.1
/** A writer that does not react to the bell for this long counts as gone: it reads the bell each second. */
const SILENT_AFTER_MS = 3000
/** Processes that do not watch the writer closely leave a lease that was given back for this long to those that do: longer than frequent renewals are apart. */
const OTHERS_WAIT_MS = 1500
/** A process without a worker leaves the take-over for this long to those that have one. */
const WITHOUT_WORKER_MS = 2000
/** Allowed difference between two wall clocks before a writer is called stale by them. */
const CLOCK_MARGIN_MS = 1500
/** A machine whose wall clock is off by more is told of. */
const CLOCK_OFF_MS = 60_000
/** How often a process that stands by asks its machine whether the writer's process still runs. */
const PROCESS_CHECK_MS = 500
/** Those that wait for the same moment spread over this time. */
const SPREAD_MS = 300

export interface ElectionOptions {
  readonly context: EngineContext
  readonly sender: string
  readonly onChange: (role: Role) => void
  /** A command did not become durable in a term. */
  readonly onLost: (submission: Submission) => void
  /** The store refuses: those who wait must be told. */
  readonly onRefused: (error: unknown) => void
  /** The log that this process has used is gone: all that it holds is void. */
  readonly onReplaced: (error: LogReplaced) => void
  /** Right before this process tries to fence the writer it knows of. */
  readonly onTrying: () => void
  /** The lease says that something is likely to be there for this process's worker. */
  readonly onNewsLikely: () => void
  /** Whether a call of this process waits for an answer. */
  readonly hasCalls: () => boolean
  /** Whether to watch the writer closely. */
  readonly isDeputy: () => boolean
  /** The writer has this epoch. */
  readonly sawEpoch: (epoch: number) => void
}

/** The bell was rung, and no reaction of the writer was seen since. */
interface Alarm {
  readonly nonce: string
  /** The lease as it was first seen after the ring, and when. A writer that is alive renews it soon. */
  readonly baseline: { readonly renewal: string; readonly at: number } | undefined
}

export class Election {
  /** The role has changed, or a commit has become durable. */
  readonly changes: Changes = new Changes()
  readonly #options: ElectionOptions
  readonly #lease: Lease<WriterDetails>
  readonly #silentWriter: SilentWriter
  readonly #abort = new AbortController()
  #role: Role = { kind: 'idle' }
  #running: Promise<void> | undefined
  #wakeStandby: (() => void) | undefined
  /** Of a process that leaves the take-over to others first. */
  #watching: Promise<void> | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  /** The lease was said to be free since the last look began. */
  #isLookDue = false
  /** Of the lease, as last seen: another one is another writer's. */
  #generation: number | undefined
  /** Workers that may hold claims of earlier terms, by the lease that this process took last. */
  #earlier: readonly WorkerProcess[] = []
  #probed = false
  #isClockKnown = false
  #hasToldClock = false
  #alarm: Alarm | undefined
  readonly #bell: BellReader
  readonly #bellWatch: StoreWatch
  readonly #leaseWatch: StoreWatch
  /** The bell is to be read before the next wait. */
  #isBellDue = true
  #cancelLook: (() => void) | undefined
  /** The log may not be the one that this process knows: to be checked before anything else. */
  #isDoubtful = false
  /** Why this process does nothing, until its log is back. */
  #replaced: LogReplaced | undefined
  /** The queue is being closed, and this process does not become the writer any more. */
  #isEnding = false

  constructor(options: ElectionOptions) {
    this.#options = options
    const { context, sender } = options
    const { store, prefix, clock, random, ids, takeoverAfterMs } = context.options
    const { logger, name } = context.options
    this.#silentWriter = new SilentWriter(name, (line) => logger.warn(line))
    this.#lease = new Lease({
      store,
      key: `${prefix}writer`,
      owner: sender,
      durationMs: takeoverAfterMs,
      // The lease's timestamps are compared across machines, so they go by the store's clock.
      clock: { ...clock, now: context.wallNow },
      ...{ random, ids, onTrouble: context.trouble },
    })
    this.#bell = new BellReader(context.options)
    const watch = { options: context.options, signal: this.#abort.signal, onTrouble: context.trouble }
    this.#bellWatch = new StoreWatch({
      ...{ ...watch, prefix: bellKey(prefix) },
      onChange: () => {
        this.#isBellDue = true
        this.#wakeStandby?.()
      },
    })
    this.#leaseWatch = new StoreWatch({ ...watch, prefix: `${prefix}writer`, onChange: () => this.#leaseChanged() })
  }

  get role(): Role {
    return this.#role
  }

  /** Whether this process is the writer now. */
  get isLeading(): boolean {
    return this.#role.kind === 'leading'
  }

  /** The role, once there is one. */
  async whenKnown(): Promise<Role> {
    if (this.#role.kind === 'idle') this.start()
    while (this.#role.kind === 'electing') await this.changes.next()
    return this.#role
  }

  /** Whether the store has answered: if it tells its time, `wallNow` goes by that from then on. */
  get isClockKnown(): boolean {
    return this.#isClockKnown
  }

  /** Sees to it that this process gets a role. */
  start(): void {
    if (this.#running !== undefined || this.#abort.signal.aborted) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** A worker has come: with it this process may depose a writer that has none, so until that is tried its role is open again. */
  reopen(): void {
    this.#setRole({ kind: 'electing' })
    this.#isLookDue = true
    this.start()
    this.#wakeStandby?.()
  }

  /** The lease may be free, or of another log: look at it, if the last look is not quite recent. */
  lookSoon(maxAgeMs: number = BUSY_POLL_MS): void {
    if (this.#options.context.options.clock.monotonic() - this.#lookedAt < maxAgeMs) return
    this.lookNow()
  }

  /** Why this process does nothing: the log that it knows is gone. */
  get replaced(): LogReplaced | undefined {
    return this.#replaced
  }

  /**
   * Reads the lease, only to learn from it how far the log goes, or that it is another one than this process knows. For a process that stands by and is not
   * to become the writer. Never rejects.
   */
  async observeLog(): Promise<void> {
    const { signal } = this.#abort
    if (this.#role.kind !== 'standby') return
    try {
      const record = await this.#lease.observe(signal)
      if (record === undefined) await this.#options.context.log.confirm(signal)
      else await this.#meetWriter(record, signal)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof LogReplaced) this.doubt()
      else this.#options.context.trouble(error)
    }
  }

  /** The log may not be the one that this process knows: check that now. */
  doubt(): void {
    this.#isDoubtful = true
    this.lookNow()
  }

  /** See `StandbyProcess.meets`. */
  meets(mark: LogMark): boolean {
    const isKnown = this.#options.context.log.note(mark)
    if (!isKnown) this.doubt()
    return isKnown
  }

  /** The lease is said to be free: look at it. */
  lookNow(): void {
    if (this.#role.kind !== 'standby') return
    this.#isLookDue = true
    this.start()
    this.#wakeStandby?.()
  }

  /** The lease was renewed or given back. Those that watch the writer closely come first: one of them may be meant to take over. */
  #leaseChanged(): void {
    const waitMs = this.#patienceMs()
    this.#cancelLook?.()
    this.#cancelLook = this.#options.context.options.clock.setTimer(waitMs, () => this.lookNow())
  }

  /** The bell was rung, by this process or another: the writer is expected to react. */
  expectReaction(nonce: string): void {
    if (this.#role.kind !== 'standby') return
    this.#alarm = { nonce, baseline: this.#alarm?.baseline }
    if (this.#patienceMs() === 0) this.lookNow()
    else
      this.#watching ??= this.#watchWriter().finally(() => {
        this.#watching = undefined
      })
  }

  /** The writer was seen at work. */
  sawReaction(): void {
    this.#alarm = undefined
  }

  /** From now on this process does not become the writer any more. */
  beginEnding(): void {
    this.#isEnding = true
  }

  /** Ends for good. Resolves when nothing is under way. */
  async close(reason: Error): Promise<void> {
    const { term } = this.#role.kind === 'leading' ? this.#role : { term: undefined }
    this.#setRole({ kind: 'closed' })
    term?.end(reason)
    this.#abort.abort(reason)
    this.#cancelLook?.()
    this.#wakeStandby?.()
    await Promise.all([this.#running, this.#watching])
  }

  /** Elects, leads, stands by, until there is nothing to gain. Never rejects. */
  async #run(): Promise<void> {
    const { context, onRefused } = this.#options
    const { signal } = this.#abort
    while (!signal.aborted && !this.#isEnding) {
      try {
        if (this.#role.kind !== 'standby') this.#setRole({ kind: 'electing' })
        await this.#confirmLog(signal)
        await this.#probe(signal)
        this.#lookedAt = context.options.clock.monotonic()
        this.#isLookDue = false
        const attempt = await this.#lease.tryAcquire(describeWriter(context, { busy: false }), {
          signal,
          mayDepose: (record) => this.#mayDepose(record),
          describe: (replaced) => {
            this.#earlier = replaced === undefined ? [] : earlierWorkers(replaced.details)
            return describeWriter(context, { busy: false, earlier: this.#earlier })
          },
        })
        this.#isClockKnown = true
        this.#tellClock()
        if (attempt.outcome === 'acquired') {
          await this.#lead(attempt.grant, silentWorkerOf(attempt.before))
        } else {
          await this.#meetWriter(attempt.record, signal)
          this.#setRole({ kind: 'standby' })
          this.#noteReaction(attempt.record)
          this.#sayWait(attempt.record, attempt.freeInMs)
          if (context.worker() === undefined) return
          this.#tellSeen(attempt.record)
          await this.#waitOnStandby(attempt.record, attempt.freeInMs)
        }
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof LogReplaced) this.#refuse(error)
        onRefused(error)
        this.#setRole({ kind: 'idle' })
        if (context.worker() === undefined) return
        if (!(error instanceof LogReplaced)) context.trouble(error)
        await sleep(context.options.clock, RETRY_MS, signal).catch(() => {})
      }
    }
  }

  /** Throws `LogReplaced` if there is reason to doubt the log, and rightly so. */
  async #confirmLog(signal: AbortSignal): Promise<void> {
    if (!this.#isDoubtful) return
    await this.#options.context.log.confirm(signal)
    this.#isDoubtful = false
    this.#replaced = undefined
  }

  /** Throws `LogReplaced` if the writer writes another log than this process knows. */
  async #meetWriter({ details, generation }: LeaseRecord<WriterDetails>, signal: AbortSignal): Promise<void> {
    const { log } = this.#options.context
    const mark = asLogMark(details.log)
    if (mark !== undefined) await log.meet(mark, signal)
    // A new writer that reads its log.
    else if (generation !== this.#generation) await log.confirm(signal)
  }

  /** From now on this process does nothing until its log is back. Reports that once. */
  #refuse(error: LogReplaced): void {
    const isNew = this.#replaced === undefined || this.#replaced.found !== error.found
    this.#isDoubtful = true
    this.#replaced = error
    this.#options.onReplaced(error)
    if (isNew) this.#options.context.trouble(error)
  }

  #sayWait(record: LeaseRecord<WriterDetails>, freeInMs: number): void {
    const { context, hasCalls } = this.#options
    if (context.worker() === undefined && !hasCalls()) return
    const endsInMs = Math.min(freeInMs, this.#staleInMs(record)) + SPREAD_MS
    this.#silentWriter.waits(record, context.wallNow(), endsInMs)
  }

  /** In how many ms the writer counts as gone by its wall time and the store's. */
  #staleInMs({ aliveAt, durationMs }: LeaseRecord<WriterDetails>): number {
    return aliveAt + durationMs + CLOCK_MARGIN_MS + 1 - this.#options.context.wallNow()
  }

  /** Once: who has set it right and wrong again knows already. */
  #tellClock(): void {
    const { options, wallNow, trouble } = this.#options.context
    const aheadMs = options.clock.now() - wallNow()
    if (this.#hasToldClock || Math.abs(aheadMs) <= CLOCK_OFF_MS) return
    this.#hasToldClock = true
    trouble(new ClockOff(options.name, aheadMs))
  }

  /** Before the first attempt of this process. */
  async #probe(signal: AbortSignal): Promise<void> {
    if (this.#probed) return
    const { options, trouble } = this.#options.context
    await ensureProbed(options, trouble, signal)
    this.#probed = true
  }

  /**
   * One term as the writer. Throws what ended it, unless another process took over.
   *
   * It begins only if the lease is still ours behind our fence. A process that stalled between lease and fence would else write beside one that
   * trusts its lease: its claims would run out here, while there they are extended.
   */
  async #lead(grant: LeaseGrant<WriterDetails>, predecessor: string | undefined): Promise<void> {
    const { context, onLost, onTrying } = this.#options
    const { signal } = this.#abort
    onTrying()
    const [leadership] = await Promise.all([this.#takeOver(grant), this.#learnBell()]).catch(async (error: unknown) => {
      // To the writer of the log that is there now, if any.
      if (error instanceof LogReplaced) await grant.release(signal)
      throw error
    })
    const provenAt = context.options.clock.monotonic()
    const { epoch } = leadership.writer
    // All that was rung for until now, the term finds with its first read of the inbox.
    const { nonce: bell } = this.#bell
    const about = { busy: false, epoch, bell, log: leadership.writer.mark, earlier: this.#earlier }
    const details = describeWriter(context, about)
    if (!(await isStillGranted(grant, details, signal))) return
    if (this.#isEnding) return grant.release(signal)
    if (leadership.state.shared && context.options.transport === undefined) {
      await grant.release(signal)
      throw new TransportMissing(
        `Workers of other processes have messages of queue "${context.options.name}", and without a transport this process cannot reach them. ` +
          'Open the queue with @s3queue/coordinator here as well.',
      )
    }
    const ended = Promise.withResolvers<Error>()
    const term = new Term({
      ...{ context, grant, leadership, provenAt, onLost, bell: this.#bell, predecessor, earlier: this.#earlier },
      onCommitted: () => this.changes.tell(),
      onEnd: (reason) => ended.resolve(reason),
    })
    this.#setRole({ kind: 'leading', term })
    context.events.emit('promoted', { epoch: term.epoch })
    const reason = await ended.promise
    context.events.emit('demoted', { epoch: term.epoch, reason: reason.message })
    if (signal.aborted || reason instanceof QueueClosed) return
    this.#setRole({ kind: 'electing' })
    context.worker()?.detached()
    if (reason instanceof SteppedDown) await this.#rest()
    else if (!wasTakenOver(reason)) throw reason
  }

  /** What comes meanwhile goes through the inbox, for whoever takes over. */
  async #rest(): Promise<void> {
    this.#setRole({ kind: 'standby' })
    await sleep(this.#options.context.options.clock, REST_MS, this.#abort.signal).catch(() => {})
  }

  /**
   * Reads the log and fences it, with signs of life meanwhile. Without them, where that takes longer than a writer may be silent, a second process would take this one for
   * dead, a third one the second, and nobody would ever write.
   */
  async #takeOver(grant: LeaseGrant<WriterDetails>): Promise<Leadership<QueueState>> {
    const { context } = this.#options
    const { clock, takeoverAfterMs } = context.options
    const { signal } = this.#abort
    const signs = new Heartbeat(
      {
        ...{ clock, grant, signal, takeoverAfterMs, isUrgent: () => false, onTrouble: context.trouble },
        details: () => describeWriter(context, { busy: false, earlier: this.#earlier }),
        // Whether the lease is still ours is looked at behind the fence, in any case.
        onLost: () => {},
      },
      clock.monotonic(),
    )
    return context.log
      .takeOver(createQueueFold(context.skipped, context.endings.read), signal)
      .finally(() => signs.stop())
  }

  /** A new writer may have told this process's worker something, and so may the writer of a busy queue at any time. */
  #tellSeen({ generation, details }: LeaseRecord<WriterDetails>): void {
    const { isDeputy, onNewsLikely, sawEpoch } = this.#options
    if (details.epoch !== undefined) sawEpoch(details.epoch)
    if (generation !== this.#generation || (details.busy && isDeputy())) onNewsLikely()
    this.#generation = generation
  }

  /**
   * Waits for the writer to react to the bell, in a process that leaves the take-over to others: it tries only if none of them does. Never rejects.
   */
  async #watchWriter(): Promise<void> {
    const { clock } = this.#options.context.options
    const { signal } = this.#abort
    try {
      while (this.#alarm !== undefined) {
        const record = await this.#lease.observe(signal)
        if (record === undefined) return this.lookNow()
        this.#noteReaction(record)
        if (this.#isSilent(record)) return this.lookNow()
        await sleep(clock, BUSY_POLL_MS, signal)
      }
    } catch (error) {
      if (!signal.aborted) this.#options.context.trouble(error)
    }
  }

  /** Waits until it makes sense to try again: often while there is work or the writer owes a reaction, rarely otherwise. */
  async #waitOnStandby(record: LeaseRecord<WriterDetails>, freeInMs: number): Promise<void> {
    const { clock } = this.#options.context.options
    this.#leaseWatch.start()
    this.#bellWatch.start()
    const stopWatching = this.#watchProcess(record, () => this.lookNow())
    const dueAt = clock.monotonic() + this.#waitMs(record, freeInMs)
    for (let leftMs = dueAt - clock.monotonic(); leftMs > 0; leftMs = dueAt - clock.monotonic()) {
      if (this.#isLookDue || this.#isEnding || this.#abort.signal.aborted) break
      const listens = this.#alarm === undefined && this.#options.isDeputy()
      if (listens && this.#isBellDue) await this.#listen()
      else await this.#pause(listens ? Math.min(leftMs, this.#bellWatch.pollMs(BELL_POLL_MS)) : leftMs)
    }
    stopWatching()
  }

  /** Until woken, for at most `ms`. */
  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#options.context.options.clock.setTimer(Math.max(1, ms), () => {
        this.#isBellDue = true
        resolve()
      })
      this.#wakeStandby = () => {
        cancel()
        resolve()
      }
    })
    this.#wakeStandby = undefined
  }

  /** Calls `onEnded` soon after the writer's process has ended, if it runs on this machine. */
  #watchProcess(record: LeaseRecord<WriterDetails>, onEnded: () => void): () => void {
    const { clock, processes } = this.#options.context.options
    let cancel = (): void => {}
    // Another queue object of this process writes.
    if (isSameProcess(asProcessIdentity(record.details.process), processes.self())) return cancel
    const check = (): void => {
      const state = this.#stateOfProcess(record)
      if (state === 'gone') onEnded()
      else if (state === 'alive') cancel = clock.setTimer(PROCESS_CHECK_MS, check)
    }
    check()
    return () => cancel()
  }

  async #listen(): Promise<void> {
    this.#isBellDue = false
    const nonce = await this.#learnBell()
    if (nonce !== undefined) this.expectReaction(nonce)
  }

  /** Reads the bell. Resolves to the nonce of a ring since the last read. Never rejects. */
  async #learnBell(): Promise<string | undefined> {
    const { signal } = this.#abort
    try {
      return await this.#bell.poll(signal)
    } catch (error) {
      if (!signal.aborted) this.#options.context.trouble(error)
      return undefined
    }
  }

  #waitMs(record: LeaseRecord<WriterDetails>, freeInMs: number): number {
    const { context, isDeputy } = this.#options
    const { random, takeoverAfterMs } = context.options
    const { busy } = record.details
    const isFrequent = record.durationMs < takeoverAfterMs
    const isClose = isDeputy() && (busy || this.#alarm !== undefined)
    // The rare reads of many processes are not to fall on the same moment.
    const pollMs = takeoverAfterMs * (isDeputy() ? SIGN_SHARE : RARE_SHARE * (1 - RARE_SPREAD * random.next()))
    // Frequent renewals are for those that watch closely: if all others did, a fleet would read the lease all the time.
    if (!isClose && isFrequent) return pollMs
    const closeMs = isFrequent || this.#alarm !== undefined ? CLOSE_POLL_MS : BUSY_POLL_MS
    const waitMs = isClose ? Math.min(pollMs, closeMs) : pollMs
    const staleInMs = record.aliveAt + record.durationMs + CLOCK_MARGIN_MS + 1 - context.wallNow()
    const untilGone = Math.min(freeInMs, staleInMs > 0 ? staleInMs : waitMs)
    return waitMs <= untilGone ? waitMs : untilGone + random.next() * SPREAD_MS
  }

  /** Whether the writer reacted to the bell, by what its lease says: it names the ring, or was renewed since. */
  #noteReaction(record: LeaseRecord<WriterDetails>): void {
    const alarm = this.#alarm
    if (alarm === undefined) return
    const { baseline, nonce } = alarm
    const renewal = renewalOf(record)
    const isRenewed = baseline !== undefined && baseline.renewal !== renewal
    if (record.held && (isRenewed || record.details.bell === nonce)) this.#alarm = undefined
    else if (isRenewed || baseline === undefined)
      this.#alarm = { nonce, baseline: { renewal, at: this.#options.context.options.clock.monotonic() } }
  }

  /** Whether the writer did not react to the bell in time, or there is none. */
  #isSilent(record: LeaseRecord<WriterDetails>): boolean {
    const { context } = this.#options
    const { nonce, baseline } = this.#alarm ?? {}
    if (baseline === undefined || baseline.renewal !== renewalOf(record)) return false
    if (record.held && record.details.bell === nonce) return false
    const afterMs = (record.held ? SILENT_AFTER_MS : 0) + this.#patienceMs()
    return context.options.clock.monotonic() - baseline.at >= afterMs
  }

  /** How long this process leaves a lease that it may take to others: first come those that watch the writer closely, last those without a worker. */
  #patienceMs(): number {
    if (this.#options.context.worker() === undefined) return WITHOUT_WORKER_MS
    return this.#options.isDeputy() ? 0 : OTHERS_WAIT_MS
  }

  /**
   * The lease of our own last term is ours; a writer without workers gives way to a process with one; a writer that ignores the bell is gone, and so is one
   * whose last sign is old by the store's clock. If one of them is alive all the same, the log's fence ends its term.
   */
  #mayDepose(record: LeaseRecord<WriterDetails>): boolean {
    const { context, sender } = this.#options
    if (record.owner === sender || this.#stateOfProcess(record) === 'gone') return true
    if (context.worker() !== undefined && record.details.workers === 0) return true
    if (this.#isSilent(record)) return true
    return context.wallNow() - record.aliveAt > record.durationMs + CLOCK_MARGIN_MS
  }

  #stateOfProcess({ details }: LeaseRecord<WriterDetails>): ProcessState {
    const process = asProcessIdentity(details.process)
    return process === undefined ? 'unknown' : this.#options.context.options.processes.state(process)
  }

  #setRole(role: Role): void {
    this.#role = role
    if (role.kind !== 'standby') this.#alarm = undefined
    this.#options.onChange(role)
    this.changes.tell()
  }
}

/** The worker of a writer that did not give its lease back: it may be gone as well. */
function silentWorkerOf(before: LeaseRecord<WriterDetails> | undefined): string | undefined {
  return before?.held === true ? before.details.worker : undefined
}

/** Tells one renewal of a lease from another. */
function renewalOf({ owner, generation, aliveAt }: LeaseRecord<WriterDetails>): string {
  return `${owner} ${generation} ${aliveAt}`
}

async function isStillGranted(
  grant: LeaseGrant<WriterDetails>,
  details: WriterDetails,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await grant.renew(details, signal)
    return true
  } catch (error) {
    if (error instanceof LeaseLost) return false
    throw error
  }
}
