/**
 * The worker runtime: runs handlers on tickets that the writer delivers, as many at once as its pool has slots.
 *
 * Owns the tickets at hand and the attempts under way. It prevents a handler from working on a message that another worker may already have: each
 * deadline counts from a moment before the writer's does, so the signal is aborted first (`claim-time.ts`).
 */
import type { CapturedContext } from '@s3queue/storage'
import { attemptOf, type Ticket } from '../claim.ts'
import type { Finished, TicketTimes, WorkerLink } from '../engine/context.ts'
import type { Engine } from '../engine/engine.ts'
import { RECALL_MS } from '../engine/share-out.ts'
import { TimeLimitExceeded, WorkerStopped } from '../errors.ts'
import type { EventHub } from '../events.ts'
import { Attempt, type AttemptOptions, failureOf, type Handler, settlementOf } from '../handle.ts'
import type { ResolvedQueueOptions } from '../options.ts'
import { checkPayload } from '../payload.ts'
import type { ResolvedProcessOptions } from '../process-options.ts'
import type { Payload } from '../state/batch-codec.ts'
import type { ProgressReport, Settlement } from '../state/commands.ts'
import { ClaimTime } from './claim-time.ts'
import { Outgoing } from './outgoing.ts'
import { type HeldTicket, ReadyTickets } from './ready-tickets.ts'
import type { SlotMember, SlotPool } from './slots.ts'
import { trustedMs } from './trust.ts'

/** Settlements for a writer in another process wait for others this long at most, in ms, and not at all where it would be less than the least. */
const MAX_REMOTE_BATCHING_MS = 500
const MIN_REMOTE_BATCHING_MS = 20
/** Share of the visibility timeout that a settlement may wait: a later one could come after its claim has expired. */
const WAITING_SHARE = 0.02

export interface WorkerContext {
  readonly engine: Engine
  readonly events: EventHub
  readonly queue: ResolvedQueueOptions
  readonly process: ResolvedProcessOptions
  /** Its name in claims and events, unlike that of any other worker of its log. */
  readonly id: string
  readonly slots: SlotPool
  /** In which `process()` was called: handlers run in it. */
  readonly handlers: CapturedContext
}

export class WorkerRuntime<T> implements WorkerLink, SlotMember {
  readonly id: string
  readonly #context: WorkerContext
  readonly #handler: Handler<T>
  readonly #attemptOptions: AttemptOptions
  readonly #slots: SlotPool
  readonly #tickets = new ReadyTickets()
  readonly #running = new Set<Attempt>()
  readonly #time: ClaimTime
  readonly #outgoing: Outgoing
  #reserved = 0
  #handled = 0
  #stopping = false
  #onIdle: (() => void)[] = []

