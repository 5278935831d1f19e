/**
 * The claims of a term, from when their time begins: extended, taken over from the term before, and taken back when their time is up. Who gets one is
 * the `Dispatcher`'s to say.
 *
 * Owns their deadlines, on this process's monotonic clock. None begins before its worker can know of the claim; see
 * `../transport/port.ts` for claims that travel.
 */
import { Cancelled, Released } from '../errors.ts'
import type { NoticeCommand, Settlement } from '../state/commands.ts'
import type { QueueEvent } from '../state/events.ts'
import { type Claim, messageId, type QueueState } from '../state/model.ts'
import type { ClaimExtension, Receipt, RevokeReason, WriterSide, WriterTerm } from '../transport/port.ts'
import type { CommitLoop } from './commit-loop.ts'
import { type EngineContext, outcomeUnknown } from './context.ts'
import { Deadlines } from './deadlines.ts'
import type { LogTime } from './log-time.ts'

/**
 * By how much the log's times of two writers may differ, in ms. An adopted claim ends early only by so much later, as its worker goes by durations and
 * would else trust it for longer. The store's clock corrects the log's time to a second and a round trip.
 */
const LOG_TIME_MARGIN_MS = 10_000
export interface ClaimsOptions {
  readonly context: EngineContext
  readonly epoch: number
  readonly predecessor: string | undefined
  readonly mark: WriterTerm['mark']
  readonly state: QueueState
  readonly loop: CommitLoop
  readonly time: LogTime
  readonly settle: (settlements: readonly Settlement[], claims: readonly Claim[]) => void
  /** Something is likely to come from elsewhere. */
  readonly expectFromInbox: () => void
  /** Ends claims without a settlement. */
  readonly expire: (tokens: readonly number[]) => void
  readonly runsIn: WriterTerm['runsIn']
  /** Looks for what came from elsewhere; it is in the state when this resolves. */
  readonly lookIntoInbox: () => Promise<unknown>
  readonly signal: AbortSignal
}

export class Claims {
  readonly #options: ClaimsOptions
  readonly #state: QueueState
  readonly #deadlines = new Deadlines()
  readonly #side: WriterSide | undefined
  #cancelAlarm: () => void = () => {}
  /** Adopted claims that this term extends, while that is not in the log yet. */
  readonly #saying = new Set<number>()
  #ending: Promise<void> | undefined
  /** Claims that are due, and of which nothing was found in the inbox. */
  readonly #lookedFor = new Set<number>()
  /** Claims whose workers were told to stop, as an operator wants the messages back: they get no more time. */
  readonly #releasing = new Set<number>()

