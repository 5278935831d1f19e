/**
 * Step 2 of a message's way, and the beginning of step 3: claims are made for workers here and elsewhere, and handed over once they are in the log.
 *
 * A claim's time begins when its worker can know of it: at once in this process, elsewhere when its ticket has arrived.
 */
import { handOver } from '../claim.ts'
import { type Demand, type Dispatch, decideDispatch } from '../dispatch.ts'
import type { Settlement } from '../state/commands.ts'
import type { Claim, QueueState } from '../state/model.ts'
import { topPriority } from '../state/runs.ts'
import type { RemoteWorker, TravellingTicket, WorkerSelf, WriterSide } from '../transport/port.ts'
import type { Claims } from './claims.ts'
import type { CommitLoop } from './commit-loop.ts'
import type { EngineContext, WorkerLink } from './context.ts'
import type { PayloadSource } from './payload-source.ts'
import { RECALL_MS, type Share, shareOut, surplus } from './share-out.ts'

/** Tickets for a worker in another process travel in one object: this many bytes of them in one commit, at most, by their mean size so far. */
const MAX_TRAVELLING_BYTES = 1 << 20
/** At least this many all the same. */
const MIN_TRAVELLING = 16
/** What a ticket takes beside its payload, in bytes, about. */
const PER_TICKET_BYTES = 200
/** Size of a payload while none has travelled. */
const FIRST_PAYLOAD_BYTES = 1 << 10
/** Payloads of more characters or bytes do not travel with their tickets. */
const MAX_INLINE = 16 << 10
/** A worker of which it is not known how long its handlers take holds as much as lasts this long if they take what others' take, in ms, and a message ahead of each handler in any case. */
const NEW_WORKER_MS = 2000
/** A worker that reads its mailbox later than this, in ms, holds nothing ahead: it could not be taken back in time. */
const MAX_AHEAD_DELAY_MS = 1200
/** Messages are taken back from others for workers that read their mailboxes within this time, in ms. */
const MAX_RECALL_DELAY_MS = 500
/** A remote worker that holds more than this share of what it would hold ahead gets no more yet: fewer writes for the same work. */
const ENOUGH_SHARE = 0.5
/** The inbox is read this many times while what remote workers hold ahead lasts, and at least this often, in ms. */
const VISITS_WHILE_AHEAD = 4
const MAX_VISIT_MS = 400
/** While messages come one by one it is read this often, in ms: half of that on average is what a message waits. */
const QUIET_VISIT_MS = 200
/** While there is something to hand out the inbox is read this many times per handler, for settlements that make room; within these bounds, in ms. */
const VISITS_PER_HANDLER = 10
const MIN_VISIT_MS = 100
const MAX_LATEST_MS = 1000
/** While claims are in other processes the inbox is read this many times per visibility timeout, for settlements that came in time. */
const VISITS_PER_TIMEOUT = 8
/** While messages wait, or some workers are idle and others hold messages ahead, the writer thinks again after this long, in ms. */
const RECONSIDER_MS = 1000
/** Idle workers that are looked for before messages are taken back. */
const MAX_IDLE = 32
/** Rate of a worker of which none is known, in messages per ms. */
const UNKNOWN_RATE = 1e-6
export interface DispatcherOptions {
  readonly context: EngineContext
  readonly state: QueueState
  readonly loop: CommitLoop
  readonly claims: Claims
  readonly payloads: PayloadSource
  readonly settle: (settlements: readonly Settlement[], claims: readonly Claim[]) => void
  /** Something is likely to come from elsewhere. */
  readonly expectFromInbox: () => void
  /** Looks for what came from elsewhere; it is in the state when this resolves. */
  readonly lookIntoInbox: () => Promise<unknown>
  readonly signal: AbortSignal
}

/** What a remote worker is to get. */
interface Plan {
  readonly remote: RemoteWorker
  readonly held: number
  readonly room: number
  count: number
}

