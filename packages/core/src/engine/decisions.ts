/**
 * What a term makes of commands: each is decided over the state as it is now, and goes into the next commit with those who must hear of it.
 *
 * The decisions themselves are pure functions beside this folder (`enqueue.ts`, `settle.ts`, …); here is what they lead to.
 */
import { backoffMs } from '../backoff.ts'
import { decideControl } from '../control.ts'
import { assertDuration } from '../duration.ts'
import { decideEnqueue } from '../enqueue.ts'
import { decideExpire } from '../expire.ts'
import { decideSettle, type SettleDecision } from '../settle.ts'
import type { Payload } from '../state/batch-codec.ts'
import type {
  Command,
  ControlAction,
  ControlCommand,
  EnqueueCommand,
  SettleCommand,
  Settlement,
} from '../state/commands.ts'
import type { Claim, QueueState } from '../state/model.ts'
import { Announcer, outcomesOf } from './announcer.ts'
import type { Claims } from './claims.ts'
import type { CommitLoop, Effect } from './commit-loop.ts'
import type { Answer, EngineContext } from './context.ts'
import type { LogTime } from './log-time.ts'

export interface DecisionsOptions {
  readonly context: EngineContext
  readonly state: QueueState
  readonly loop: CommitLoop
  readonly time: LogTime
  readonly claims: Claims
}

export class Decisions {
  readonly #context: EngineContext
  readonly #state: QueueState
  readonly #loop: CommitLoop
  readonly #time: LogTime
  readonly #claims: Claims
  readonly #announcer: Announcer

  constructor({ context, state, loop, time, claims }: DecisionsOptions) {
    this.#context = context
    this.#state = state
    this.#loop = loop
    this.#time = time
    this.#claims = claims
    this.#announcer = new Announcer(context, state, time)
  }

  /** Takes a command into the next commit. `payloads`: of an enqueue. */
  take(command: Command, payloads: readonly Payload[]): Answer {
    if (command.type === 'enqueue') return this.#enqueue(command, payloads)
    if (command.type === 'control') return this.#control(command)
    if (command.type === 'settle') this.#settleElsewhere(command)
    else if (command.type === 'left') this.#left(command.worker)
    else {
      this.#claims.heard(command)
      if (command.capacity === 0 && command.silentForMs === 0) this.#left(command.worker)
    }
    return { kind: 'taken' }
  }

  /** A worker is gone. In the log first: no later writer hands it anything, and each gives back what it still holds. */
  #left(worker: string): void {
    if (this.#claims.side !== undefined) {
      this.#loop.tick()
      this.#loop.record([{ type: 'left', worker }])
    }
    void this.#claims.releaseLeft(worker)
  }

  #enqueue(sent: EnqueueCommand, payloads: readonly Payload[]): Answer {
    const visibleAt = this.#time.fromWall(sent.visibleAt)
    const command = visibleAt === sent.visibleAt ? sent : { ...sent, visibleAt }
    // Windows and waits are counted from now, not from the last commit.
    if (command.extras !== undefined) this.#loop.tick()
    else this.#loop.tickForNewCommit()
    const decision = decideEnqueue(this.#state, command)
    if (decision.kind === 'repeated') return { kind: 'taken' }
    if (decision.kind === 'enqueued') {
      const { before, event } = decision
      this.#loop.record(before === undefined ? [event] : [before, event], this.#announcer.enqueued(command), payloads)
    } else this.#loop.record([decision.event])
    return decision.kind === 'duplicate' ? decision : { kind: 'taken' }
  }

  #control(command: ControlCommand): Answer {
    this.#loop.tick()
    const decision = decideControl(this.#state, command)
    if (decision === undefined) return { kind: 'taken' }
    const { events, result, token } = decision
    const claim = token === undefined ? undefined : this.#state.active.get(token)
    const durable = (): void => {
      if (claim !== undefined && command.action.kind === 'cancel') {
        this.#claims.cancelled(claim)
        this.#announcer.cancelled(claim)
      } else if (claim !== undefined) this.#claims.release(claim)
      this.#tellGone(command.action)
    }
    this.#loop.record(events, { durable, lost: () => {} })
    this.#loop.wake()
    return { kind: 'result', result }
  }

  /** A message that somebody waits for may be gone. */
  #tellGone(action: ControlAction): void {
    const { endings } = this.#context
    if (action.kind === 'cancel') endings.tell(action.id, () => ({ kind: 'look' }))
    else if (action.kind === 'purge') endings.lookAgain()
  }

  /** Ends claims. `claims`: what is known of them, in the same order. */
  settle(settlements: readonly Settlement[], claims: readonly (Claim | undefined)[], effect?: Effect): SettleDecision {
    this.#loop.tick()
    const decision = decideSettle(this.#state, settlements, (claim, failure) => this.#retryDelay(claim, failure))
    for (const { token } of settlements) this.#claims.forget(token)
    this.#loop.record(decision.events, this.#announcer.settled(settlements, claims, decision, effect))
    return decision
  }

  /** Settlements from another process, whose worker may want to hear how they were taken. */
  #settleElsewhere({ settlements, worker }: SettleCommand): void {
    const claims = settlements.map(({ token }) => this.#state.active.get(token))
    const decision = this.settle(settlements, claims)
    const remote = worker === undefined ? undefined : this.#claims.side?.worker(worker)
    if (remote === undefined) return
    const outcomes = outcomesOf(settlements, claims, decision, this.#state.now)
    this.#loop.record([], { durable: () => remote.settled(outcomes), lost: () => {} })
  }

  /** What handlers of this process reported. */
  report(reports: readonly { readonly token: number }[]): void {
    if (reports.length > 0) this.#loop.tick()
    for (const report of reports) {
      if (this.#state.active.has(report.token)) this.#loop.record([{ type: 'reported', ...report }])
    }
  }

  /** Claims are over without a settlement. `crashed`: the process of their worker has ended. */
  expire(tokens: readonly number[], crashed = false): void {
    const claims = tokens.map((token) => this.#state.active.get(token)).filter((claim) => claim !== undefined)
    if (claims.length === 0) return
    // This may run before the worker's own timer. A handler must be told to stop before another worker can get its message.
    this.#context.worker()?.stopOverdue()
    this.#loop.tick()
    for (const token of tokens) this.#claims.forget(token)
    const decided = decideExpire(this.#state, tokens, crashed)
    this.#loop.record(decided, this.#announcer.expired(claims, decided))
    this.#claims.ranOut(claims)
  }

  /** What the handler asked for, else the message's own backoff, else the user's function, else the queue's. */
  #retryDelay({ attempt, batch }: Claim, failure: Extract<Settlement, { kind: 'fail' }>): number {
    const { options, trouble } = this.#context
    if (failure.afterMs !== undefined) return failure.afterMs
    const own = batch.extras?.backoff
    if (own === undefined && options.backoffFunction !== undefined) {
      try {
        const ms: unknown = options.backoffFunction(attempt, failure)
        assertDuration('createQueue', 'backoff', ms, 'must return')
        return ms
      } catch (error) {
        trouble(error)
      }
    }
    return backoffMs(own ?? options.backoff, attempt, options.random.next())
  }
}