  constructor(options: ClaimsOptions) {
    const { context, epoch, predecessor, mark, state, loop, signal } = options
    this.#options = options
    this.#state = state
    this.#side = context.options.transport?.lead({
      ...{ epoch, mark, predecessor, queue: context.options, signal, trouble: context.trouble, runsIn: options.runsIn },
      isActive: (token) => state.active.has(token),
      waiting: () => state.counts.waiting,
      isBusy: () => state.counts.waiting + state.active.size > 0,
      held: (worker) => state.held.get(worker) ?? 0,
      localWorker: () => context.worker(),
      wake: () => loop.wake(),
    })
  }

  /** Tokens of the claims that a worker holds. */
  heldBy(worker: string): number[] {
    if (!this.#state.held.has(worker)) return []
    return Array.from(this.#state.active.values())
      .filter((claim) => claim.worker === worker)
      .map(({ token }) => token)
  }

  /**
   * Claims from earlier terms get their full time again, as the term before may have extended them just now: extensions are not in the log.
   *
   * But a claim that no term extends any longer must end, also where no term lasts for a whole visibility timeout. So a term writes into the log which claims it
   * has taken over (`adopted`), once nothing that an earlier term sends can reach their workers, and from then on it writes `extended` before it
   * extends one of them for the first time. A claim that is still `adopted` for the next term was therefore extended by nobody since then. Its worker's
   * trust began before that moment and ends a timeout later at the latest, however many terms there were in between. The log's time tells when that is, with a
   * margin for clocks that differ. Terms of processes that live for moments thus add up.
   */
  adopt(): void {
    const local = this.#options.context.worker()?.id
    const elsewhere = new Map<string, Claim[]>()
    const here: Claim[] = []
    this.#resumeAdopted()
    for (const claim of this.#state.active.values()) {
      if (this.#side === undefined || claim.worker === local) here.push(claim)
      else if (!elsewhere.get(claim.worker)?.push(claim)) elsewhere.set(claim.worker, [claim])
    }
    this.#startAdopted(here)
    if (this.#side !== undefined && here.length > 0) void this.#releaseUnknown(here)
    for (const [worker, claims] of elsewhere) {
      const adopted = this.#side?.adopt(worker, claims)
      adopted?.then(
        () => this.#startAdopted(claims.filter(({ token }) => this.#state.active.has(token))),
        (error: unknown) => this.#trouble(error),
      )
    }
    for (const claim of this.#state.active.values()) if (claim.releasing) this.release(claim)
    for (const worker of this.#state.held.keys()) if (this.#state.left.has(worker)) void this.releaseLeft(worker)
  }

  /** Claims that an earlier term adopted have what is left of their time. */
  #resumeAdopted(): void {
    const now = this.#options.time.now()
    const tokensByTimeLeft = new Map<number, number[]>()
    for (const { token, adoptedAt, timeoutMs } of this.#state.active.values()) {
      if (adoptedAt === undefined) continue
      const leftMs = Math.min(adoptedAt + timeoutMs + LOG_TIME_MARGIN_MS - now, timeoutMs)
      const tokens = tokensByTimeLeft.get(Math.max(0, leftMs))
      if (tokens === undefined) tokensByTimeLeft.set(Math.max(0, leftMs), [token])
      else tokens.push(token)
    }
    for (const [leftMs, tokens] of tokensByTimeLeft) {
      if (leftMs === 0) this.#ending = this.#endAdopted(tokens)
      else this.start(tokens, leftMs)
    }
  }

  /** Ends adopted claims whose time is over. What was settled or extended in time may still lie in the inbox. Never rejects. */
  async #endAdopted(tokens: readonly number[]): Promise<void> {
    const { lookIntoInbox, expire, context, signal } = this.#options
    await lookIntoInbox()
    if (signal.aborted) return
    const isOver = (token: number): boolean => this.#state.active.get(token)?.adoptedAt !== undefined
    const extended = tokens.filter((token) => this.#state.active.has(token) && !isOver(token))
    expire(tokens.filter(isOver))
    this.#deadlines.add(extended, context.options.clock.monotonic())
    this.setAlarm()
  }

  /**
   * Gives back what a worker that left still holds: it has settled all that it knew of. Its settlements may lie in the inbox beside the word that it left, and a list that
   * was made meanwhile may show one without the other. Never rejects.
   */
  async releaseLeft(worker: string): Promise<void> {
    const { lookIntoInbox, settle, signal } = this.#options
    if (this.heldBy(worker).length === 0) return
    await lookIntoInbox()
    if (signal.aborted) return
    const claims = this.heldBy(worker).flatMap((token) => this.#state.active.get(token) ?? [])
    if (claims.length === 0) return
    settle(
      claims.map(({ token }) => ({ token, kind: 'release', started: false })),
      claims,
    )
    this.#options.loop.wake()
  }

  /** Resolves once the claims are ended whose time was over when the term began. */
  async whenResumed(): Promise<void> {
    await this.#ending
  }

  /** From here on the time of these claims counts, and nothing of an earlier term can extend them. */
  #startAdopted(claims: readonly Claim[]): void {
    if (this.#options.signal.aborted) return
    const fresh = claims.filter(({ adoptedAt }) => adoptedAt === undefined)
    if (fresh.length === 0) return
    this.startAll(fresh)
    // The moment that counts is now, not when the open commit was begun.
    this.#options.loop.tick()
    this.#options.loop.record([{ type: 'adopted', ranges: rangesOf(fresh) }])
  }

  /** Writes down that this term extends adopted claims, unless that is known. Resolves when it is in the log; undefined if there is nothing to wait for. */
  #sayExtended(tokens: Iterable<number>): Promise<void> | undefined {
    const events: QueueEvent[] = []
    let mustWait = false
    for (const token of tokens) {
      const claim = this.#state.active.get(token)
      if (claim?.adoptedAt !== undefined) {
        this.#options.loop.tick()
        events.push({ type: 'extended', token, timeoutMs: claim.timeoutMs })
        this.#saying.add(token)
      }
      mustWait ||= this.#saying.has(token)
    }
    if (!mustWait) return undefined
    return new Promise((resolve, reject) => {
      const durable = (): void => {
        for (const event of events) if (event.type === 'extended') this.#saying.delete(event.token)
        resolve()
      }
      this.#options.loop.record(events, { durable, lost: reject })
    })
  }

  /** Tickets that were on their way to this process when it became the writer do not arrive any more. */
  async #releaseUnknown(claims: readonly Claim[]): Promise<void> {
    const { knows, whenSent } = this.#options.context
    // What the worker settled meanwhile may lie there, or be on its way.
    await whenSent()
    await this.#options.lookIntoInbox()
    const unknown = claims.filter(({ token }) => this.#state.active.has(token) && !knows(token))
    if (this.#options.signal.aborted || unknown.length === 0) return
    this.#options.settle(
      unknown.map(({ token }) => ({ token, kind: 'release', started: false })),
      unknown,
    )
  }

  /** The transport to other processes' workers. */
  get side(): WriterSide | undefined {
    return this.#side
  }

  /** These claims run for `timeoutMs` from now on. */
  start(tokens: readonly number[], timeoutMs: number): void {
    this.#deadlines.add(tokens, this.#options.context.options.clock.monotonic() + timeoutMs)
    this.setAlarm()
  }

  /** Each of these claims runs for its full time from now on. */
  startAll(claims: readonly Claim[]): void {
    for (const [timeoutMs, group] of Map.groupBy(claims, (claim) => claim.timeoutMs))
      this.start(
        group.map(({ token }) => token),
        timeoutMs,
      )
  }

  /** Gives claims their full time from now on. Returns the tokens that are still held, by `worker` if one is named. */
  extend(tokens: readonly number[], worker?: string): Set<number> {
    const now = this.#options.context.options.clock.monotonic()
    const held = new Set<number>()
    for (const token of tokens) {
      const claim = this.#state.active.get(token)
      if (claim === undefined || (worker !== undefined && claim.worker !== worker)) continue
      if (this.#releasing.has(token)) continue
      held.add(token)
      this.#lookedFor.delete(token)
      this.#deadlines.extend(token, now + claim.timeoutMs)
    }
    return held
  }

  /** As `extend`, for the worker of this process. Resolves once a later term can know of it; rejects if it never will. */
  async extendKnown(tokens: readonly number[]): Promise<Set<number>> {
    const held = this.extend(tokens)
    await this.#sayExtended(held)
    return held
  }

  /**
   * Gives a claim at least `atLeastMs` from now on, durably: also a new writer will. Never less than it has, since a worker may not hear of
   * it in time. Resolves to how long it lasts and from which moment on, or to undefined if the claim is lost.
   */
  setTimeout(token: number, atLeastMs: number): Promise<ClaimExtension | undefined> {
    const claim = this.#state.active.get(token)
    if (claim === undefined || this.#releasing.has(token)) return Promise.resolve(undefined)
    const { clock } = this.#options.context.options
    const provenAt = clock.monotonic()
    const timeoutMs = Math.max(atLeastMs, claim.timeoutMs)
    this.#options.loop.tick()
    this.#deadlines.extend(token, Number.POSITIVE_INFINITY)
    return new Promise((resolve, reject) => {
      const durable = (): void => {
        this.#deadlines.extend(token, clock.monotonic() + timeoutMs)
        this.#deadlines.add([token], clock.monotonic() + timeoutMs)
        this.setAlarm()
        resolve({ provenAt, timeoutMs })
      }
      const lost = (reason: Error, mayBeInLog: boolean): void => reject(mayBeInLog ? outcomeUnknown(reason) : reason)
      this.#options.loop.record([{ type: 'extended', token, timeoutMs }], { durable, lost })
    })
  }

  /** A worker elsewhere says how it is, and wants its claims extended. */
  heard(notice: NoticeCommand): void {
    const side = this.#side
    if (side === undefined) return
    const { worker, number, extend = [], lasting = [], reports = [] } = notice
    const held = this.extend(extend, worker)
    const mine = reports.filter(({ token }) => this.#state.active.get(token)?.worker === worker)
    if (mine.length > 0) this.#options.loop.tick()
    this.#options.loop.record(mine.map((report) => ({ type: 'reported', ...report })))
    const said = this.#sayExtended(held)
    const receipt = { notice: number, lost: extend.filter((token) => !held.has(token)) }
    if (lasting.length === 0 && said === undefined) {
      side.heard(notice, { ...receipt, lasting: [] })
      return
    }
    void Promise.all([this.#makeLast(worker, lasting), said]).then(
      ([answers]) => side.heard(notice, { ...receipt, lasting: answers }),
      // The term is over: the next writer did not hear of it, and the worker asks again.
      () => {},
    )
  }

  #makeLast(worker: string, lasting: readonly (readonly [number, number])[]): Promise<Receipt['lasting']> {
    return Promise.all(
      lasting.map(async ([token, ms]) => {
        const isHeld = this.#state.active.get(token)?.worker === worker
        const extension = isHeld ? await this.setTimeout(token, ms) : undefined
        return [token, extension?.timeoutMs ?? null] as const
      }),
    )
  }

  /**
   * Claims whose time is up, taken off the list. Those of workers elsewhere only after one more look into the inbox: what lies there came in
   * time, as far as the worker can know.
   */
  takeDue(now: number): number[] {
    const due = this.#deadlines.takeDue(now, (token) => this.#state.active.has(token))
    if (due.length === 0 || this.#side === undefined) return due
    const local = this.#options.context.worker()?.id
    const unsure: number[] = []
    const over: number[] = []
    for (const token of due) {
      const isSure = this.#state.active.get(token)?.worker === local || this.#lookedFor.delete(token)
      ;(isSure ? over : unsure).push(token)
    }
    if (unsure.length > 0) void this.#lookFor(unsure)
    return over
  }

  async #lookFor(tokens: readonly number[]): Promise<void> {
    const { lookIntoInbox, context, signal } = this.#options
    await lookIntoInbox()
    if (signal.aborted) return
    for (const token of tokens) this.#lookedFor.add(token)
    this.#deadlines.add(tokens, context.options.clock.monotonic())
    this.setAlarm()
  }

  /** A claim has ended. */
  forget(token: number): void {
    this.#deadlines.forget(token)
    this.#lookedFor.delete(token)
    this.#releasing.delete(token)
  }

  /** Claims ran out. */
  ranOut(claims: readonly Claim[]): void {
    for (const [worker, lost] of Map.groupBy(claims, (claim) => claim.worker)) this.#side?.ranOut(worker, lost.length)
  }

  /** An operator cancelled a message: its claim is over, and its worker is told to stop. */
  cancelled(claim: Claim): void {
    this.#options.context.revoke(claim.token, new Cancelled(`Message ${messageId(claim)} was cancelled.`))
    this.#tellElsewhere(claim, 'cancelled')
  }

  /**
   * An operator wants a message back, and that is in the log. Its worker is told to stop and answers with a settlement; without an answer the claim ends at
   * its deadline, which does not move any more. Not before that is it in the log: a handler must not be stopped for a release that is lost.
   */
  release(claim: Claim): void {
    const { context, expectFromInbox } = this.#options
    const { token } = claim
    if (!this.#state.active.has(token)) return
    this.#releasing.add(token)
    const id = messageId(claim)
    context.release(token, new Released(`Message ${id} was released by an operator; another attempt follows.`))
    this.#tellElsewhere(claim, 'released')
    expectFromInbox()
  }

  #tellElsewhere({ worker, token }: Claim, why: RevokeReason): void {
    if (worker !== this.#options.context.worker()?.id) this.#side?.worker(worker)?.revoke(token, why)
  }

  /** Wakes the loop when the next deadline passes or the next delayed message is due. */
  setAlarm(): void {
    this.#cancelAlarm()
    const { context, loop, time, signal } = this.#options
    if (signal.aborted) return
    const { clock } = context.options
    const deadline = this.#deadlines.next
    const hasRoom = this.#side !== undefined || (context.worker()?.room() ?? 0) > 0
    const delayed = hasRoom ? this.#state.delayed.peek()?.visibleAt : undefined
    const waits = [
      deadline === undefined ? Number.POSITIVE_INFINITY : deadline - clock.monotonic(),
      delayed === undefined ? Number.POSITIVE_INFINITY : delayed - time.now(),
    ]
    const wait = Math.max(1, Math.ceil(Math.min(...waits)))
    if (wait < 2 ** 31) this.#cancelAlarm = clock.setTimer(wait, () => loop.wake())
  }

  stop(): void {
    this.#cancelAlarm()
  }

  /** Delayed messages whose time has come are visible from now on. */
  noteDue(): void {
    const next = this.#state.delayed.peek()
    if (next !== undefined && next.visibleAt <= this.#options.time.now()) this.#options.loop.tick()
  }

  #trouble(error: unknown): void {
    if (!this.#options.signal.aborted) this.#options.context.trouble(error)
  }
}

/** Pairs of a first token and how many follow in a row, flat. */
function rangesOf(claims: readonly Claim[]): number[] {
  const ranges: number[] = []
  let next = Number.NaN
  for (const token of claims.map((claim) => claim.token).sort((a, b) => a - b)) {
    if (token === next) ranges.push((ranges.pop() as number) + 1)
    else ranges.push(token, 1)
    next = token + 1
  }
  return ranges
}