  constructor(context: WorkerContext, handler: Handler<T>) {
    this.#context = context
    this.#handler = handler
    const { engine, process } = context
    const { clock, visibilityTimeoutMs } = context.queue
    const { outside } = context.queue.contexts
    this.id = context.id
    this.#slots = context.slots
    this.#slots.join(this)
    this.#time = new ClaimTime({
      ...{ clock, visibilityTimeoutMs, autoExtend: process.autoExtend, engine: engine.local },
      ...{ running: this.#running, tickets: this.#tickets },
    })
    this.#outgoing = new Outgoing({
      clock,
      batchingMs: () => this.#batchingMs(),
      tell: () => engine.local.finishedWaiting(),
    })
    this.#attemptOptions = {
      workerId: this.id,
      handlers: context.handlers,
      monotonic: () => clock.monotonic(),
      // The machine's own, not corrected by the store's: a handler compares its deadline with `Date.now()`.
      wallNow: () => clock.now(),
      // What a handler asks for must not keep its context in timers and requests.
      extend: (attempt, ms) => outside.run(() => this.#time.extendOne(attempt, ms)),
      reported: (attempt) => {
        if (this.#running.has(attempt)) outside.run(() => this.#outgoing.noteReport(attempt))
      },
    }
  }

  /** Handlers running now. */
  get running(): number {
    return this.#running.size
  }

  /** Messages at hand whose handlers have not started. */
  get heldAhead(): number {
    return this.#tickets.size
  }

  /** Whether the current call comes from one of its handlers, or from something that a handler has started, while any handler runs. */
  get isCaller(): boolean {
    return this.#slots.running > 0 && this.#context.queue.contexts.isWithin(this.#slots)
  }

  get concurrency(): number {
    return this.#slots.concurrency
  }

  get isBusy(): boolean {
    return this.#running.size + this.#tickets.size > 0
  }

  get held(): number {
    return this.#running.size + this.#tickets.size + this.#reserved
  }

  get ready(): number {
    return this.#stopping ? 0 : this.#tickets.size
  }

  get isFar(): boolean {
    return !this.#context.engine.isLeading
  }

  /** Messages whose handlers have ended. */
  get finishedCount(): number {
    return this.#handled
  }

  /** From now on its pool takes at most `count` more messages. */
  limit(count: number): void {
    this.#slots.limit(count)
  }

  room(): number {
    return this.#stopping ? 0 : this.#slots.room(this)
  }

  freeSlots(): number {
    return this.#stopping ? 0 : this.#slots.freeSlots()
  }

  get overCapacity(): number {
    return this.#stopping ? 0 : this.#slots.overCapacity
  }

  get rate(): number {
    return this.#slots.rate
  }

  visitMs(): number {
    return this.#stopping ? 0 : this.#slots.visitMs()
  }

  /** How long settlements may wait for others. In the writer's process a commit is near; a process elsewhere pays for each visit to the store. */
  #batchingMs(): number {
    if (this.#stopping) return 0
    const { engine, queue } = this.#context
    if (engine.isLeading) return this.#slots.batchingMs()
    const ms = Math.min(this.visitMs(), MAX_REMOTE_BATCHING_MS, queue.visibilityTimeoutMs * WAITING_SHARE)
    return ms < MIN_REMOTE_BATCHING_MS ? 0 : ms
  }

  /** As long as it is not known how long handlers take, the writer decides how many messages it holds ahead: it may know that of others. */
  capacity(): number {
    const room = Math.max(0, this.room())
    const isNew = this.#slots.finishedCount === 0 && room > 0
    // A handler that does not end although its claim is over takes a slot, and the writer does not know of it.
    const lost = [...this.#running].filter(({ isAborted }) => isAborted).length
    return this.held - lost + room + (isNew ? this.#context.process.maxPrefetch : 0)
  }

  roomChanged(): void {
    this.#context.engine.local.finishedWaiting()
  }

  knows(token: number): boolean {
    const isIt = ({ claim }: { readonly claim: Ticket['claim'] }): boolean => claim.token === token
    if (this.#outgoing.has(token)) return true
    return [...this.#running].some(isIt) || [...this.#tickets].some(isIt)
  }

  reserve(count: number): void {
    this.#reserved += count
    this.#slots.took(count)
  }

  forfeit(count: number): void {
    this.#reserved -= count
    this.#slots.took(-count)
    // There is room again, and nothing else may be going on that would make the writer look.
    if (count > 0) this.#context.engine.local.finishedWaiting()
    this.#tellIfIdle()
  }

  deliver(tickets: readonly Ticket[], { provenAt, askedAt }: TicketTimes, reserved: number): void {
    this.#reserved -= reserved
    this.#slots.took(tickets.length - reserved)
    const { events, queue } = this.#context
    const arrivedAt = queue.clock.monotonic()
    for (const { claim, payload } of tickets) {
      if (events.hears('claimed')) events.emit('claimed', attemptOf(claim))
      const { timeoutMs } = claim
      this.#tickets.push({ claim, payload, timeoutMs, arrivedAt, deadlineAt: provenAt + trustedMs(timeoutMs) })
    }
    // What a writer elsewhere sent before it heard of a limit is more than may be taken.
    const excess = this.#stopping ? Number.POSITIVE_INFINITY : this.#slots.excess
    if (excess > 0) this.giveBackTickets(excess)
    const now = this.#slots.arrived(askedAt)
    // What was long on its way has lost a part of its time already.
    if (now - provenAt > queue.visibilityTimeoutMs / 4) this.#time.extendNow()
    this.#time.keepExtending()
    this.#tellIfIdle()
  }

  /** When the handler of this claim started, by this machine's clock, ms since 1970; undefined if it has not, or not here. */
  startedAt(token: number): number | undefined {
    const { clock } = this.#context.queue
    for (const { claim, startedAt } of this.#running)
      if (claim.token === token) return Math.floor(clock.now() - (clock.monotonic() - startedAt))
    return undefined
  }

  takeFinished(): Finished {
    return this.#outgoing.takeFinished()
  }

  takeReports(): ProgressReport[] {
    return this.#outgoing.takeReports()
  }

  revoke(token: number, reason: Error): void {
    const attempt = [...this.#running].find(({ claim }) => claim.token === token)
    if (attempt !== undefined) {
      attempt.abort(reason)
      this.#finish(attempt, undefined)
    } else if (this.#tickets.take(token) !== undefined) this.#slots.took(-1)
    // There is room again, and no settlement that would make the writer look.
    this.#context.engine.local.finishedWaiting()
  }

  stopOverdue(): void {
    this.#time.stopOverdue()
  }

  abandon(reason: Error): void {
    for (const _ of this.#tickets.takeBack(Number.POSITIVE_INFINITY)) this.#slots.took(-1)
    for (const attempt of [...this.#running]) {
      attempt.abort(reason)
      this.#finish(attempt, undefined)
    }
    this.#outgoing.takeFinished()
    this.#outgoing.takeReports()
  }

  release(token: number, reason: Error): void {
    const attempt = [...this.#running].find(({ claim }) => claim.token === token)
    if (attempt !== undefined) {
      attempt.abort(reason)
      this.#finish(attempt, { token, kind: 'release', started: true })
    } else {
      const ticket = this.#tickets.take(token)
      if (ticket === undefined) return
      this.#giveBack(ticket)
    }
    // The message waits for this settlement, so it is not delayed for others to share its commit.
    this.#context.engine.local.finishedWaiting()
  }

  detached(): void {
    this.giveBackTickets()
  }

  /**
   * Takes nothing new, gives back what has not started, and waits for running handlers. Those that are not done after `timeoutMs`
   * get their signal aborted, and their messages are given back at once. Resolves when all of that is settled.
   */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true
    this.giveBackTickets()
    if (!this.#isIdle()) {
      const { clock } = this.#context.queue
      await new Promise<void>((resolve) => {
        const cancel = clock.setTimer(timeoutMs, resolve)
        this.#onIdle.push(() => {
          cancel()
          resolve()
        })
      })
    }
    for (const attempt of this.#running) {
      attempt.abort(
        new WorkerStopped(
          `The worker was stopped and did not wait longer than ${timeoutMs} ms for message ${attempt.id}.`,
        ),
      )
      this.#finish(attempt, { token: attempt.claim.token, kind: 'release', started: true })
    }
    this.#time.stop()
    this.#outgoing.stop()
    this.#slots.leave(this)
  }

  startNext(now: number): void {
    const ticket = this.#tickets.shift()
    if (ticket === undefined) return
    if (now >= ticket.deadlineAt) this.#giveBack(ticket)
    else this.#start(ticket, now)
  }

  #start({ claim, payload, timeoutMs, deadlineAt, arrivedAt }: HeldTicket, startedAt: number): void {
    const attempt = new Attempt(claim, { timeoutMs, deadlineAt, startedAt, arrivedAt }, this.#attemptOptions)
    const { token } = claim
    this.#running.add(attempt)
    this.#slots.started(startedAt)
    this.#time.watch(deadlineAt)
    this.#limitTime(attempt)
    const { events } = this.#context
    if (events.hears('started')) events.emit('started', attemptOf(claim))
    let returned: unknown
    try {
      returned = this.#invoke(attempt, payload)
    } catch (error) {
      // As if it had been asynchronous: a handler that always throws at once must not recurse through the tickets.
      returned = Promise.reject(error)
    }
    const { maxFailureBytes } = this.#context.queue
    Promise.resolve(returned).then(
      (value) => this.#finish(attempt, settlementOf(token, value, maxFailureBytes)),
      (error: unknown) => this.#finish(attempt, failureOf(token, error, maxFailureBytes)),
    )
  }

  #invoke(attempt: Attempt, payload: Payload): unknown {
    const value: unknown = typeof payload === 'string' ? JSON.parse(payload) : payload
    const { queue, handlers } = this.#context
    const { schema } = queue
    if (schema === undefined) return handlers.run(this.#handler, { id: attempt.id, payload: value as T }, attempt)
    return handlers.run(() =>
      checkPayload(schema, value).then((checked) => this.#handler({ id: attempt.id, payload: checked as T }, attempt)),
    )
  }

  #limitTime(attempt: Attempt): void {
    const { process, queue } = this.#context
    const { timeLimitMs } = process
    if (timeLimitMs === Number.POSITIVE_INFINITY) return
    attempt.cancelTimeLimit = queue.clock.setTimer(timeLimitMs, () => {
      const error = new TimeLimitExceeded(
        `The handler of message ${attempt.id} took longer than ${timeLimitMs} ms (timeLimitMs).`,
      )
      attempt.abort(error)
      this.#finish(attempt, failureOf(attempt.claim.token, error, queue.maxFailureBytes))
    })
  }

  /** What a handler says after its attempt has ended otherwise is not heard. */
  #finish(attempt: Attempt, settlement: Settlement | undefined): void {
    if (!this.#running.delete(attempt)) return
    attempt.cancelTimeLimit?.()
    this.#handled++
    const endedAt = this.#slots.ended(attempt.startedAt)
    if (settlement !== undefined) {
      // For events alone: in the writer's process without a listener nothing reads them.
      if (this.isFar || this.#context.events.hasListeners) settlement.times = timesOf(attempt, endedAt)
      this.#outgoing.push(attempt.claim, settlement)
    }
    this.#slots.pump()
    this.#outgoing.tellFinished()
    this.#tellIfIdle()
  }

  #isIdle(): boolean {
    return this.#running.size === 0 && this.#reserved === 0
  }

  #tellIfIdle(): void {
    if (this.#isIdle()) for (const tell of this.#onIdle.splice(0)) tell()
  }

  /** A ticket that no handler has seen. */
  #giveBack(ticket: HeldTicket): void {
    this.#slots.took(-1)
    this.#outgoing.push(ticket.claim, { token: ticket.claim.token, kind: 'release', started: false })
    this.#outgoing.tellFinished()
  }

  recallTickets(count: number): void {
    const startSoon = Math.floor(this.rate * RECALL_MS)
    this.giveBackTickets(Math.max(0, Math.min(count, this.#tickets.size - startSoon)))
  }

  giveBackTickets(count: number = Number.POSITIVE_INFINITY): void {
    for (const ticket of this.#tickets.takeBack(count)) this.#giveBack(ticket)
  }
}

/** How long an attempt was held and ran, in whole ms. */
function timesOf({ arrivedAt, startedAt }: Attempt, endedAt: number): readonly [heldMs: number, ranMs: number] {
  return [Math.round(startedAt - arrivedAt), Math.round(endedAt - startedAt)]
}
