/**
 * Step 2 of a message's way, and the beginning of step 3: claims are made for workers here and elsewhere, and handed over once they are in the log.
 *
 * A claim's time begins when its worker can know of it: at once in this process, elsewhere when its ticket has arrived.
 */
import { handOver } from '../claim.ts'
import { decideDispatch } from '../dispatch.ts'
import type { Settlement } from '../state/commands.ts'
import type { Claim, QueueState } from '../state/model.ts'
import type { RemoteWorker, TravellingTicket } from '../transport/port.ts'
import type { Claims } from './claims.ts'
import type { CommitLoop } from './commit-loop.ts'
import type { EngineContext, WorkerLink } from './context.ts'
import type { PayloadSource } from './payload-source.ts'

/** Claims for a worker elsewhere in one commit, at most: their payloads travel in one object. */
const MAX_TRAVELLING = 256
/** Payloads of more characters or bytes do not travel with their tickets. */
const MAX_INLINE = 16 << 10
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

export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #state: QueueState

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#state = options.state
  }

  /** Makes claims for whoever has room. */
  dispatch(askedAt: number): void {
    const { claims, context } = this.#options
    claims.noteDue()
    if (this.#state.paused || this.#state.counts.waiting === 0) return
    const local = context.worker()
    if (local !== undefined) this.#toLocal(local, askedAt)
    const { side } = claims
    if (side === undefined || this.#state.counts.waiting === 0) return
    for (const remote of side.workers()) {
      this.#toRemote(remote)
      if (this.#state.counts.waiting === 0) return
    }
  }

  #toLocal(worker: WorkerLink, askedAt: number): void {
    const limit = worker.room()
    const { visibilityTimeoutMs: timeoutMs } = this.#options.context.options
    const dispatch = decideDispatch(this.#state, { worker: worker.id, limit, timeoutMs })
    if (dispatch === undefined) return
    const { event, count } = dispatch
    worker.reserve(count)
    const durable = (): void => {
      this.#options.claims.start(tokensOf(event.token, count), timeoutMs)
      const claims = this.#claimsFrom(event.token, count)
      if (claims.length < count) worker.forfeit(count - claims.length)
      handOver(claims, {
        payloads: this.#options.payloads,
        isActive: (token) => this.#state.active.has(token),
        deliver: (tickets) => worker.deliver(tickets, { provenAt: askedAt, askedAt }, tickets.length),
        dropped: (dropped) => worker.forfeit(dropped),
        unreadable: (claim, error) => {
          worker.forfeit(1)
          this.#unreadable(claim, error)
        },
      })
    }
    this.#options.loop.record([event], { durable, lost: () => worker.forfeit(count) })
  }

  #toRemote(remote: RemoteWorker): void {
    const room = remote.room(this.#state.held.get(remote.id) ?? 0)
    const limit = Math.min(room, MAX_TRAVELLING)
    const { visibilityTimeoutMs: timeoutMs } = this.#options.context.options
    const dispatch = decideDispatch(this.#state, { worker: remote.id, limit, timeoutMs })
    if (dispatch === undefined) return
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
        isActive: (token) => this.#state.active.has(token),
        deliver: (tickets) => void this.#send(remote, tickets.map(lightened)),
        dropped: () => {},
        unreadable: (claim, error) => this.#unreadable(claim, error),
      })
    }
    const share = this.#state.shared ? [] : [{ type: 'shared' } as const]
    this.#options.loop.record([...share, event], { durable, lost: () => {} })
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
    const claims = tickets.map(({ claim }) => claim).filter(({ token }) => this.#state.active.has(token))
    this.#options.expectFromInbox()
    if (arrives) this.#options.claims.startAll(claims)
    else
      this.#options.settle(
        claims.map(({ token }) => ({ token, kind: 'release', started: false })),
        claims,
      )
  }

  #claimsFrom(first: number, count: number): Claim[] {
    const claims: Claim[] = []
    for (let token = first; token < first + count; token++) {
      const claim = this.#state.active.get(token)
      if (claim !== undefined) claims.push(claim)
    }
    return claims
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
