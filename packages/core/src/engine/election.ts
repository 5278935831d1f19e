/**
 * Who writes: this process's part in that, for as long as the queue is open.
 *
 * Owns the role. Any process that is used takes over when nobody else writes; when somebody does it stands by, and tries again if it
 * has a worker. Who writes is decided by the log's fence alone; the lease beside it only says when it makes sense to try.
 */
import { type Leadership, Lease, type LeaseGrant, LeaseLost, type LeaseRecord } from '@s3queue/primitives'
import { asProcessIdentity, isSameProcess, type ProcessState, sleep } from '@s3queue/storage'
import { ClockOff, QueueClosed, TransportMissing } from '../errors.ts'
import { queueFold } from '../state/fold.ts'
import type { QueueState } from '../state/model.ts'
import { Changes } from './changes.ts'
import type { EngineContext, Submission } from './context.ts'
import { describeWriter, Heartbeat, SIGN_SHARE, type WriterDetails } from './heartbeat.ts'
import { ensureProbed } from './probe.ts'
import { SilentWriter } from './silent-writer.ts'
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
  /** Right before this process tries to fence the writer it knows of. */
  readonly onTrying: () => void
  /** The lease says that something is likely to be there for this process's worker. */
  readonly onNewsLikely: () => void
  /** Whether a call of this process waits for an answer. */
  readonly hasCalls: () => boolean
  /** Whether to watch the writer closely. */
  readonly isDeputy: () => boolean
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
    this.start()
    this.#wakeStandby?.()
  }

  /** The lease may be free: look at it, if the last look is not quite recent. */
  lookSoon(): void {
    if (this.#options.context.options.clock.monotonic() - this.#lookedAt < BUSY_POLL_MS) return
    this.lookNow()
  }

  /** The lease is said to be free: look at it. */
  lookNow(): void {
    if (this.#role.kind !== 'standby') return
    this.#isLookDue = true
    this.start()
    this.#wakeStandby?.()
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
    this.#wakeStandby?.()
    await this.#running
  }

  /** Elects, leads, stands by, until there is nothing to gain. Never rejects. */
  async #run(): Promise<void> {
    const { context, onRefused } = this.#options
    const { signal } = this.#abort
    while (!signal.aborted && !this.#isEnding) {
      try {
        if (this.#role.kind !== 'standby') this.#setRole({ kind: 'electing' })
        await this.#probe(signal)
        this.#lookedAt = context.options.clock.monotonic()
        this.#isLookDue = false
        const attempt = await this.#lease.tryAcquire(describeWriter(context, false, []), {
          signal,
          mayDepose: (record) => this.#mayDepose(record),
          describe: (replaced) => {
            this.#earlier = replaced === undefined ? [] : earlierWorkers(replaced.details)
            return describeWriter(context, false, this.#earlier)
          },
        })
        this.#isClockKnown = true
        this.#tellClock()
        if (attempt.outcome === 'acquired') {
          await this.#lead(attempt.grant)
        } else {
          this.#setRole({ kind: 'standby' })
          this.#sayWait(attempt.record, attempt.freeInMs)
          if (context.worker() === undefined) return
          this.#tellSeen(attempt.record)
          await this.#waitOnStandby(attempt.record, attempt.freeInMs)
        }
      } catch (error) {
        if (signal.aborted) return
        onRefused(error)
        this.#setRole({ kind: 'idle' })
        if (context.worker() === undefined) return
        context.trouble(error)
        await sleep(context.options.clock, RETRY_MS, signal).catch(() => {})
      }
    }
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
  async #lead(grant: LeaseGrant<WriterDetails>): Promise<void> {
    const { context, onLost, onTrying } = this.#options
    const { signal } = this.#abort
    onTrying()
    const leadership = await this.#takeOver(grant)
    const provenAt = context.options.clock.monotonic()
    if (!(await isStillGranted(grant, describeWriter(context, false, this.#earlier), signal))) return
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
      ...{ context, grant, leadership, provenAt, onLost, earlier: this.#earlier },
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
        ...{ clock, grant, signal, intervalMs: takeoverAfterMs * SIGN_SHARE, onTrouble: context.trouble },
        details: () => describeWriter(context, false, this.#earlier),
        // Whether the lease is still ours is looked at behind the fence, in any case.
        onLost: () => {},
      },
      clock.monotonic(),
    )
    return context.log.takeOver(queueFold, signal).finally(() => signs.stop())
  }

  /** A new writer may have told this process's worker something, and so may the writer of a busy queue at any time. */
  #tellSeen({ generation, details }: LeaseRecord<WriterDetails>): void {
    const { isDeputy, onNewsLikely } = this.#options
    if (generation !== this.#generation || (details.busy && isDeputy())) onNewsLikely()
    this.#generation = generation
  }

  /** Waits until it makes sense to try again: often while there is work, seldom while there is none. */
  async #waitOnStandby(record: LeaseRecord<WriterDetails>, freeInMs: number): Promise<void> {
    if (this.#isLookDue) return
    const { context, isDeputy } = this.#options
    const { clock, random, takeoverAfterMs } = context.options
    const isClose = record.details.busy && isDeputy()
    const staleInMs = this.#staleInMs(record)
    const pollMs = Math.min(takeoverAfterMs * SIGN_SHARE, isClose ? BUSY_POLL_MS : Number.POSITIVE_INFINITY)
    const untilGone = Math.min(freeInMs, staleInMs > 0 ? staleInMs : pollMs)
    const waitMs = pollMs <= untilGone ? pollMs : untilGone + random.next() * SPREAD_MS
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = clock.setTimer(Math.max(1, waitMs), resolve)
    const stopWatching = this.#watchProcess(record, resolve)
    this.#wakeStandby = resolve
    await promise
    this.#wakeStandby = undefined
    cancel()
    stopWatching()
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

  /**
   * The lease of our own last term is ours. A writer without workers gives way to a process with one. A writer is gone whose process has ended, or whose
   * last sign is old by the store's clock.
   */
  #mayDepose(record: LeaseRecord<WriterDetails>): boolean {
    const { context, sender } = this.#options
    if (record.owner === sender || this.#stateOfProcess(record) === 'gone') return true
    if (context.worker() !== undefined && record.details.workers === 0) return true
    return context.wallNow() - record.aliveAt > record.durationMs + CLOCK_MARGIN_MS
  }

  #stateOfProcess({ details }: LeaseRecord<WriterDetails>): ProcessState {
    const process = asProcessIdentity(details.process)
    return process === undefined ? 'unknown' : this.#options.context.options.processes.state(process)
  }

  #setRole(role: Role): void {
    this.#role = role
    this.#options.onChange(role)
    this.changes.tell()
  }
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
