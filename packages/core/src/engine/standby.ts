/**
 * What a process does while another one writes: sends its commands through the inbox, and with a transport its worker gets tickets
 * all the same.
 *
 * Owns the worker's side of the transport. Nothing here decides anything: what a worker is told comes from the writer.
 */
import { Cancelled, Released } from '../errors.ts'
import type { EventHub } from '../events.ts'
import type { Command, SettleCommand, Settlement } from '../state/commands.ts'
import type { Claim } from '../state/model.ts'
import type { ClaimExtension, Extended, SettledElsewhere, TravellingTicket, WorkerSide } from '../transport/port.ts'
import { announceSettled, SETTLED } from './announcer.ts'
import type { EngineContext, Submission, WorkerLink } from './context.ts'
import type { InboxSender } from './inbox-sender.ts'
import { PayloadSource } from './payload-source.ts'

/** Settled claims to remember for their events, at most. */
const MAX_REMEMBERED = 20_000

export interface StandbyOptions {
  readonly context: EngineContext
  readonly inbox: InboxSender
  /** The highest epoch this process has seen. */
  readonly epoch: () => number
  readonly sawEpoch: (epoch: number) => void
  /** Look at the lease now. */
  readonly wake: () => void
  readonly signal: AbortSignal
}

export class Standby {
  readonly #options: StandbyOptions
  readonly #payloads: PayloadSource
  #side: WorkerSide | undefined
  /** Tokens of claims whose payloads are being read. */
  readonly #loading = new Set<number>()
  /** Claims that were settled, until it is known how that was taken. */
  readonly #settled = new Map<number, { readonly claim: Claim; readonly settlement: Settlement }>()

  constructor(options: StandbyOptions) {
    this.#options = options
    this.#payloads = new PayloadSource(options.context, options.signal)
  }

  /** Whether this process should watch the writer closely: without a transport it must, as nobody tells it anything. */
  get isDeputy(): boolean {
    return this.#side?.isDeputy ?? true
  }

  /** Whether tickets come although another process writes. */
  get isJoined(): boolean {
    return this.#side !== undefined
  }

  /** Another process writes: if this one has a worker, it is to get tickets. */
  begin(): void {
    const { context, epoch, sawEpoch, wake } = this.#options
    const { transport } = context.options
    const worker = context.worker()
    if (transport === undefined || worker === undefined || this.#side !== undefined) return
    this.#side = transport.join({
      ...{ queue: context.options, worker, epoch, sawEpoch, wake, trouble: context.trouble },
      knows: (token) => worker.knows(token) || this.#loading.has(token),
      send: (commands) => this.#send(commands),
      deliver: (tickets, provenAt, askedAt) => this.#deliver(worker, tickets, provenAt, askedAt),
      revoke: (token, why) => {
        const reason =
          why === 'cancelled'
            ? new Cancelled('The message was cancelled.')
            : new Released('The message was released by an operator; another attempt may run.')
        worker.revoke(token, reason)
      },
      settled: (outcomes) => this.#announce(context.events, outcomes),
    })
  }

  /** This process is about to write: from here on it hears of no other writer. */
  end(): void {
    this.#side?.stop()
    this.#side = undefined
    this.#settled.clear()
  }

  /** Sends what has ended, if anything has. */
  flush(): void {
    const { context, inbox } = this.#options
    const worker = context.worker()
    if (worker === undefined) return
    const { settlements, claims } = worker.takeFinished()
    if (settlements.length === 0 && this.#side === undefined) return
    const notices = this.#side?.notice(settlements, worker.takeReports()) ?? []
    const hears = this.#side !== undefined && this.#wantsOutcomes()
    const settle: SettleCommand = { type: 'settle', settlements, ...(hears ? { worker: worker.id } : {}) }
    const commands = settlements.length > 0 ? [settle, ...notices] : notices
    if (commands.length === 0) return
    if (hears) this.#remember(settlements, claims)
    const side = this.#side
    inbox.send({
      ...{ commands, payloads: [], resolve: () => side?.sent() },
      reject: (error) => context.trouble(error),
    })
  }

  async extend(tokens: readonly number[]): Promise<Extended | undefined> {
    return this.#side?.extend(tokens)
  }

  /** Undefined if nobody can be asked; an answer of undefined says that the claim is over. */
  setTimeout(token: number, ms: number): Promise<ClaimExtension | undefined> | undefined {
    return this.#side?.setTimeout(token, ms)
  }

  /** The worker is gone, and all it had is settled. */
  async leave(): Promise<void> {
    const side = this.#side
    this.#side = undefined
    await side?.leave(this.#options.signal)
  }

  #send(commands: readonly Command[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const submission: Submission = { commands, payloads: [], resolve: () => resolve(), reject }
      this.#options.inbox.send(submission)
    })
  }

  #deliver(worker: WorkerLink, tickets: readonly TravellingTicket[], provenAt: number, askedAt: number): void {
    const times = { provenAt, askedAt }
    const ready = tickets.flatMap(({ claim, payload }) => (payload === undefined ? [] : [{ claim, payload }]))
    if (ready.length > 0) worker.deliver(ready, times, 0)
    for (const { claim, payload } of tickets) {
      if (payload !== undefined) continue
      this.#loading.add(claim.token)
      this.#payloads
        .load(claim)
        .then(
          (loaded) => worker.deliver([{ claim, payload: loaded }], times, 0),
          (error: unknown) =>
            this.#unreadable(claim, error).catch((reason: unknown) => this.#options.context.trouble(reason)),
        )
        .finally(() => this.#loading.delete(claim.token))
    }
  }

  /** The payload is in no object any more, or cannot be read: like a failed attempt, if the claim is still ours. If not, nobody needs it. */
  async #unreadable(claim: Claim, error: unknown): Promise<void> {
    const { context, signal } = this.#options
    const extended = await this.#side?.extend([claim.token])
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

  #announce(events: EventHub, outcomes: readonly SettledElsewhere[]): void {
    for (const outcome of outcomes) {
      const known = this.#settled.get(outcome.token)
      if (known === undefined) continue
      this.#settled.delete(outcome.token)
      const now = this.#options.context.wallNow()
      announceSettled(events, known.claim, known.settlement, outcome, now, now)
    }
  }
}