/** A worker that holds messages ahead. */
interface Holder {
  readonly ahead: number
  readonly rate: number
  /** How long the last of them is going to wait. */
  readonly waitMs: number
  readonly giveBack: (count: number) => void
}

export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #state: QueueState
  /** Mean size of the payloads that travelled lately, in bytes. */
  #payloadSize = FIRST_PAYLOAD_BYTES
  #retry: (() => void) | undefined

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#state = options.state
  }

  /** Makes claims for workers that have room, and takes back what waits behind busy handlers while others are idle. */
  dispatch(askedAt: number): void {
    const { claims } = this.#options
    claims.noteDue()
    this.#cancelRetry()
    if (this.#state.paused) return
    if (this.#waiting > 0) this.#share(askedAt)
    if (this.#waiting === 0) this.#recall()
  }

  get #waiting(): number {
    return this.#state.counts.waiting
  }

  /**
   * First handlers that are free: those of this process, then those of workers that read their mailboxes soonest. Then urgent messages go to handlers that will
   * be free soonest. What is left is divided among all workers as work ahead.
   */
  #share(askedAt: number): void {
    const { claims, context } = this.#options
    const local = context.worker()
    if (local !== undefined) this.#toLocal(local, local.freeSlots(), askedAt)
    if (this.#waiting === 0) return
    let remotes = this.#freeRemotes(claims.side, local)
    let left = this.#waiting - remotes.reduce((sum, { count }) => sum + count, 0)
    if (left > 0 && this.#hasUrgent()) {
      for (const { remote, count } of remotes) this.#toRemote(remote, count)
      this.#putUrgentFirst(askedAt)
      remotes = this.#freeRemotes(claims.side, local)
      left = this.#waiting
    }
    if (left > 0) this.#divide(left, local, remotes, askedAt)
    for (const { remote, count } of remotes) this.#toRemote(remote, count)
    // The part that is kept for a worker that has fallen silent goes to others in time.
    if (this.#waiting > 0) this.#retryIn(RECONSIDER_MS)
  }

  /**
   * Remote workers, and how many of their handlers are free. A worker that reads its mailbox only after the others will have started all the rest gets
   * nothing: they start it after the handlers they run now, which may all end at the same moment.
   */
  #freeRemotes(side: WriterSide | undefined, local: WorkerLink | undefined): Plan[] {
    const plans: Plan[] = []
    let rate = local?.rate ?? 0
    let handlers = rate > 0 ? (local?.concurrency ?? 0) : 0
    let left = this.#waiting
    for (const remote of this.#remotes(side)) {
      if (left === 0) break
      const held = this.#state.held.get(remote.id) ?? 0
      const room = remote.room(held)
      const count = Math.max(0, Math.min(remote.concurrency - held, room, left))
      if (rate > 0 && (left + handlers) / rate < remote.delayMs) {
        if (count > 0) this.#retryIn(remote.delayMs)
        continue
      }
      if (remote.rate > 0) handlers += remote.concurrency
      rate += remote.rate
      left -= count
      plans.push({ remote, held, room, count })
    }
    return plans
  }

  /** Workers of other processes in serving order. One that left may still be known by what it left behind. */
  *#remotes(side: WriterSide | undefined): Generator<RemoteWorker, void, void> {
    for (const remote of side?.workers() ?? []) if (!this.#state.left.has(remote.id)) yield remote
  }

  /** Divides `left` messages that no handler is free for. Adds to the plans; claims for this process are made here. */
  #divide(left: number, local: WorkerLink | undefined, remotes: readonly Plan[], askedAt: number): void {
    const workers = remotes.map(({ remote }) => remote)
    const rateOf = ratesLike(local === undefined ? workers : [...workers, local])
    const most = (worker: RemoteWorker): number =>
      worker.rate > 0
        ? Number.POSITIVE_INFINITY
        : worker.concurrency + Math.max(worker.concurrency, Math.floor(rateOf(worker) * NEW_WORKER_MS))
    const shares = remotes.map(({ remote, held, room, count }): Share => {
      const ahead = Math.max(0, held + count - remote.concurrency)
      const more = Math.min(room, most(remote) - held) - count
      const isEnough = count === 0 && ahead > ENOUGH_SHARE * (ahead + more)
      const rate = rateOf(remote)
      return {
        ahead,
        room: isEnough || remote.delayMs > MAX_AHEAD_DELAY_MS ? 0 : more,
        rate,
        delayMs: wholeHandlersMs(remote.startsInMs, remote.concurrency / rate),
      }
    })
    if (local !== undefined) {
      const ahead = (this.#state.held.get(local.id) ?? 0) - local.concurrency
      shares.push({ ahead: Math.max(0, ahead), room: local.room(), rate: rateOf(local), delayMs: 0 })
    }
    const counts = shareOut(left, shares)
    for (const [i, plan] of remotes.entries()) plan.count += counts[i] ?? 0
    if (local !== undefined) this.#toLocal(local, counts.at(-1) ?? 0, askedAt)
  }

  /**
   * Messages that are more urgent than some in the hands of workers do not wait for room: each goes to the worker whose next handler is free first, before
   * what that holds ahead. A worker holds as many too many as it has handlers, at most.
   */
  #putUrgentFirst(askedAt: number): void {
    const above = this.#lowestActive()
    const { claims, context } = this.#options
    const local = context.worker()
    const remotes = [...this.#remotes(claims.side)]
    const rateOf = ratesLike(local === undefined ? remotes : [...remotes, local])
    const hands = remotes.map((remote) => ({
      extra: remote.room(this.#state.held.get(remote.id) ?? 0, true),
      waitMs: remote.delayMs + 1 / rateOf(remote),
      take: (count: number) => this.#toRemote(remote, count, above),
    }))
    if (local !== undefined) {
      hands.push({
        extra: local.overCapacity + Math.min(0, local.room()),
        waitMs: 1 / rateOf(local),
        take: (count) => this.#toLocal(local, count, askedAt, above),
      })
    }
    for (const { extra, take } of hands.sort((a, b) => a.waitMs - b.waitMs))
      if (extra > 0 && take(extra) < extra) return
  }

  /** Whether a message waits that is more urgent than some in the hands of workers. */
  #hasUrgent(): boolean {
    return (topPriority(this.#state) ?? Number.NEGATIVE_INFINITY) > this.#lowestActive()
  }

  #lowestActive(): number {
    return Math.min(...this.#state.activePriorities.keys())
  }

  /** Nothing waits in the queue: what waits for long behind busy handlers is taken back when others are idle, as much as makes all run out of work together. */
  #recall(): void {
    const { claims, context } = this.#options
    const { side } = claims
    if (side === undefined) return
    const local = context.worker()
    const rateOf = this.#rates(side, local)
    const holders = this.#holders(side, local, rateOf)
    if (holders.length === 0) return
    const idle = this.#idle(side, local, rateOf)
    const free = idle.reduce((sum, { count }) => sum + count, 0)
    if (free === 0) return
    // A worker that reports nothing becomes slower in the writer's eyes, which no event tells.
    this.#retryIn(RECONSIDER_MS)
    const counts = surplus([...holders, ...idle.map(({ rate }) => ({ ahead: 0, rate }))])
    let wanted = free
    for (const [i, { ahead, giveBack, waitMs }] of holders.entries()) {
      if (waitMs <= RECALL_MS) continue
      const count = Math.max(counts[i] ?? 0, Math.min(wanted, ahead))
      wanted -= Math.min(wanted, count)
      if (count > 0) giveBack(count)
    }
  }

  /** Rates of workers that hold messages; of which none is known, that of the others. */
  #rates(side: WriterSide, local: WorkerLink | undefined): RateOf {
    const holders = [...this.#state.held.keys()].flatMap((id) => side.worker(id) ?? [])
    return ratesLike(local === undefined ? holders : [...holders, local])
  }

  /** Workers with free handlers that would read soon that they have got something. */
  #idle(
    side: WriterSide,
    local: WorkerLink | undefined,
    rateOf: RateOf,
  ): { readonly count: number; readonly rate: number }[] {
    const idle = []
    if (local !== undefined && local.freeSlots() > 0) idle.push({ count: local.freeSlots(), rate: rateOf(local) })
    for (const remote of this.#remotes(side)) {
      if (remote.delayMs > MAX_RECALL_DELAY_MS || idle.length >= MAX_IDLE) break
      const held = this.#state.held.get(remote.id) ?? 0
      const count = Math.min(remote.concurrency - held, remote.room(held))
      if (count > 0) idle.push({ count, rate: rateOf(remote) })
    }
    return idle
  }

  /** Workers that hold messages ahead of their handlers, those that take longest for them first. */
  #holders(side: WriterSide, local: WorkerLink | undefined, rateOf: RateOf): Holder[] {
    const holders: Holder[] = []
    for (const [id, held] of this.#state.held) {
      const worker = id === local?.id ? local : side.worker(id)
      if (worker === undefined) continue
      const ahead = held - worker.concurrency
      if (ahead <= 0) continue
      const rate = rateOf(worker)
      const giveBack =
        worker === local
          ? (count: number) => local.recallTickets(count)
          : (count: number) => side.worker(id)?.recall(count)
      holders.push({ ahead, rate, waitMs: ahead / rate, giveBack })
    }
    return holders.sort((a, b) => b.waitMs - a.waitMs)
  }

  /**
   * How often the inbox is to be read because of claims in other processes, in ms. `soon`: while something comes, several times in the time that what the workers hold
   * ahead lasts. `latest`: while there is something to hand out, several times while a handler runs; otherwise in time for claims that are about to expire.
   */
  visits(): { readonly soonMs: number; readonly latestMs: number } {
    const { claims, context } = this.#options
    const worker = context.worker()
    const local = worker?.id
    const localHandlerMs =
      worker === undefined || worker.rate === 0 ? Number.POSITIVE_INFINITY : worker.concurrency / worker.rate
    const { visibilityTimeoutMs } = context.options
    let soonMs = MAX_VISIT_MS
    let handlerMs = Number.POSITIVE_INFINITY
    let isShared = false
    let hasAhead = false
    for (const [id, held] of this.#state.held) {
      if (id === local) continue
      isShared = true
      const remote = claims.side?.worker(id)
      if (remote === undefined) continue
      if (remote.rate === 0) {
        // How long its handlers take is not known: those here may be like them.
        handlerMs = Math.min(handlerMs, localHandlerMs)
        continue
      }
      const ahead = held - remote.concurrency
      hasAhead ||= ahead > 0
      soonMs = Math.min(soonMs, Math.max(0, ahead / remote.rate / VISITS_WHILE_AHEAD))
      handlerMs = Math.min(handlerMs, remote.concurrency / remote.rate)
    }
    const mayHandOut = this.#waiting > 0 || hasAhead
    const perTimeoutMs = isShared ? visibilityTimeoutMs / VISITS_PER_TIMEOUT : Number.POSITIVE_INFINITY
    // Without a backlog the next message or settlement may come at any time.
    if (!hasAhead) soonMs = mayHandOut ? 0 : QUIET_VISIT_MS
    const perHandlerMs = Math.max(soonMs, MIN_VISIT_MS, Math.min(MAX_LATEST_MS, handlerMs / VISITS_PER_HANDLER))
    const latestMs = isShared && mayHandOut ? Math.min(perTimeoutMs, perHandlerMs) : perTimeoutMs
    return { soonMs, latestMs }
  }

  /** Something may be done differently after `ms`, although nothing happens until then. */
  #retryIn(ms: number): void {
    const { context, loop, signal } = this.#options
    if (this.#retry !== undefined || signal.aborted) return
    this.#retry = context.options.clock.setTimer(ms, () => {
      this.#retry = undefined
      loop.wake()
    })
  }

  #cancelRetry(): void {
    this.#retry?.()
    this.#retry = undefined
  }

  stop(): void {
    this.#cancelRetry()
  }

  /** The claims to make now. Where there are none the clock stays, as its step would be a commit of its own. */
  #decide(demand: Demand): Dispatch | undefined {
    const dispatch = decideDispatch(this.#state, demand)
    return dispatch !== undefined && this.#options.loop.tick() ? decideDispatch(this.#state, demand) : dispatch
  }

  /** Returns how many claims were made. */
  #toLocal(worker: WorkerLink, limit: number, askedAt: number, above?: number): number {
    const { visibilityTimeoutMs: timeoutMs } = this.#options.context.options
    const dispatch = this.#decide({ worker: worker.id, limit, timeoutMs, above })
    if (dispatch === undefined) return 0
    const { event, count } = dispatch
    worker.reserve(count)
    const durable = (): void => {
      this.#options.claims.start(tokensOf(event.token, count), timeoutMs)
      const claims = this.#claimsFrom(event.token, count)
      if (claims.length < count) worker.forfeit(count - claims.length)
      handOver(claims, {
        payloads: this.#options.payloads,
        isWanted: (claim) => this.#isWanted(claim),
        deliver: (tickets) => worker.deliver(tickets, { provenAt: askedAt, askedAt }, tickets.length),
        dropped: (claim) => {
          worker.forfeit(1)
          this.#giveBack([claim])
        },
        unreadable: (claim, error) => {
          worker.forfeit(1)
          this.#unreadable(claim, error)
        },
      })
    }
    this.#options.loop.record([event], { durable, lost: () => worker.forfeit(count) })
    return count
  }

  /** Returns how many claims were made: no more than travel in one object, and then the next commit makes more. */
  #toRemote(remote: RemoteWorker, wanted: number, above?: number): number {
    const most = Math.max(MIN_TRAVELLING, Math.floor(MAX_TRAVELLING_BYTES / (this.#payloadSize + PER_TICKET_BYTES)))
    const limit = Math.min(wanted, most)
    const { visibilityTimeoutMs: timeoutMs } = this.#options.context.options
    const dispatch = this.#decide({ worker: remote.id, limit, timeoutMs, above })
    if (dispatch === undefined) return 0
    const { event, count } = dispatch
    const durable = (): void => {
      const claims = this.#claimsFrom(event.token, count)
      const large = claims.filter(isOffloaded)
      if (large.length > 0)
        void this.#send(
          remote,
          large.map((claim) => ({ claim, payload: undefined })),
        )
      handOver(large.length > 0 ? claims.filter((claim) => !isOffloaded(claim)) : claims, {
        payloads: this.#options.payloads,
        isWanted: (claim) => this.#isWanted(claim),
        deliver: (tickets) => {
          this.#measure(tickets)
          void this.#send(remote, tickets.map(lightened))
        },
        dropped: (claim) => this.#giveBack([claim]),
        unreadable: (claim, error) => this.#unreadable(claim, error),
      })
    }
    const share = this.#state.shared ? [] : [{ type: 'shared' } as const]
    this.#options.loop.record([...share, event], { durable, lost: () => {} })
    if (count < wanted) this.#options.loop.wake()
    return count
  }

  /** Smooths the size of payloads over a few deliveries. */
  #measure(tickets: readonly TravellingTicket[]): void {
    const sum = tickets.reduce((bytes, { payload }) => bytes + Math.min(MAX_INLINE, payload?.length ?? 0), 0)
    this.#payloadSize += 0.5 * (sum / tickets.length - this.#payloadSize)
  }

  /** Tickets on their way. What does not arrive was never seen by anybody, so the attempt does not count. */
  async #send(remote: RemoteWorker, tickets: readonly TravellingTicket[]): Promise<void> {
    const { context, signal } = this.#options
    const arrives = await remote.deliver(tickets).catch((error: unknown) => {
      if (!signal.aborted) context.trouble(error)
      return true
    })
    // A worker that left may have had some of them: it settled those before.
    if (!arrives) await this.#options.lookIntoInbox()
    if (signal.aborted) return
    const claims = tickets.map(({ claim }) => claim)
    this.#options.expectFromInbox()
    if (arrives) {
      this.#options.claims.startAll(claims.filter(({ token }) => this.#state.active.has(token)))
      // The worker may have room that it had not while these were on their way.
      if (this.#waiting > 0) this.#options.loop.wake()
    } else this.#giveBack(claims)
  }

  /** The claims that are to be handed over. Those that an operator released since they were made go back instead. */
  #claimsFrom(first: number, count: number): Claim[] {
    const claims: Claim[] = []
    for (let token = first; token < first + count; token++) {
      const claim = this.#state.active.get(token)
      if (claim !== undefined) claims.push(claim)
    }
    this.#giveBack(claims.filter(({ releasing }) => releasing))
    return claims.filter(({ releasing }) => !releasing)
  }

  #isWanted({ token, releasing }: Claim): boolean {
    return this.#state.active.has(token) && !releasing
  }

  /** These claims did not reach their worker. Those of them that are still active end, and their attempts do not count. */
  #giveBack(claims: readonly Claim[]): void {
    const active = claims.filter(({ token }) => this.#state.active.has(token))
    if (active.length === 0) return
    this.#options.settle(
      active.map(({ token }) => ({ token, kind: 'release', started: false })),
      active,
    )
  }

  /**
   * The payload of this claim cannot be read: reported, and tried again like any failed attempt, until the dead letters keep it. But not by a
   * writer that has been replaced without its knowing: its successor may have deleted what nobody needs any more.
   */
  #unreadable(claim: Claim, error: unknown): void {
    const { context, loop, signal } = this.#options
    const report = (): void => {
      if (!this.#state.active.has(claim.token)) return
      if (!signal.aborted) context.trouble(error)
      const { name, message } = error instanceof Error ? error : new Error(String(error))
      this.#options.settle([{ token: claim.token, kind: 'fail', name, message, retriable: true }], [claim])
    }
    loop.whenCurrent().then(report, () => {})
  }
}

