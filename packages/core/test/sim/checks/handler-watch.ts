/**
 * Watches the handlers of all processes: each runs for a claim that is in the log, once, with the message's own payload; none believes in a claim that
 * ran out; and no two of one message run at a time. But for those that were told to stop, or stand still and cannot be told.
 */
import type { HandlerContext, Message } from '../../../src/index.ts'
import type { Model } from '../truth/model.ts'
import type { Gate } from '../world/gate.ts'
import { textOf } from '../world/payload.ts'
import { must, Violation } from '../world/violation.ts'

interface RunningHandler {
  readonly process: string
  readonly gate: Gate
  readonly context: HandlerContext
}

export class HandlerWatch {
  readonly #model: Model
  readonly #running = new Map<string, Set<RunningHandler>>()
  readonly #started = new Set<number>()
  readonly #returned = new Set<number>()
  /** Tokens that are said never to have reached a handler. */
  readonly #givenBack = new Set<number>()
  /** Tokens of which a worker has said that it knows them to be taken away. */
  readonly #knownAway = new Set<number>()

  constructor(model: Model) {
    this.#model = model
  }

  /** A handler is called. Returns what to call when it ends, with whether it returned. */
  started(
    process: string,
    gate: Gate,
    { id, payload }: Message<unknown>,
    context: HandlerContext,
  ): (hasReturned: boolean) => void {
    const { fencingToken: token, attempt, workerId } = context
    const claim = this.#model.claims.get(token)
    must(claim !== undefined, `${process} handles ${id} under token ${token}, which no commit gave out`)
    must(
      claim.message.id === id && context.id === id,
      `${process} handles ${id} under the token of ${claim.message.id}`,
    )
    must(claim.worker === workerId, `worker ${workerId} handles ${id} under a token of worker ${claim.worker}`)
    must(
      claim.attempt === attempt,
      `${process} is told that this is attempt ${attempt} at ${id}, but it is ${claim.attempt}`,
    )
    must(claim.message.payload === textOf(payload), `${process} handles ${id} with the payload of another message`)
    must(!this.#started.has(token), `${process} handles ${id} a second time under token ${token}`)
    must(!this.#givenBack.has(token), `${process} handles ${id} under token ${token}, which was given back unstarted`)
    must(
      !this.#knownAway.has(token),
      `${process} begins to handle ${id} under token ${token}, which it knows is taken back`,
    )
    must(claim.end !== 'expired', `${process} begins to handle ${id} under token ${token}, which ran out`)
    this.#started.add(token)
    const handler = { process, gate, context }
    const all = this.#running.get(id) ?? new Set()
    this.#running.set(id, all.add(handler))
    this.#assertAlone(id, all)
    return (hasReturned) => {
      if (hasReturned) this.#returned.add(token)
      all.delete(handler)
      if (all.size === 0) this.#running.delete(id)
    }
  }

  /** What the log says of a handler's outcome, its handler must have said before. */
  settled(end: 'completed' | 'snoozed' | 'retried' | 'died', token: number): void {
    must(this.#started.has(token), `token ${token} is ${end}, but no handler ever had it`)
    if (end === 'completed' || end === 'snoozed') {
      must(this.#returned.has(token), `token ${token} is ${end}, but its handler has not returned`)
    }
  }

  /** Whether a handler had the message under this token. */
  hasStarted(token: number): boolean {
    return this.#started.has(token)
  }

  /** A claim ends without its handler, and another worker may get the message: by then its worker has told the handler to stop. */
  ended(token: number, how: string): void {
    const id = this.#model.claims.get(token)?.message.id ?? ''
    for (const { process, gate, context } of this.#running.get(id) ?? []) {
      const trusts = context.fencingToken === token && gate.isAwake && !context.signal.aborted
      must(!trusts, `token ${token} of ${id} ${how}, while ${process} handles it and was not told to stop`)
    }
  }

  /** A claim was given back as one that no handler ever had. */
  givenBack(token: number): void {
    must(!this.#started.has(token), `token ${token} is given back unstarted, but a handler had it`)
    this.#givenBack.add(token)
  }

  /** A worker has heard that a claim was taken from it: from here on nobody honours that claim. */
  heardOfTaking(token: number): void {
    this.#knownAway.add(token)
    const id = this.#model.claims.get(token)?.message.id ?? ''
    for (const { process, context } of this.#running.get(id) ?? []) {
      const goesOn = context.fencingToken === token && !context.signal.aborted
      must(!goesOn, `${process} knows that token ${token} of ${id} is taken back, and its handler was not told to stop`)
    }
  }

  /** A process has done what was left from its pause: it has no excuse any more. */
  awake(): void {
    for (const [id, all] of this.#running) this.#assertAlone(id, all)
  }

  #assertAlone(id: string, all: ReadonlySet<RunningHandler>): void {
    if (all.size < 2) return
    const trusting = [...all].filter(
      ({ gate, context }) => gate.isAwake && !context.signal.aborted && this.#mustStop(context.fencingToken),
    )
    if (trusting.length < 2) return
    const who = trusting.map(({ process, context }) => `${process} (token ${context.fencingToken})`).join(' and ')
    throw new Violation(`${id} is handled by ${who} at the same time, and none of them was told to stop`)
  }

  /** Not so where an operator cancelled the message: its worker is told as soon as that can be. */
  #mustStop(token: number): boolean {
    return this.#model.claims.get(token)?.end !== 'cancelled'
  }
}
