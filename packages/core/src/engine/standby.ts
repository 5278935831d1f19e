/**
 * What a process does while another one writes: sends its commands through the inbox, and with a transport its worker gets tickets
 * all the same.
 *
 * Owns the worker's side of the transport. Nothing here decides anything: what a worker is told comes from the writer.
 */
import { Cancelled, Released } from '../errors.ts'
import type { Payload } from '../state/batch-codec.ts'
import type { Command, SettleCommand, Settlement } from '../state/commands.ts'
import type { Claim } from '../state/model.ts'
import type {
  ClaimExtension,
  Extended,
  SettledElsewhere,
  StandbyProcess,
  TravellingTicket,
  WorkerSide,
} from '../transport/port.ts'
import { announceSettled, SETTLED } from './announcer.ts'
import type { EngineContext, Submission, TicketTimes, WorkerLink } from './context.ts'
import { FIRST_POLL_MS } from './inbox-reader.ts'
import type { InboxSender } from './inbox-sender.ts'
import { PayloadSource } from './payload-source.ts'

/** Settled claims to remember for their events, at most. */
const MAX_REMEMBERED = 20_000
/** Share of the visibility timeout that a settlement may wait for others: a later one could come after its claim has expired. */
const WAITING_SHARE = 0.02

export interface StandbyOptions {
  readonly context: EngineContext
  readonly inbox: InboxSender
  /** The highest epoch this process has seen. */
  readonly epoch: () => number
  readonly sawEpoch: (epoch: number) => void
  /** Look at the lease now. */
  readonly wake: () => void
  readonly meets: StandbyProcess['meets']
  readonly doubt: StandbyProcess['doubt']
  readonly signal: AbortSignal
}

export class Standby {
  readonly #options: StandbyOptions
  readonly #payloads: PayloadSource
  #joined: { readonly worker: WorkerLink; readonly side: WorkerSide } | undefined
  /** Tokens of claims whose payloads are being read. */
  readonly #loading = new Set<number>()
  /** Claims that were settled, until it is known how that was taken. */
  readonly #settled = new Map<number, { readonly claim: Claim; readonly settlement: Settlement }>()
  #flushedAt = Number.NEGATIVE_INFINITY
  #cancelFlush: (() => void) | undefined

  constructor(options: StandbyOptions) {
    this.#options = options
    this.#payloads = new PayloadSource(options.context, options.signal)
  }

  /** Whether this process should watch the writer closely: without a transport it must, as nobody tells it anything. */
  get isDeputy(): boolean {
    return this.#joined?.side.isDeputy ?? true
  }

  /** Whether tickets come although another process writes. */
  get isJoined(): boolean {
    return this.#joined !== undefined
  }

