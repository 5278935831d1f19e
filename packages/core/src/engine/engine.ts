/**
 * One process's part in a queue: what it asks for goes to the writer, wherever that is.
 *
 * Owns the commands that wait for a role. In the writer's process they go into the next commit, elsewhere through the inbox.
 */
import { createFencedLog, type LogReplaced } from '@s3queue/primitives'
import { inTime } from '@s3queue/storage'
import { asError, EventSkipped, NotAcknowledged, QueueClosed } from '../errors.ts'
import type { EventHub } from '../events.ts'
import type { FollowedEvent } from '../follow/events.ts'
import { followLog, type ResolvedFollowOptions } from '../follow/follow.ts'
import type { QueueHealth } from '../health.ts'
import type { ResolvedQueueOptions } from '../options.ts'
import { senderFor } from '../shard/shard-of.ts'
import type { Payload } from '../state/batch-codec.ts'
import type { Command, ControlAction, EnqueueCommand } from '../state/commands.ts'
import type { QueueEvent } from '../state/events.ts'
import type { Batch } from '../state/model.ts'
import { BellRinger } from './bell.ts'
import { type Answer, type EngineContext, refuse, type Submission } from './context.ts'
import { Election, type Role } from './election.ts'
import { Endings } from './endings.ts'
import { Existence } from './existence.ts'
import { SIGN_SHARE } from './heartbeat.ts'
import { InboxSender } from './inbox-sender.ts'
import { LastError } from './last-error.ts'
import { LocalWorker } from './local-worker.ts'
import { LogTexts } from './log-texts.ts'
import { admitInTime, NamingLimit } from './naming-limit.ts'
import { Outstanding } from './outstanding.ts'
import { writePayloadObject } from './payload-objects.ts'
import { PayloadSource } from './payload-source.ts'
import { Standby } from './standby.ts'
import type { Term } from './term.ts'
import { wasTakenOver } from './term-end.ts'
import { Views } from './views.ts'

/** A process that sends reads the lease at least this often, in ms: so it notices that the store was emptied, or set back to an earlier state. */
const SENDER_LOOK_MS = 5000
/** It also reads the lease once after it has sent something, when the writer has renewed it: from then on it knows a place in the log behind what it sent. In ms. */
const LOOK_BEHIND_MS = 2000
/** Events of one log that do not fit and are reported, at most. */
const MOST_SKIPPED = 1000
/** For what is under way when a queue is closed, and heeds the signal that ends it. */
const END_MS = 1000

export interface EngineOptions {
  readonly options: ResolvedQueueOptions
  readonly events: EventHub
  readonly wallNow: () => number
}

export class Engine {
  readonly #options: ResolvedQueueOptions
  readonly #context: EngineContext
  readonly #election: Election
  readonly #standby: Standby
  readonly #inbox: InboxSender
  readonly #bell: BellRinger
  readonly #outstanding: Outstanding
  readonly #abort = new AbortController()
  readonly #existence: Existence
  /** Commands that came while there was no role. */
  #held: Submission[] = []
  #closing: Promise<void> | undefined
  readonly #lastError: LastError
  /** Events of the log that do not fit and were reported. */
  readonly #skipped = new Set<string>()
  /** What this process sees of the queue. */
  readonly views: Views
  /** The worker of this process. */
  readonly local: LocalWorker
  /** Who waits for the end of a message. */
  readonly endings: Endings
  readonly sender: string
  #nextSeq = 0
  #isHurried = false
  /** Closing took too long. */
  #hasGivenUp = false
  /** Something was sent since the next read of the lease was planned. */
  #hasSent = false
  #cancelLook: (() => void) | undefined
  #epoch = 0

