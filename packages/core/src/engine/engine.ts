/**
 * One process's part in a queue: decides whether it writes the log or sends commands to whoever does.
 *
 * Owns the role and the commands that wait for one. Any process that is used takes over when nobody else writes;
 * when somebody does, it sends through the inbox, and, if it has a worker, stands by to take over. Who writes is decided
 * by the log's fence alone; the lease beside it only says when it makes sense to try.
 */
import { createFencedLog, Lease, type LeaseGrant, LeaseLost, type LeaseRecord } from '@s3queue/primitives'
import { sleep } from '@s3queue/storage'
import { NotAcknowledged, QueueClosed } from '../errors.ts'
import type { EventHub } from '../events.ts'
import type { ResolvedQueueOptions } from '../options.ts'
import type { Payload } from '../state/batch-codec.ts'
import type { Command, ControlAction } from '../state/commands.ts'
import { queueFold } from '../state/fold.ts'
import { type Batch, numberedId, type QueueState, type QueueStats } from '../state/model.ts'
import type { Answer, EngineContext, Submission, WorkerLink } from './context.ts'
import type { WriterDetails } from './heartbeat.ts'
import { InboxSender } from './inbox-sender.ts'
import { Observer } from './observer.ts'
import { Outstanding } from './outstanding.ts'
import { writePayloadObject } from './payload-objects.ts'
import { PayloadSource } from './payload-source.ts'
import { ensureProbed } from './probe.ts'
import { type ClaimExtension, Term, wasTakenOver } from './term.ts'

type Role =
  /** Not used yet, or nothing to gain from trying to write. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'electing' }
  | { readonly kind: 'leading'; readonly term: Term }
  /** Another process writes. */
  | { readonly kind: 'standby' }
  | { readonly kind: 'closed' }

/** Wait before trying again what failed for a reason that time alone does not mend. */
const RETRY_MS = 5000
const BUSY_POLL_MS = 1000
/** Allowed difference between two wall clocks before a writer is called stale by them. */
const CLOCK_MARGIN_MS = 1500

export interface EngineOptions {
  readonly options: ResolvedQueueOptions
  readonly events: EventHub
  readonly wallNow: () => number
}

export class Engine {
  readonly #options: ResolvedQueueOptions
  readonly #context: EngineContext
  readonly #lease: Lease<WriterDetails>
  readonly #inbox: InboxSender
  readonly #observer: Observer
  readonly #outstanding: Outstanding
  readonly #abort = new AbortController()
  /** Commands that came while there was no role. */
  #held: Submission[] = []
  #role: Role = { kind: 'idle' }
  #worker: WorkerLink | undefined
  #running: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #lastTrouble: unknown
  #onChange: (() => void)[] = []
  #wakeStandby: (() => void) | undefined
  readonly sender: string
  #nextSeq = 0
  #probed = false
  #isClockKnown = false
  /** It is being closed, and does not become the writer any more. */
  #isEnding = false

