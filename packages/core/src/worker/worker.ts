/**
 * The worker runtime: runs handlers on tickets that the writer delivers, as many at once as its pool has slots.
 *
 * Owns the tickets at hand, the attempts under way and their deadlines. It prevents a handler from working on a message that
 * another worker may already have: each deadline counts from a moment before the writer's does, so the signal is aborted first.
 */
import { attemptOf, type Ticket } from '../claim.ts'
import type { Finished, TicketTimes, WorkerLink } from '../engine/context.ts'
import type { Engine } from '../engine/engine.ts'
import { TimeLimitExceeded, WorkerStopped } from '../errors.ts'
import type { EventHub } from '../events.ts'
import { Attempt, type AttemptOptions, claimLost, failureOf, type Handler, settlementOf } from '../handle.ts'
import type { ResolvedQueueOptions } from '../options.ts'
import { checkPayload } from '../payload.ts'
import type { ResolvedProcessOptions } from '../process-options.ts'
import type { Payload } from '../state/batch-codec.ts'
import type { ProgressReport, Settlement } from '../state/commands.ts'
import { Deque } from '../state/deque.ts'
import type { SlotMember, SlotPool } from './slots.ts'
import { timeoutToTrust, trustedMs } from './trust.ts'

export interface WorkerContext {
  readonly engine: Engine
  readonly events: EventHub
  readonly queue: ResolvedQueueOptions
  readonly process: ResolvedProcessOptions
  /** Its name in claims and events, unlike that of any other worker of its log. */
  readonly id: string
  readonly slots: SlotPool
}

/** How long a report waits for a commit to go with. */
const REPORT_AFTER_MS = 500

interface HeldTicket extends Ticket {
  /** How long the claim lasts from each proof that this process is the writer. */
  readonly timeoutMs: number
  deadlineAt: number
}

export class WorkerRuntime<T> implements WorkerLink, SlotMember {
  readonly id: string
  readonly #context: WorkerContext
  readonly #handler: Handler<T>
  readonly #attemptOptions: AttemptOptions
  readonly #tell = (error: Error): void => this.#context.engine.tell(error)
  readonly #slots: SlotPool
  #tickets = new Deque<HeldTicket>()
  readonly #running = new Set<Attempt>()
  readonly #reporting = new Set<Attempt>()
  #cancelReports: (() => void) | undefined
  #cancelPatience: (() => void) | undefined
  /** Whether the engine knows that something has ended and was not taken yet. */
  #hasTold = false
  #reserved = 0
  #finished: Finished = { settlements: [], claims: [] }
  #handled = 0
  #stopping = false
  #onIdle: (() => void)[] = []
  #cancelDeadline: (() => void) | undefined
  #deadlineAt = Number.POSITIVE_INFINITY
  #cancelExtension: (() => void) | undefined
  #isExtending = false

