/**
 * One process's part in a queue: what it asks for goes to the writer, wherever that is.
 *
 * Owns the commands that wait for a role. In the writer's process they go into the next commit, elsewhere through the inbox.
 */
import { createFencedLog } from '@s3queue/primitives'
import { sleep } from '@s3queue/storage'
import { NotAcknowledged, QueueClosed } from '../errors.ts'
import type { EventHub } from '../events.ts'
import type { FollowedEvent } from '../follow/events.ts'
import { followLog, type ResolvedFollowOptions } from '../follow/follow.ts'
import type { ResolvedQueueOptions } from '../options.ts'
import { senderFor } from '../shard/shard-of.ts'
import type { Payload } from '../state/batch-codec.ts'
import type { Command, ControlAction } from '../state/commands.ts'
import { type Batch, numberedId, type QueueState, type QueueStats } from '../state/model.ts'
import type { ClaimExtension, Extended } from '../transport/port.ts'
import type { Answer, EngineContext, Submission, WorkerLink } from './context.ts'
import { Election, type Role } from './election.ts'
import { type Ending, Endings, type Expectation } from './endings.ts'
import { InboxSender } from './inbox-sender.ts'
import { admitInTime, NamingLimit } from './naming-limit.ts'
import { Observer } from './observer.ts'
import { Outstanding } from './outstanding.ts'
import { writePayloadObject } from './payload-objects.ts'
import { PayloadSource } from './payload-source.ts'
import { Standby } from './standby.ts'
import { type Term, wasTakenOver } from './term.ts'

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
  readonly #observer: Observer
  readonly #outstanding: Outstanding
  readonly #abort = new AbortController()
  /** Commands that came while there was no role. */
  #held: Submission[] = []
  #worker: WorkerLink | undefined
  #closing: Promise<void> | undefined
  /** Workers that are on their way out. */
  #detaching: Promise<unknown> = Promise.resolve()
  #lastTrouble: unknown
  /** Who waits for the next change. */
  readonly #waiting = new Set<() => void>()
  /** Who waits for the end of a message. */
  readonly endings: Endings = new Endings()
  readonly sender: string
  #nextSeq = 0
  #lastRole: Role | undefined
  #epoch = 0

  constructor({ options, events, wallNow }: EngineOptions) {
    this.#options = options
    const { store, prefix, clock, random, ids } = options
    const trouble = (error: unknown): void => this.#trouble(error)
    this.sender = senderFor(options.shard, ids.nonce(16))
    const log = createFencedLog({ store, prefix, clock, random, ids, onTrouble: trouble })
    this.#context = {
      ...{ options, log, events, endings: this.endings, wallNow, trouble, worker: () => this.#worker },
      knows: (token) => this.#worker?.knows(token) === true || this.#standby.isLoading(token),
      revoke: (token, reason) => {
        this.#standby.forget(token)
        this.#worker?.revoke(token, reason)
      },
      whenSent: () => this.#inbox.idle(),
    }
    this.#inbox = new InboxSender({ options, sender: this.sender, onTrouble: trouble })
    this.#observer = new Observer(this.#context)
    this.#outstanding = new Outstanding(clock, options.acknowledgeTimeoutMs, () => this.#lastTrouble)
    this.#standby = new Standby({
      context: this.#context,
      inbox: this.#inbox,
      epoch: () => this.#epoch,
      sawEpoch: (epoch) => {
        this.#epoch = Math.max(this.#epoch, epoch)
      },
      wake: () => this.#election.lookNow(),
      signal: this.#abort.signal,
    })
    this.#election = new Election({
      context: this.#context,
      sender: this.sender,
      onChange: (role) => this.#roleChanged(role),
      onLost: (submission) => this.#held.push(submission),
      onRefused: (error) => this.#refuseHeld(error),
      onTrying: () => this.#standby.end(),
      onNewsLikely: () => this.#standby.look(),
      isDeputy: () => this.#standby.isDeputy,
    })
  }

  /** Tells the user of something that no call can be told of. */
  tell(error: unknown): void {
    this.#trouble(error)
  }

  wallNow(): number {
    return this.#context.wallNow()
  }

  /** Whether the store has answered: if it tells its time, `wallNow` goes by that from then on. */
  get isClockKnown(): boolean {
    return this.#election.isClockKnown
  }

  async whenClockKnown(): Promise<void> {
    if (this.#closing !== undefined) throw new QueueClosed(this.#options.name)
    await this.#outstanding.bound(this.#roleKnown())
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
    const seq = this.number(1)
    const answers = await this.submit([{ type: 'control', sender: this.sender, seq, action }], [])
    const answer = answers?.[0]
    if (answer?.kind === 'result') return answer.result
    return this.#outstanding.bound(this.#answerTo(seq), this.#options.maxPollMs)
  }

  /** Waits for the answer to a command that went through the inbox. */
  async #answerTo(seq: number): Promise<number> {
    for (let waitMs = 50; ; waitMs = Math.min(2000, waitMs * 2)) {
      const answer = await this.view((state) => state.answers.get(numberedId(this.sender, seq)))
      if (answer !== undefined) return answer.result
      this.#election.lookSoon()
      await sleep(this.#options.clock, waitMs, this.#abort.signal)
    }
  }

  /** Looks at the state: the writer's once it is durable, or the log's as far as it goes. */
  async view<T>(look: (state: QueueState) => T): Promise<T> {
    if (this.#closing !== undefined) throw new QueueClosed(this.#options.name)
    return this.#outstanding.bound(this.#view(look))
  }

  async #view<T>(look: (state: QueueState) => T): Promise<T> {
    await this.#roleKnown()
    if (this.#election.role.kind !== 'leading') return this.#observer.view(look, this.#abort.signal)
    return this.#election.role.term.view(look).catch((error: unknown) => {
      if (wasTakenOver(error)) return this.#view(look)
      throw error
    })
  }

  /** What `look` finds of the message `id`, also if it is in the inbox yet: then the writer takes it out first, and others wait for that. */
  async find<T>(id: string, look: (state: QueueState) => T | undefined): Promise<T | undefined> {
    for (let waitMs = 50; ; waitMs = Math.min(2000, waitMs * 2)) {
      const found = await this.view(look)
      if (found !== undefined) return found
      const role = this.#election.role
      if (role.kind === 'leading') {
        await this.stats()
        const folded = await this.view(look)
        // If the term ended meanwhile, nobody may have taken the message out of the inbox.
        if (folded !== undefined || this.#election.role === role) return folded
      } else {
        const isThere = await this.#outstanding.bound(this.#observer.isInInbox(id, this.#abort.signal))
        if (!isThere) return this.view(look)
        // Nobody may be there to take it out.
        this.#election.lookSoon()
        await sleep(this.#options.clock, waitMs, this.#abort.signal)
      }
    }
  }

  /** How the wait for a message ends: at once where this process writes, else there is a look after a while. */
  async ending(expected: Expectation, waitMs: number, signal: AbortSignal | undefined): Promise<Ending> {
    if (this.#election.role.kind === 'leading') return expected.known(signal)
    await sleep(this.#options.clock, waitMs, this.#orEnd(signal))
    return expected.ending ?? { kind: 'look' }
  }

  /** A worker has come: this process is now worth being the writer. */
  attach(worker: WorkerLink): void {
    this.#worker = worker
    const { role } = this.#election
    if (role.kind === 'leading') role.term.workersChanged()
    else this.#election.reopen()
  }

  /** The worker has gone. Resolves when everything it had is settled. */
  detach(): Promise<void> {
    const detaching = this.#detach()
    this.#detaching = Promise.allSettled([this.#detaching, detaching])
    return detaching
  }

  async #detach(): Promise<void> {
    const worker = this.#worker
    const settlements = worker?.takeFinished().settlements ?? []
    this.#worker = undefined
    const { role } = this.#election
    if (role.kind === 'leading') role.term.workersChanged()
    try {
      if (role.kind === 'leading' || settlements.length > 0) await this.submit([{ type: 'settle', settlements }], [])
    } finally {
      if (worker !== undefined) await this.#standby.leave(worker)
      // The next one may have come meanwhile.
      if (this.#election.role.kind === 'standby') this.#standby.begin()
    }
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

  /** See `Claims.setTimeout`. */
  setTimeout(token: number, ms: number): Promise<ClaimExtension | undefined> {
    const { role } = this.#election
    const answer = role.kind === 'leading' ? role.term.setTimeout(token, ms) : this.#standby.setTimeout(token, ms)
    if (answer !== undefined) return this.#outstanding.bound(answer)
    return Promise.reject(
      new NotAcknowledged(
        'The claim cannot be extended now: this process is not the writer at the moment. The claim lasts until its deadline.',
      ),
    )
  }

  /** Exact numbers, also from a process that is not the writer. */
  async stats(): Promise<QueueStats> {
    if (this.#closing !== undefined) throw new QueueClosed(this.#options.name)
    return this.#outstanding.bound(this.#stats())
  }

  async #stats(): Promise<QueueStats> {
    await this.#roleKnown()
    if (this.#election.role.kind !== 'leading') return this.#observer.stats(this.#abort.signal)
    const { term } = this.#election.role
    return term.stats().catch((error: unknown) => {
      if (wasTakenOver(error)) return this.#stats()
      throw error
    })
  }

  /** What happens in the queue, read from its log; makes this process neither writer nor worker. See `followLog`. */
  follow(options: ResolvedFollowOptions, fromStart: boolean): AsyncGenerator<FollowedEvent, void, void> {
    const signals = [...options.signals, this.#abort.signal]
    return followLog(this.#context, { ...options, signals }, fromStart)
  }

  /** Waits for `ms`, or until the signal is aborted or the queue is closed. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    await sleep(this.#options.clock, ms, this.#orEnd(signal)).catch(() => {})
  }

  #orEnd(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal])
  }

  /** Whether this process is the writer now. */
  get isLeading(): boolean {
    return this.#election.role.kind === 'leading'
  }

  /** The writer's numbers without waiting for anything; undefined in other processes. */
  peekStats(): QueueStats | undefined {
    return this.#election.role.kind === 'leading' ? this.#election.role.term.peekStats() : undefined
  }

  /** Waits for changes until `done` says so, the signal is aborted, or this process is not the writer any more. */
  async whenChanged(done: () => boolean, signal: AbortSignal): Promise<void> {
    while (this.#election.role.kind === 'leading' && !done() && !signal.aborted) await this.#nextChange(signal)
  }

  /** Waits until a worker that takes one message has finished one, or there is none to be had. */
  async serveOne(worker: { readonly taken: number; readonly finishedCount: number }): Promise<boolean> {
    while (worker.finishedCount === 0) {
      if (worker.taken === 0) {
        const { waiting } = await this.stats()
        if (worker.taken === 0 && (waiting === 0 || !(await this.#mayServe()))) return false
      }
      if (worker.finishedCount > 0) break
      if (this.#election.role.kind === 'leading') await this.#nextChange()
      else await sleep(this.#options.clock, 100, this.#abort.signal)
    }
    return true
  }

  /** Whether messages are handed out to this process now. */
  async #mayServe(): Promise<boolean> {
    if (this.#election.role.kind !== 'leading' && !this.#standby.isJoined) return false
    return !(await this.view(({ paused }) => paused))
  }

  /** If this process writes, another one is to take over; should none want to, this one goes on after a moment. */
  async stepDown(): Promise<void> {
    const { role } = this.#election
    if (role.kind === 'leading') await role.term.stepDown()
  }

  /** Everything asked for so far is durable or has failed, and others may take over at once. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    this.endings.lookAgain()
    return this.#closing
  }

  async #close(): Promise<void> {
    const closed = new QueueClosed(this.#options.name)
    await this.#outstanding.whenEmpty()
    this.#election.beginEnding()
    const { clock, acknowledgeTimeoutMs } = this.#options
    let cancel = (): void => {}
    const late = new Promise<void>((resolve) => {
      cancel = clock.setTimer(acknowledgeTimeoutMs, resolve)
    })
    const { role } = this.#election
    await Promise.race([this.#endInOrder(role.kind === 'leading' ? role.term : undefined, closed), late])
    cancel()
    this.#inbox.stop(closed)
    this.#standby.end()
    this.#abort.abort(closed)
    await this.#election.close(closed)
  }

  /** What the term does not get into the log goes to the inbox. Never rejects. */
  async #endInOrder(term: Term | undefined, reason: Error): Promise<void> {
    await term?.close(reason).catch((error: unknown) => {
      if (!wasTakenOver(error)) this.#trouble(error)
    })
    for (const submission of this.#held.splice(0)) this.#inbox.send(submission)
    await this.#detaching
    await this.#inbox.idle()
  }

  #place(submission: Submission): void {
    if (!admitInTime(submission)) return
    const { role } = this.#election
    if (role.kind === 'leading') role.term.accept(submission)
    else if (role.kind === 'standby') {
      this.#inbox.send(submission)
      // Nobody may be there to take it out.
      this.#election.lookSoon()
    } else {
      this.#held.push(submission)
      this.#election.start()
    }
  }

  #roleChanged(role: Role): void {
    if (role.kind === 'leading') {
      this.#epoch = Math.max(this.#epoch, role.term.epoch)
      for (const submission of this.#held.splice(0)) if (admitInTime(submission)) role.term.accept(submission)
    } else if (role.kind === 'standby') {
      for (const submission of this.#held.splice(0)) this.#inbox.send(submission)
      this.#standby.begin()
      this.#standby.flush()
    }
    // Others may have written in between.
    if (role !== this.#lastRole) this.endings.lookAgain()
    this.#lastRole = role
    this.#changed()
  }

  /** Tells those who wait for an enqueue that the store refuses; settlements are kept for a better time. */
  #refuseHeld(error: unknown): void {
    const held = this.#held
    this.#held = held.filter(isSettlement)
    for (const submission of held) if (!isSettlement(submission)) submission.reject(error)
  }

  async #roleKnown(): Promise<void> {
    if (this.#election.role.kind === 'idle') this.#election.start()
    while (this.#election.role.kind === 'electing') await this.#nextChange()
  }

  #nextChange(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        this.#waiting.delete(end)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      signal?.addEventListener('abort', end, { once: true })
      this.#waiting.add(end)
    })
  }

  #changed(): void {
    for (const end of [...this.#waiting]) end()
  }

  #trouble(error: unknown): void {
    this.#lastTrouble = error
    this.#options.transport?.noteTrouble?.(error)
    const { events } = this.#context
    if (events.hears('trouble')) events.emit('trouble', { error })
    else this.#options.logger.warn(error instanceof Error ? error.message : String(error))
  }
}

function isSettlement({ commands }: Submission): boolean {
  return commands.every(({ type }) => type === 'settle')
}