function tokensOf(first: number, count: number): number[] {
  const tokens = new Array<number>(count)
  for (let i = 0; i < count; i++) tokens[i] = first + i
  return tokens
}

/** Payloads that fit beside many others; larger ones the worker reads where they lie. */
function lightened({ claim, payload }: TravellingTicket): TravellingTicket {
  return { claim, payload: payload !== undefined && payload.length <= MAX_INLINE ? payload : undefined }
}

function isOffloaded({ batch }: Claim): boolean {
  return batch.extras?.payloadKey !== undefined
}

/** A handler is not divided: a worker that begins half a handler later than others gets as much as they. */
function wholeHandlersMs(delayMs: number, handlerMs: number): number {
  return Math.floor(delayMs / handlerMs) * handlerMs
}

type RateOf = (worker: Pick<WorkerSelf, 'rate' | 'concurrency'>) => number

/** Rates in messages per ms. The handlers of a worker of which none is known are taken to be like those of the others. */
function ratesLike(workers: readonly Pick<WorkerSelf, 'rate' | 'concurrency'>[]): RateOf {
  const known = workers.filter(({ rate }) => rate > 0)
  const handlers = known.reduce((sum, { concurrency }) => sum + concurrency, 0)
  const perHandler = handlers === 0 ? UNKNOWN_RATE : known.reduce((sum, { rate }) => sum + rate, 0) / handlers
  return ({ rate, concurrency }) => (rate > 0 ? rate : Math.max(1, concurrency) * perHandler)
}