  constructor(context: WorkerContext, handler: Handler<T>) {
    this.#context = context
    this.#handler = handler
    const { clock } = context.queue
    this.id = context.id
    this.#slots = context.slots
    this.#slots.join(this)
    this.#attemptOptions = {
      workerId: this.id,
      monotonic: () => clock.monotonic(),
      // The machine's own, not corrected by the store's: a handler compares its deadline with `Date.now()`.
      wallNow: () => clock.now(),
      extend: (attempt, ms) => this.#extendOne(attempt, ms),
      reported: (attempt) => this.#noteReport(attempt),
    }
  }

  /** Handlers running now. */
  get running(): number {
    return this.#running.size
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

  capacity(): number {
    return this.held + Math.max(0, this.room())
  }

  roomChanged(): void {
    this.#context.engine.local.finishedWaiting()
  }

  knows(token: number): boolean {
    const isIt = ({ claim }: { readonly claim: Ticket['claim'] }): boolean => claim.token === token
    if (this.#finished.claims.some((claim) => claim.token === token)) return true
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
    const { events } = this.#context
    for (const { claim, payload } of tickets) {
      if (events.hears('claimed')) events.emit('claimed', attemptOf(claim))
      const { timeoutMs } = claim
      this.#tickets.push({ claim, payload, timeoutMs, deadlineAt: provenAt + trustedMs(timeoutMs) })
    }
    if (this.#stopping) this.giveBackTickets()
    const now = this.#slots.arrived(askedAt)
    // What was long on its way has lost a part of its time already.
    if (now - provenAt > this.#context.queue.visibilityTimeoutMs / 4) this.#extendNow()
    this.#keepExtending()
    this.#tellIfIdle()
  }

  takeFinished(): Finished {
    const finished = this.#finished
    this.#cancelPatience?.()
    this.#cancelPatience = undefined
    this.#hasTold = false
    if (finished.settlements.length > 0) this.#finished = { settlements: [], claims: [] }
    return finished
  }

  takeReports(): ProgressReport[] {
    const reports = Array.from(this.#reporting, ({ claim, report }) => ({ token: claim.token, ...report }))
    for (const attempt of this.#reporting) attempt.report = undefined
    this.#reporting.clear()
    return reports
  }

  revoke(token: number, reason: Error): void {
    const attempt = [...this.#running].find(({ claim }) => claim.token === token)
    if (attempt === undefined) {
      this.#dropTicket(token)
    } else {
      attempt.abort(reason)
      this.#finish(attempt, undefined)
    }
    // There is room again, and no settlement that would make the writer look.
    this.#context.engine.local.finishedWaiting()
  }

  #dropTicket(token: number): void {
    const tickets = this.#tickets
    this.#tickets = new Deque()
    for (const ticket of tickets) {
      if (ticket.claim.token === token) this.#slots.took(-1)
      else this.#tickets.push(ticket)
    }
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
    this.#cancelDeadline?.()
    this.#cancelExtension?.()
    this.#cancelReports?.()
    this.#cancelPatience?.()
    this.#slots.leave(this)
  }

  startNext(now: number): void {
    const ticket = this.#tickets.shift()
    if (ticket === undefined) return
    if (now >= ticket.deadlineAt) this.#giveBack(ticket)
    else this.#start(ticket)
  }

  #start({ claim, payload, timeoutMs, deadlineAt }: HeldTicket): void {
    const attempt = new Attempt(claim, timeoutMs, deadlineAt, this.#attemptOptions)
    const { token } = claim
    this.#running.add(attempt)
    this.#slots.started()
    this.#watchDeadline(deadlineAt)
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
    Promise.resolve(returned).then(
      (value) => this.#finish(attempt, settlementOf(token, value, this.#tell)),
      (error: unknown) => this.#finish(attempt, failureOf(token, error)),
    )
  }

  #invoke(attempt: Attempt, payload: Payload): unknown {
    const value: unknown = typeof payload === 'string' ? JSON.parse(payload) : payload
    const { schema } = this.#context.queue
    if (schema === undefined) return this.#handler({ id: attempt.id, payload: value as T }, attempt)
    return checkPayload(schema, value).then((checked) =>
      this.#handler({ id: attempt.id, payload: checked as T }, attempt),
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
      this.#finish(attempt, failureOf(attempt.claim.token, error))
    })
  }

  /** What a handler says after its attempt has ended otherwise is not heard. */
  #finish(attempt: Attempt, settlement: Settlement | undefined): void {
    if (!this.#running.delete(attempt)) return
    attempt.cancelTimeLimit?.()
    this.#handled++
    this.#slots.ended()
    if (settlement !== undefined) this.#push(attempt, settlement)
    this.#slots.pump()
    this.#tellFinished()
    this.#tellIfIdle()
  }

  /** Reports go with a commit that happens anyway, or with one of their own after a while. */
  #noteReport(attempt: Attempt): void {
    if (!this.#running.has(attempt)) return
    this.#reporting.add(attempt)
    this.#cancelReports ??= this.#context.queue.clock.setTimer(REPORT_AFTER_MS, () => {
      this.#cancelReports = undefined
      if (this.#reporting.size > 0) this.#context.engine.local.finishedWaiting()
    })
  }

  #isIdle(): boolean {
    return this.#running.size === 0 && this.#reserved === 0
  }

  #tellIfIdle(): void {
    if (this.#isIdle()) for (const tell of this.#onIdle.splice(0)) tell()
  }

  #push({ claim }: { readonly claim: Ticket['claim'] }, settlement: Settlement): void {
    this.#finished.settlements.push(settlement)
    this.#finished.claims.push(claim)
  }

  /** What has ended goes into a commit at once, unless it may wait for company: see `SlotPool`. Elsewhere than with the writer it waits on its own. */
  #tellFinished(): void {
    if (this.#hasTold || this.#finished.settlements.length === 0) return
    const { engine, queue } = this.#context
    const isPatient = engine.isLeading && !this.#stopping
    const patienceMs = isPatient ? this.#slots.patienceMs() : 0
    const tell = (): void => {
      this.#hasTold = true
      engine.local.finishedWaiting()
    }
    if (patienceMs === 0) tell()
    else this.#cancelPatience ??= queue.clock.setTimer(patienceMs, tell)
  }

  /** A ticket that no handler has seen. */
  #giveBack(ticket: HeldTicket): void {
    this.#slots.took(-1)
    this.#push(ticket, { token: ticket.claim.token, kind: 'release', started: false })
    this.#tellFinished()
  }

  giveBackTickets(): void {
    const tickets = this.#tickets
    this.#tickets = new Deque()
    for (const ticket of tickets) this.#giveBack(ticket)
  }

  async #extendOne(attempt: Attempt, ms: number): Promise<void> {
    const extension = await this.#context.engine.local.setTimeout(attempt.claim.token, timeoutToTrust(ms))
    if (extension === undefined || !this.#running.has(attempt)) {
      const error = claimLost(attempt.claim)
      attempt.abort(error)
      throw error
    }
    // Not before: what is not in the log yet, the next writer does not know of.
    attempt.timeoutMs = extension.timeoutMs
    attempt.deadlineAt = Math.max(attempt.deadlineAt, extension.provenAt + trustedMs(extension.timeoutMs))
    this.#watchDeadline(attempt.deadlineAt)
  }

  /** Extends everything at hand at a third of the visibility timeout, for as long as there is something. */
  #keepExtending(): void {
    if (this.#cancelExtension !== undefined || this.#running.size + this.#tickets.size === 0) return
    const { clock, visibilityTimeoutMs } = this.#context.queue
    this.#cancelExtension = clock.setTimer(visibilityTimeoutMs / 3, () => void this.#extendAll())
  }

  #extendNow(): void {
    if (this.#isExtending) return
    this.#cancelExtension?.()
    this.#cancelExtension = () => {}
    void this.#extendAll()
  }

  /** Never rejects: without proof of being the writer nothing is extended, and the deadlines stand. */
  async #extendAll(): Promise<void> {
    this.#isExtending = true
    const { engine, process, queue } = this.#context
    const attempts = process.autoExtend ? [...this.#running].filter((attempt) => !attempt.isAborted) : []
    const held = [...attempts, ...this.#tickets]
    const extension = await engine.local.extend(
      held.map(({ claim }) => claim.token),
      queue.visibilityTimeoutMs / 3,
    )
    if (extension !== undefined) {
      for (const one of held) {
        if (extension.held.has(one.claim.token))
          one.deadlineAt = Math.max(one.deadlineAt, extension.provenAt + trustedMs(one.timeoutMs))
        else if (one instanceof Attempt && this.#running.has(one)) one.abort(claimLost(one.claim))
      }
    }
    this.#isExtending = false
    this.#cancelExtension = undefined
    this.#keepExtending()
  }

  #watchDeadline(at: number): void {
    if (at >= this.#deadlineAt) return
    const { clock } = this.#context.queue
    this.#cancelDeadline?.()
    this.#deadlineAt = at
    this.#cancelDeadline = clock.setTimer(Math.max(1, at - clock.monotonic()), () => this.#deadlinePassed())
  }

  /** Aborts the attempts whose time is up, and waits for the next. */
  #deadlinePassed(): void {
    const now = this.#context.queue.clock.monotonic()
    this.#deadlineAt = Number.POSITIVE_INFINITY
    let next = Number.POSITIVE_INFINITY
    for (const attempt of this.#running) {
      if (attempt.isAborted) continue
      if (attempt.deadlineAt <= now) attempt.abort(claimLost(attempt.claim))
      else next = Math.min(next, attempt.deadlineAt)
    }
    if (next < Number.POSITIVE_INFINITY) this.#watchDeadline(next)
  }
}