  constructor({ options, events, wallNow }: EngineOptions) {
    this.#options = options
    const { store, prefix, clock, random, ids } = options
    const trouble = (error: unknown): void => this.#trouble(error)
    this.sender = senderFor(options.shard, ids.nonce(16))
    this.endings = new Endings(this.sender)
    const readReached = (signal?: AbortSignal): Promise<number> => this.#election.readReached(signal)
    const log = createFencedLog({ store, prefix, clock, random, ids, onTrouble: trouble, readReached })
    const texts = new LogTexts({ log, store, prefix, signal: this.#abort.signal })
    this.#existence = new Existence(options, trouble)
    this.#context = {
      ...{ options, log, events, endings: this.endings, texts, wallNow, trouble, worker: () => this.local.link },
      knows: (token) => this.local.knows(token),
      revoke: (token, reason) => this.local.revoke(token, reason),
      release: (token, reason) => this.local.release(token, reason),
      whenSent: () => this.#inbox.idle(),
      skipped: (slot, type, reason) => this.#reportSkipped(slot, type, reason),
    }
    this.#bell = new BellRinger({
      ...{ options, onTrouble: trouble },
      isLeading: () => this.#election.isLeading,
      onRung: (nonce) => this.#election.expectReaction(nonce),
      onReaction: () => this.#election.sawReaction(),
    })
    this.#inbox = new InboxSender({
      ...{ options, sender: this.sender, mark: () => log.mark, onTrouble: trouble },
      onSent: (key, bytes) => {
        this.#bell.sent(key, bytes)
        this.#lookBehind()
      },
    })
    this.#lastError = new LastError({ clock, queue: options.name, store: store.description })
    this.#outstanding = new Outstanding(clock, options.acknowledgeTimeoutMs, this.#lastError)
    this.#standby = new Standby({
      context: this.#context,
      inbox: this.#inbox,
      epoch: () => this.#epoch,
      sawEpoch: (epoch) => {
        if (epoch >= this.#epoch) this.#bell.writerSeen()
        this.#sawEpoch(epoch)
      },
      wake: () => this.#election.lookNow(),
      meets: (mark) => this.#election.meets(mark),
      doubt: () => this.#election.doubt(),
      signal: this.#abort.signal,
    })
    this.#election = new Election({
      context: this.#context,
      sender: this.sender,
      onChange: (role) => this.#roleChanged(role),
      onLost: (submission) => this.#held.push(submission),
      onRefused: (error) => this.#refuseHeld(error),
      onReplaced: (error) => this.#abandon(error),
      onTrying: () => this.#standby.end(),
      onNewsLikely: () => this.#standby.look(),
      isDeputy: () => this.#standby.isDeputy,
      hasCalls: () => this.#outstanding.size > 0,
      sawEpoch: (epoch) => this.#sawEpoch(epoch),
    })
    const [context, election, outstanding] = [this.#context, this.#election, this.#outstanding]
    const parts = { context, election, outstanding, signal: this.#abort.signal }
    this.views = new Views({ ...parts, existence: this.#existence, isClosing: () => this.#closing !== undefined })
    this.local = new LocalWorker({
      ...{ ...parts, standby: this.#standby, views: this.views },
      submit: (command) => this.submit([command], []),
    })
  }

  /** Tells the user of something that no call can be told of. */
  tell(error: unknown): void {
    this.#trouble(error)
  }

  wallNow(): number {
    return this.#context.wallNow()
  }

  /** The queue exists, or a call of this process is about to create it. */
  assumeExists(): void {
    this.#existence.assume()
  }

  /** Whether the store has answered: if it tells its time, `wallNow` goes by that from then on. */
  get isClockKnown(): boolean {
    return this.#election.isClockKnown
  }

  async whenClockKnown(): Promise<void> {
    if (this.#closing !== undefined) throw new QueueClosed(this.#options.name)
    await this.#outstanding.bound(this.#election.whenKnown())
  }

  /** Numbers for `count` new messages of this process. */
  number(count: number): number {
    const seq = this.#nextSeq
    this.#nextSeq += count
    return seq
  }

  /** Makes a command durable. Rejects with a `StoreError` when the store refuses it, with `NotAcknowledged` when nobody knows in time. */
  submit(
    commands: readonly Command[],
    payloads: readonly Payload[],
    limits: readonly NamingLimit[] = [],
  ): Promise<readonly Answer[] | undefined> {
    if (this.#closing !== undefined) return Promise.reject(new QueueClosed(this.#options.name))
    return this.#outstanding.bound(
      new Promise((resolve, reject) => this.#place({ commands, payloads, limits, resolve, reject })),
    )
  }

  /** Writes a payload that is too large for a commit, and returns the key of its object, and how long a message may name it. */
  async writePayload(payload: Payload): Promise<{ readonly key: string; readonly limit: NamingLimit }> {
    const limit = new NamingLimit(this.#options.clock)
    const key = await this.#outstanding.bound(writePayloadObject(this.#context, payload, this.#abort.signal))
    return { key, limit }
  }

  /** Reads a message's payload. */
  readPayload(message: { readonly batch: Batch; readonly seq: number }): Promise<Payload> {
    return this.#outstanding.bound(new PayloadSource(this.#context, this.#abort.signal).load(message))
  }

  /** Carries out what an operator wants, wherever the writer is, and resolves to its answer. */
  async control(action: ControlAction): Promise<number> {
    if (action.kind !== 'pause' && !(await this.#outstanding.bound(this.#existence.check(this.#abort.signal)))) return 0
    if (action.kind === 'purge') await this.#takeFromInbox()
    const result = await this.#carryOut(action)
    if (result > 0 || action.kind !== 'cancel') return result
    return (await this.#takeFromInbox()) ? this.#carryOut(action) : result
  }

  /** Messages that are enqueued may lie in the inbox yet. Resolves to whether this process is the one that takes them out. */
  async #takeFromInbox(): Promise<boolean> {
    const role = await this.#outstanding.bound(this.#election.whenKnown())
    if (role.kind !== 'leading') return false
    await this.views.stats()
    return true
  }

  async #carryOut(action: ControlAction): Promise<number> {
    const seq = this.number(1)
    const answers = await this.submit([{ type: 'control', sender: this.sender, seq, action }], [])
    const decided = answers?.[0]
    if (decided?.kind === 'result') return decided.result
    const answer = this.#outstanding.bound(this.views.answerTo(this.sender, seq), this.#options.maxPollMs)
    // The command is in the inbox: a read that fails does not take it back.
    return answer.catch((error: unknown) => {
      throw unanswered(error)
    })
  }

  /**
   * What the writer made of enqueues that went through the inbox, those of them that are known within `mostMs` and before the queue is closed. Never rejects: the
   * messages are durable.
   */
  async outcomesOf(commands: readonly EnqueueCommand[], mostMs: number): Promise<ReadonlyMap<EnqueueCommand, Answer>> {
    const { clock, name } = this.#options
    const known = new Map<EnqueueCommand, Answer>()
    const over = new AbortController()
    const reading = this.views.outcomesOf(commands, known, () => over.signal.aborted || this.#isHurried)
    await inTime(clock, mostMs, reading, () => new QueueClosed(name)).catch(() => {})
    over.abort()
    return known
  }

  /** What happens in the queue, read from its log; makes this process neither writer nor worker. See `followLog`. */
  async *follow(options: ResolvedFollowOptions, fromStart: boolean): AsyncGenerator<FollowedEvent, void, void> {
    const signals = [...options.signals, this.#abort.signal]
    const end = AbortSignal.any(signals)
    let exists: boolean
    try {
      exists = await this.#outstanding.bound(this.#existence.check(end))
    } catch (error) {
      if (end.aborted) return
      throw error
    }
    // All that ever happens in a queue that does not exist yet happens from now on.
    yield* followLog(this.#context, { ...options, signals }, fromStart || !exists)
  }

  /** Whether this process is the writer now. */
  get isLeading(): boolean {
    return this.#election.isLeading
  }

  /** Readings of this process's role. */
  health(): Omit<QueueHealth, 'isRunning'> {
    const { clock } = this.#context.options
    const { role } = this.#election
    const isCoordinator = role.kind === 'leading'
    return {
      lastHeartbeat: isCoordinator ? Math.round(clock.now() - role.term.provenMsAgo) : undefined,
      coordinatorElected: isCoordinator || role.kind === 'standby',
      isCoordinator,
    }
  }

  /** If this process writes, another one is to take over; should none want to, this one goes on after a moment. */
  async stepDown(): Promise<void> {
    const { role } = this.#election
    if (role.kind === 'leading') await role.term.stepDown()
  }

  /** The queue is about to be closed: nothing waits for company any more. */
  hurry(): void {
    this.#isHurried = true
    this.#inbox.hurry()
    const { role } = this.#election
    if (role.kind === 'leading') role.term.hurry()
  }

  /**
   * Everything asked for so far is durable or has failed, and others may take over immediately. What is not done after `boundMs` is given up: the calls
   * that wait reject.
   */
  close(boundMs: number): Promise<void> {
    this.#closing ??= this.#close(boundMs)
    this.endings.lookAgain()
    return this.#closing
  }

  async #close(boundMs: number): Promise<void> {
    this.#cancelLook?.()
    const { clock, name } = this.#options
    const closed = new QueueClosed(name)
    try {
      await inTime(clock, boundMs, this.#closeInOrder(closed), () => closed)
    } catch {
      this.#giveUp(boundMs)
    }
    this.#inbox.stop(closed)
    this.#bell.stop()
    this.#standby.end()
    this.#abort.abort(closed)
    await inTime(clock, END_MS, this.#election.close(closed), () => closed).catch(() => {})
  }

  /** Never rejects. */
  async #closeInOrder(reason: Error): Promise<void> {
    await this.#outstanding.whenEmpty()
    if (this.#hasGivenUp) return
    this.#election.beginEnding()
    const { role } = this.#election
    await this.#endInOrder(role.kind === 'leading' ? role.term : undefined, reason)
  }

  #giveUp(boundMs: number): void {
    this.#hasGivenUp = true
    const { name } = this.#options
    const calls = this.#outstanding.size
    const what = calls === 0 ? '' : ` ${calls} ${calls === 1 ? 'call was' : 'calls were'} not confirmed.`
    this.#outstanding.giveUp(
      this.#lastError.notAcknowledged(
        `Queue "${name}" was closed before the store confirmed the call. It may still have taken effect.`,
        boundMs,
      ),
    )
    this.#trouble(
      this.#lastError.notAcknowledged(
        `Queue "${name}" was closed before the store had confirmed everything.${what} Messages whose outcome is not recorded are handed out again.`,
        boundMs,
      ),
    )
  }

  /** What the term does not get into the log goes to the inbox. Never rejects. */
  async #endInOrder(term: Term | undefined, reason: Error): Promise<void> {
    await term?.close(reason).catch((error: unknown) => {
      if (!wasTakenOver(error) && !this.#hasGivenUp) this.#trouble(error)
    })
    const { replaced } = this.#election
    for (const submission of this.#held.splice(0)) {
      if (replaced === undefined) this.#inbox.send(submission)
      else refuse(submission, replaced)
    }
    await this.local.whenLeft()
    await this.#inbox.finish()
    await this.#bell.finish()
    await this.#context.texts.idle()
  }

  #place(submission: Submission): void {
    if (!admitInTime(submission)) return
    this.#existence.assume()
    const { role } = this.#election
    if (role.kind === 'leading') role.term.accept(submission)
    else if (role.kind === 'standby') {
      this.#inbox.send(submission)
      // No writer may be there to take it out.
      this.#election.lookSoon(this.#bell.isWriterAwake ? SENDER_LOOK_MS : undefined)
    } else {
      this.#held.push(submission)
      this.#election.start()
    }
  }

  /** Reads the lease once the writer has taken what was sent, and has renewed it. A process with a worker reads it anyway. */
  #lookBehind(): void {
    this.#hasSent = true
    if (this.#cancelLook !== undefined || this.local.link !== undefined || this.#closing !== undefined) return
    this.#hasSent = false
    const { clock, takeoverAfterMs } = this.#options
    this.#cancelLook = clock.setTimer(takeoverAfterMs * SIGN_SHARE + LOOK_BEHIND_MS, () => {
      this.#cancelLook = undefined
      void this.#election.observeLog()
      if (this.#hasSent) this.#lookBehind()
    })
  }

  #roleChanged(role: Role): void {
    if (role.kind === 'leading') {
      this.#bell.rest()
      this.#epoch = Math.max(this.#epoch, role.term.epoch)
      // What has ended while the fence was on its way is the term's: in the inbox it would come after the look that says what the worker has.
      this.#standby.keep()
      if (this.#isHurried) role.term.hurry()
      for (const submission of this.#held.splice(0)) if (admitInTime(submission)) role.term.accept(submission)
    } else if (role.kind === 'standby') {
      for (const submission of this.#held.splice(0)) this.#inbox.send(submission)
      this.#standby.begin()
      this.#standby.flush()
    }
    // Others may have written in between.
    this.endings.lookAgain()
  }

  #sawEpoch(epoch: number): void {
    this.#epoch = Math.max(this.#epoch, epoch)
  }

  /** The log that this process used is gone, so all that it holds is void, and nothing that waits is sent to the log that is there. */
  #abandon(error: LogReplaced): void {
    this.#standby.abandon()
    this.local.link?.abandon(error)
    for (const submission of this.#held.splice(0)) refuse(submission, error)
    this.#inbox.drop(error)
  }

  /** Tells those who wait for an enqueue that the store refuses; settlements are kept for a better time. */
  #refuseHeld(error: unknown): void {
    const held = this.#held
    this.#held = held.filter(isSettlement)
    for (const submission of held) if (!isSettlement(submission)) refuse(submission, error)
  }

  /** Once for each type of event in a slot: the observer and the writer of this process meet the same slot, and so does a reading that starts over. */
  #reportSkipped(slot: number, type: QueueEvent['type'], reason: string): void {
    const key = `${slot} ${type}`
    if (this.#skipped.has(key) || this.#skipped.size >= MOST_SKIPPED) return
    this.#skipped.add(key)
    this.#context.events.trouble(new EventSkipped(this.#options.name, slot, type, reason))
  }

  #trouble(error: unknown): void {
    this.#lastError.note(error)
    this.#options.transport?.noteTrouble?.(error)
    this.#context.events.trouble(error)
  }
}

/** The error of a control command that is durable, and whose answer cannot be read. */
function unanswered(error: unknown): NotAcknowledged {
  if (error instanceof NotAcknowledged) return error
  const cause = asError(error)
  return new NotAcknowledged(
    `The command is durable and the next writer carries it out, but its answer could not be read. The last error was: ${cause.message}`,
    cause,
  )
}

function isSettlement({ commands }: Submission): boolean {
  return commands.every(({ type }) => type === 'settle')
}