  constructor({ options, events, wallNow }: EngineOptions) {
    this.#options = options
    const { store, prefix, clock, random, ids, takeoverAfterMs } = options
    const trouble = (error: unknown): void => this.#trouble(error)
    const onTrouble = trouble
    this.sender = ids.nonce(16)
    this.#lease = new Lease({
      store,
      key: `${prefix}writer`,
      owner: this.sender,
      durationMs: takeoverAfterMs,
      // The lease's timestamps are compared across machines, so they go by the store's clock.
      ...{ clock: { ...clock, now: wallNow }, random, ids, onTrouble },
    })
    const log = createFencedLog({ store, prefix, clock, random, ids, onTrouble })
    this.#context = { options, log, events, wallNow, worker: () => this.#worker, trouble }
    this.#inbox = new InboxSender({ options, sender: this.sender, onTrouble })
    this.#observer = new Observer(this.#context)
    this.#outstanding = new Outstanding(clock, options.acknowledgeTimeoutMs, () => this.#lastTrouble)
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
    return this.#isClockKnown
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
  submit(commands: readonly Command[], payloads: readonly Payload[]): Promise<readonly Answer[] | undefined> {
    if (this.#closing !== undefined) return Promise.reject(new QueueClosed(this.#options.name))
    return this.#outstanding.bound(
      new Promise((resolve, reject) => this.#place({ commands, payloads, resolve, reject })),
    )
  }

  /** Writes a payload that is too large for a commit, and returns the key of its object. */
  writePayload(payload: Payload): Promise<string> {
    return this.#outstanding.bound(writePayloadObject(this.#context, payload, this.#abort.signal))
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
    return this.#outstanding.bound(this.#answerTo(seq))
  }

  /** Waits for the answer to a command that went through the inbox. */
  async #answerTo(seq: number): Promise<number> {
    for (let waitMs = 50; ; waitMs = Math.min(2000, waitMs * 2)) {
      const answer = await this.view((state) => state.answers.get(numberedId(this.sender, seq)))
      if (answer !== undefined) return answer.result
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
    if (this.#role.kind !== 'leading') return this.#observer.view(look, this.#abort.signal)
    return this.#role.term.view(look).catch((error: unknown) => {
      if (wasTakenOver(error)) return this.#view(look)
      throw error
    })
  }

  /** What `look` finds of the message `id`, also if it is in the inbox yet: then the writer takes it out first, and others wait for that. */
  async find<T>(id: string, look: (state: QueueState) => T | undefined): Promise<T | undefined> {
    for (let waitMs = 50; ; waitMs = Math.min(2000, waitMs * 2)) {
      const found = await this.view(look)
      if (found !== undefined) return found
      const role = this.#role
      if (role.kind === 'leading') {
        await this.stats()
        const folded = await this.view(look)
        // If the term ended meanwhile, nobody may have taken the message out of the inbox.
        if (folded !== undefined || this.#role === role) return folded
      } else {
        const isThere = await this.#outstanding.bound(this.#observer.isInInbox(id, this.#abort.signal))
        if (!isThere) return this.view(look)
        await sleep(this.#options.clock, waitMs, this.#abort.signal)
      }
    }
  }

  /** Resolves after the next change this process knows of, or after a while if others write. */
  async nextChange(waitMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#role.kind === 'leading') await this.#nextChange(signal)
    else await sleep(this.#options.clock, waitMs, this.#orEnd(signal))
    signal?.throwIfAborted()
  }

  /** A worker has come: this process is now worth being the writer. */
  attach(worker: WorkerLink): void {
    this.#worker = worker
    if (this.#role.kind === 'leading') {
      this.#role.term.workersChanged()
      return
    }
    // With a worker this process may depose a writer that has none: until that is tried, its role is open again.
    this.#setRole({ kind: 'electing' })
    this.#start()
    this.#wakeStandby?.()
  }

  /** The worker has gone. Resolves when everything it had is settled. */
  async detach(): Promise<void> {
    const settlements = this.#worker?.takeFinished().settlements ?? []
    this.#worker = undefined
    if (this.#role.kind === 'leading') this.#role.term.workersChanged()
    else if (settlements.length === 0) return
    await this.submit([{ type: 'settle', settlements }], [])
  }

  /** The worker has settlements to take. */
  finishedWaiting(): void {
    if (this.#role.kind === 'leading') this.#role.term.wake()
    else if (this.#role.kind === 'standby') this.#flushFinished()
  }

  /** See `Term.extend`; undefined while this process cannot prove to be the writer. */
  async extend(tokens: readonly number[], maxAgeMs: number): Promise<Awaited<ReturnType<Term['extend']>> | undefined> {
    if (this.#role.kind !== 'leading') return undefined
    return this.#role.term.extend(tokens, maxAgeMs).catch(() => undefined)
  }

  /** See `Term.setTimeout`. */
  setTimeout(token: number, ms: number): Promise<ClaimExtension | undefined> {
    if (this.#role.kind === 'leading') return this.#role.term.setTimeout(token, ms)
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
    if (this.#role.kind !== 'leading') return this.#observer.stats(this.#abort.signal)
    const { term } = this.#role
    return term.stats().catch((error: unknown) => {
      if (wasTakenOver(error)) return this.#stats()
      throw error
    })
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
    return this.#role.kind === 'leading'
  }

  /** The writer's numbers without waiting for anything; undefined in other processes. */
  peekStats(): QueueStats | undefined {
    return this.#role.kind === 'leading' ? this.#role.term.peekStats() : undefined
  }

  /** Waits for changes until `done` says so, the signal is aborted, or this process is not the writer any more. */
  async whenChanged(done: () => boolean, signal: AbortSignal): Promise<void> {
    while (this.#role.kind === 'leading' && !done() && !signal.aborted) await this.#nextChange(signal)
  }

  /** Waits until a worker that takes one message has finished one, or there is none to be had. */
  async serveOne(worker: { readonly taken: number; readonly finishedCount: number }): Promise<boolean> {
    while (worker.finishedCount === 0) {
      if (worker.taken === 0) {
        const { waiting } = await this.stats()
        const isPaused = this.#role.kind === 'leading' && this.#role.term.isPaused
        if (worker.taken === 0 && (waiting === 0 || isPaused || this.#role.kind !== 'leading')) return false
      }
      if (worker.finishedCount === 0) await this.nextChange(100)
    }
    return true
  }

  /** Everything asked for so far is durable or has failed, and others may take over at once. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const closed = new QueueClosed(this.#options.name)
    await this.#outstanding.whenEmpty()
    this.#isEnding = true
    const { clock, acknowledgeTimeoutMs } = this.#options
    let cancel = (): void => {}
    const late = new Promise<void>((resolve) => {
      cancel = clock.setTimer(acknowledgeTimeoutMs, resolve)
    })
    const { term } = this.#role.kind === 'leading' ? this.#role : { term: undefined }
    await Promise.race([this.#endInOrder(term, closed), late])
    cancel()
    this.#setRole({ kind: 'closed' })
    term?.end(closed)
    this.#abort.abort(closed)
    this.#inbox.stop(closed)
    this.#wakeStandby?.()
    await this.#running
  }

  /** What the term does not get into the log goes to the inbox. Never rejects. */
  async #endInOrder(term: Term | undefined, reason: Error): Promise<void> {
    await term?.close(reason).catch((error: unknown) => {
      if (!wasTakenOver(error)) this.#trouble(error)
    })
    for (const submission of this.#held.splice(0)) this.#inbox.send(submission)
    await this.#inbox.idle()
  }

  #place(submission: Submission): void {
    if (this.#role.kind === 'leading') this.#role.term.accept(submission)
    else if (this.#role.kind === 'standby') this.#inbox.send(submission)
    else {
      this.#held.push(submission)
      this.#start()
    }
  }

  #start(): void {
    if (this.#running !== undefined || this.#abort.signal.aborted) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Elects, leads, stands by, until there is nothing to gain. Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#abort
    while (!signal.aborted && !this.#isEnding) {
      try {
        if (this.#role.kind !== 'standby') this.#setRole({ kind: 'electing' })
        await this.#probe(signal)
        const attempt = await this.#lease.tryAcquire(this.#details(), {
          signal,
          mayDepose: (record) => this.#mayDepose(record),
        })
        this.#isClockKnown = true
        if (attempt.outcome === 'acquired') {
          await this.#lead(attempt.grant)
        } else {
          this.#standBy()
          if (this.#worker === undefined) return
          await this.#waitOnStandby(attempt.record, attempt.freeInMs)
        }
      } catch (error) {
        if (signal.aborted) return
        this.#refuseHeld(error)
        this.#setRole({ kind: 'idle' })
        if (this.#worker === undefined) return
        this.#trouble(error)
        await sleep(this.#options.clock, RETRY_MS, signal).catch(() => {})
      }
    }
  }

  /** Before the first attempt of this process. */
  async #probe(signal: AbortSignal): Promise<void> {
    if (this.#probed) return
    await ensureProbed(this.#options, (error) => this.#trouble(error), signal)
    this.#probed = true
  }

  /**
   * One term as the writer. Throws what ended it, unless another process took over.
   *
   * It begins only if the lease is still ours behind our fence. A process that stalled between lease and fence would else write beside one that
   * trusts its lease: its claims would run out here, while there they are extended.
   */
  async #lead(grant: LeaseGrant<WriterDetails>): Promise<void> {
    const { signal } = this.#abort
    const leadership = await this.#context.log.takeOver(queueFold, signal)
    const provenAt = this.#options.clock.monotonic()
    if (!(await isStillGranted(grant, this.#details(), signal))) return
    if (this.#isEnding) return grant.release(signal)
    const ended = Promise.withResolvers<Error>()
    const term = new Term({
      context: this.#context,
      grant,
      leadership,
      provenAt,
      onCommitted: () => this.#changed(),
      onEnd: (reason) => ended.resolve(reason),
      onLost: (submission) => this.#held.push(submission),
    })
    this.#setRole({ kind: 'leading', term })
    this.#context.events.emit('promoted', { epoch: term.epoch })
    for (const submission of this.#held.splice(0)) term.accept(submission)
    const reason = await ended.promise
    this.#context.events.emit('demoted', { epoch: term.epoch, reason: reason.message })
    if (this.#abort.signal.aborted || reason instanceof QueueClosed) return
    this.#setRole({ kind: 'electing' })
    this.#worker?.detached()
    if (!wasTakenOver(reason)) throw reason
  }

  #standBy(): void {
    this.#setRole({ kind: 'standby' })
    for (const submission of this.#held.splice(0)) this.#inbox.send(submission)
    this.#flushFinished()
  }

  /** Waits until it makes sense to try again: often while there is work, seldom while there is none. */
  async #waitOnStandby(record: LeaseRecord<WriterDetails>, freeInMs: number): Promise<void> {
    const { clock, takeoverAfterMs } = this.#options
    const pollMs = Math.min(takeoverAfterMs / 3, record.details.busy ? BUSY_POLL_MS : Number.POSITIVE_INFINITY)
    const staleInMs = record.aliveAt + record.durationMs + CLOCK_MARGIN_MS + 1 - this.wallNow()
    await new Promise<void>((resolve) => {
      const cancel = clock.setTimer(
        Math.max(1, Math.min(freeInMs, pollMs, staleInMs > 0 ? staleInMs : pollMs)),
        resolve,
      )
      this.#wakeStandby = () => {
        cancel()
        resolve()
      }
    })
    this.#wakeStandby = undefined
  }

  #details(): WriterDetails {
    return { workers: this.#worker === undefined ? 0 : 1, busy: false }
  }

  /** The lease of our own last term is ours; a writer without workers gives way to a process with one; a writer whose last sign is old by the store's clock is gone. */
  #mayDepose(record: LeaseRecord<WriterDetails>): boolean {
    if (record.owner === this.sender) return true
    if (this.#worker !== undefined && record.details.workers === 0) return true
    return this.wallNow() - record.aliveAt > record.durationMs + CLOCK_MARGIN_MS
  }

  #flushFinished(): void {
    const finished = this.#worker?.takeFinished()
    if (finished === undefined || finished.settlements.length === 0) return
    const commands: Command[] = [{ type: 'settle', settlements: finished.settlements }]
    this.#place({ commands, payloads: [], resolve: () => {}, reject: (error) => this.#trouble(error) })
  }

  /** Tells those who wait for an enqueue that the store refuses; settlements are kept for a better time. */
  #refuseHeld(error: unknown): void {
    const held = this.#held
    this.#held = held.filter(isSettlement)
    for (const submission of held) if (!isSettlement(submission)) submission.reject(error)
  }

  async #roleKnown(): Promise<void> {
    if (this.#role.kind === 'idle') this.#start()
    while (this.#role.kind === 'electing') await this.#nextChange()
  }

  #nextChange(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        signal?.removeEventListener('abort', end)
        resolve()
      }
      signal?.addEventListener('abort', end, { once: true })
      this.#onChange.push(end)
    })
  }

  #setRole(role: Role): void {
    this.#role = role
    this.#changed()
  }

  #changed(): void {
    for (const resolve of this.#onChange.splice(0)) resolve()
  }

  #trouble(error: unknown): void {
    this.#lastTrouble = error
    const { events } = this.#context
    if (events.hears('trouble')) events.emit('trouble', { error })
    else this.#options.logger.warn(error instanceof Error ? error.message : String(error))
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

function isSettlement({ commands }: Submission): boolean {
  return commands.every(({ type }) => type === 'settle')
}