  /** Another process writes: if this one has a worker, it is to get tickets. */
  begin(): void {
    const { context, epoch, sawEpoch, wake, meets, doubt } = this.#options
    const { transport } = context.options
    const worker = context.worker()
    if (transport === undefined || worker === undefined || this.#joined !== undefined) return
    const side = transport.join({
      ...{ queue: context.options, worker, epoch, sawEpoch, wake, meets, doubt, trouble: context.trouble },
      knows: context.knows,
      send: (commands) => this.#send(commands),
      deliver: (tickets, provenAt, askedAt) => this.#deliver(worker, tickets, provenAt, askedAt),
      revoke: (token, why) => {
        if (why === 'cancelled') context.revoke(token, new Cancelled('The message was cancelled.'))
        else context.release(token, new Released('The message was released by an operator; another attempt follows.'))
      },
      settled: (outcomes) => this.#announce(outcomes),
      recall: (count) => {
        worker.recallTickets(count)
        this.flush()
      },
    })
    this.#joined = { worker, side }
  }

  /** Something may have come for the worker. */
  look(): void {
    this.#joined?.side.look()
  }

  /** This process writes: what has ended and is not sent yet, its term takes. */
  keep(): void {
    this.#unschedule()
  }

  /** This process is about to write: from here on it hears of no other writer. */
  end(): void {
    this.#unschedule()
    this.#joined?.side.stop()
    this.#joined = undefined
    this.#settled.clear()
  }

  /** The log was replaced: what this process knows of claims is void. */
  abandon(): void {
    this.end()
    this.#loading.clear()
  }

  /** Whether the payload of this claim is being read. */
  isLoading(token: number): boolean {
    return this.#loading.has(token)
  }

  /** The payload of this claim is not needed any more. Returns whether it was being read. */
  forget(token: number): boolean {
    return this.#loading.delete(token)
  }

  /** Sends what has ended soon, together with what ends meanwhile: not more often than the writer looks. */
  flushSoon(): void {
    if (this.#cancelFlush !== undefined) return
    const { clock, maxPollMs, visibilityTimeoutMs } = this.#options.context.options
    const dueAt = this.#flushedAt + Math.min(FIRST_POLL_MS, maxPollMs, visibilityTimeoutMs * WAITING_SHARE)
    this.#cancelFlush = clock.setTimer(Math.max(0, dueAt - clock.monotonic()), () => this.flush())
  }

  /** Sends what has ended, if anything has. */
  flush(): void {
    this.#unschedule()
    const { context, inbox } = this.#options
    const worker = context.worker()
    if (worker === undefined) return
    const { settlements, claims } = worker.takeFinished()
    const side = this.#joined?.worker === worker ? this.#joined.side : undefined
    if (settlements.length === 0 && side === undefined) return
    const notices = side?.notice(settlements, worker.takeReports()) ?? []
    const hears = side !== undefined && this.#wantsOutcomes()
    const settle: SettleCommand = { type: 'settle', settlements, ...(hears ? { worker: worker.id } : {}) }
    // What handlers reported comes first: a claim that has ended takes no more of it.
    const commands = settlements.length > 0 ? [...notices, settle] : notices
    if (commands.length === 0) return
    this.#flushedAt = context.options.clock.monotonic()
    if (hears) this.#remember(settlements, claims)
    inbox.send({
      ...{ commands, payloads: [], outlivesRefusals: settlements.length > 0, resolve: () => side?.sent() },
      reject: (error) => context.trouble(error),
    })
  }

  async extend(tokens: readonly number[]): Promise<Extended | undefined> {
    return this.#joined?.side.extend(tokens)
  }

  /** Undefined if nobody can be asked; an answer of undefined says that the claim is over. */
  setTimeout(token: number, ms: number): Promise<ClaimExtension | undefined> | undefined {
    return this.#joined?.side.setTimeout(token, ms)
  }

  /** This worker is gone, and all it had is settled. Resolves to whether the transport reports that to the writer. */
  async leave(worker: WorkerLink): Promise<boolean> {
    const { context, signal } = this.#options
    const { options, trouble } = context
    if (this.#joined?.worker !== worker) {
      await options.transport?.left({ id: worker.id, queue: options, signal, trouble })
      return false
    }
    const { side } = this.#joined
    this.#joined = undefined
    await side.leave(signal)
    return true
  }

  #unschedule(): void {
    this.#cancelFlush?.()
    this.#cancelFlush = undefined
  }

  #send(commands: readonly Command[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const submission: Submission = { commands, payloads: [], resolve: () => resolve(), reject }
      this.#options.inbox.send(submission)
    })
  }

  #deliver(
    worker: WorkerLink,
    tickets: readonly TravellingTicket[],
    provenAt: number,
    askedAt: number | undefined,
  ): void {
    const times = { provenAt, askedAt }
    const ready = tickets.flatMap(({ claim, payload }) => (payload === undefined ? [] : [{ claim, payload }]))
    if (ready.length > 0) worker.deliver(ready, times, 0)
    for (const { claim, payload } of tickets) if (payload === undefined) void this.#load(worker, claim, times)
  }

  /** Never rejects. */
  async #load(worker: WorkerLink, claim: Claim, times: TicketTimes): Promise<void> {
    this.#loading.add(claim.token)
    worker.reserve(1)
    let payload: Payload | undefined
    try {
      payload = await this.#payloads.load(claim)
    } catch (error) {
      await this.#unreadable(claim, error).catch((reason: unknown) => this.#options.context.trouble(reason))
    }
    const isWanted = this.#loading.delete(claim.token)
    if (payload !== undefined && isWanted) worker.deliver([{ claim, payload }], times, 1)
    else worker.forfeit(1)
  }

  /** The payload is in no object any more, or cannot be read: like a failed attempt, if the claim is still ours. If not, nobody needs it. */
  async #unreadable(claim: Claim, error: unknown): Promise<void> {
    const { context, signal } = this.#options
    const extended = await this.#joined?.side.extend([claim.token])
    if (signal.aborted || extended?.held.has(claim.token) !== true) return
    context.trouble(error)
    const { name, message } = error instanceof Error ? error : new Error(String(error))
    const settlement: Settlement = { token: claim.token, kind: 'fail', name, message, retriable: true }
    await this.#send([{ type: 'settle', settlements: [settlement] }])
  }

  #wantsOutcomes(): boolean {
    const { events } = this.#options.context
    return SETTLED.some((name) => events.hears(name))
  }

  #remember(settlements: readonly Settlement[], claims: readonly Claim[]): void {
    for (const [i, settlement] of settlements.entries()) {
      const claim = claims[i]
      if (claim !== undefined) this.#settled.set(claim.token, { claim, settlement })
    }
    // A writer that was replaced may never say it.
    for (const token of this.#settled.keys()) {
      if (this.#settled.size <= MAX_REMEMBERED) break
      this.#settled.delete(token)
    }
  }

  #announce(outcomes: readonly SettledElsewhere[]): void {
    for (const outcome of outcomes) {
      const known = this.#settled.get(outcome.token)
      if (known === undefined) continue
      this.#settled.delete(outcome.token)
      const now = this.#options.context.wallNow()
      announceSettled(this.#options.context, known.claim, known.settlement, outcome, now, now)
    }
  }
}
