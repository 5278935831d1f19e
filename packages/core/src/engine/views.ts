/**
 * What a process sees of its queue: the writer's own state once that is durable, elsewhere the log as far as it goes, and what waits in the inbox.
 * Nobody waits without end: see `Outstanding`.
 */
import { CorruptObject, LogReplaced } from '@s3queue/primitives'
import { sleep } from '@s3queue/storage'
import { QueueClosed } from '../errors.ts'
import type { Failure } from '../failure.ts'
import type { Described, MessageInfo } from '../message-info.ts'
import { type QueueView, statsOf } from '../queue-view.ts'
import type { EnqueueCommand } from '../state/commands.ts'
import type { Death } from '../state/failures.ts'
import { queueFold } from '../state/fold.ts'
import { numberedId, type QueueStats } from '../state/model.ts'
import type { Answer, EngineContext } from './context.ts'
import type { Election } from './election.ts'
import type { Ending, Expectation } from './endings.ts'
import { enqueueOutcome } from './enqueue-outcome.ts'
import type { Existence } from './existence.ts'
import { Observer } from './observer.ts'
import type { Outstanding } from './outstanding.ts'
import { wasTakenOver } from './term-end.ts'

/** A writer that was woken answers within about two seconds: until then the caller reads often. */
const AWAITED_MS = 3000
const AWAITED_POLL_MS = 250
/** Looks at a message whose texts are not where they were, before that is an error. */
const LOOKS = 3

/** What was found, and its messages with all their texts. */
export interface Completed<T> {
  readonly found: T
  readonly infos: readonly MessageInfo[]
}

export interface ViewsOptions {
  readonly context: EngineContext
  readonly election: Election
  readonly outstanding: Outstanding
  readonly existence: Existence
  /** Whether the queue takes no questions any more. */
  readonly isClosing: () => boolean
  readonly signal: AbortSignal
}

export class Views {
  readonly #options: ViewsOptions
  readonly #election: Election
  readonly #outstanding: Outstanding
  readonly #observer: Observer

  constructor(options: ViewsOptions) {
    this.#options = options
    this.#election = options.election
    this.#outstanding = options.outstanding
    this.#observer = new Observer(options.context, () => options.election.reached)
  }

  /** Looks at the state alone: the writer's once it is durable, or the log's as far as it goes. */
  async view<T>(look: (view: QueueView) => T): Promise<T> {
    this.#assertOpen()
    return this.#outstanding.bound(this.#view(look))
  }

  async #view<T>(look: (view: QueueView) => T): Promise<T> {
    if (!(await this.#exists())) return look(this.#nothing())
    const role = await this.#election.whenKnown()
    if (role.kind !== 'leading') return this.#observed(this.#observer.view(look, this.#options.signal))
    return role.term.view(look).catch((error: unknown) => {
      if (wasTakenOver(error)) return this.#view(look)
      throw error
    })
  }

  /** Exact numbers, also from a process that is not the writer. */
  stats(): Promise<QueueStats> {
    return this.survey(statsOf)
  }

  /**
   * Looks at the whole queue, as of some moment during the call: also at what lies in the inbox. The writer takes that out first, other processes
   * read it where it is. `id`: the message whose payload is wanted.
   */
  async survey<T>(look: (view: QueueView) => T, id?: string): Promise<T> {
    this.#assertOpen()
    return this.#outstanding.bound(this.#survey(look, id))
  }

  async #survey<T>(look: (view: QueueView) => T, id: string | undefined): Promise<T> {
    if (!(await this.#exists())) return look(this.#nothing())
    const role = await this.#election.whenKnown()
    if (role.kind !== 'leading') return this.#observed(this.#observer.survey(look, id, this.#options.signal))
    return role.term.survey(look).catch((error: unknown) => {
      if (wasTakenOver(error)) return this.#survey(look, id)
      throw error
    })
  }

  /** What is read without being the writer. If the log was replaced, this process is to notice as a whole. */
  #observed<T>(seen: Promise<T>): Promise<T> {
    return seen.catch((error: unknown) => {
      if (error instanceof LogReplaced) this.#election.doubt()
      throw error
    })
  }

  /** The writer's numbers without waiting for anything; undefined in other processes. */
  peekStats(): QueueStats | undefined {
    const { role } = this.#election
    return role.kind === 'leading' ? role.term.peekStats() : undefined
  }

  /**
   * What `look` finds of the message `id`, also if it still lies in the inbox. `mayBeOld`: whether what was found may be of another message, whose id was
   * used again by one in the inbox.
   */
  async find<T>(
    id: string,
    look: (view: QueueView) => T | undefined,
    mayBeOld: (found: T) => boolean = () => false,
  ): Promise<T | undefined> {
    const found = await this.view(look)
    return found !== undefined && !mayBeOld(found) ? found : this.survey(look, id)
  }

  /** As `find`, for a call that does not need the payload and may have heard of the end of the message before. */
  async findUnlessKnown<T>(
    look: (view: QueueView) => T | undefined,
    mayBeOld: (found: T) => boolean,
    isKnown: () => boolean,
  ): Promise<T | undefined> {
    const found = await this.view(look)
    if (found === undefined ? isKnown() : !mayBeOld(found)) return found
    return this.survey(look)
  }

  /**
   * What `look` finds, with the texts that are in the log. A message may leave the queue, and its commit the log, before they are read: then there is
   * another look.
   */
  async complete<T>(look: () => Promise<T>, messages: (found: T) => readonly Described[]): Promise<Completed<T>> {
    for (let looks = 1; ; looks++) {
      const found = await look()
      try {
        const infos = await this.#outstanding.bound(this.#options.context.texts.complete(messages(found)))
        return { found, infos }
      } catch (error) {
        if (!(error instanceof CorruptObject) || looks === LOOKS) throw error
      }
    }
  }

  /** The failures of a message that died. */
  failuresOf(death: Death): Promise<readonly Failure[]> {
    return this.#outstanding.bound(this.#options.context.texts.ofDeath(death))
  }

  /** The writer's answer to a command that went through the inbox, once it is there. */
  async answerTo(sender: string, seq: number): Promise<number> {
    for (const waits = this.#waits(); ; ) {
      const answer = await this.view(({ state }) => state.answers.get(numberedId(sender, seq)))
      if (answer !== undefined) return answer.result
      await this.#lookLater(waits())
    }
  }

  /** Enters into `known` what the writer made of enqueues that went through the inbox, until all are decided or `isOver` says so. */
  async outcomesOf(
    commands: readonly EnqueueCommand[],
    known: Map<EnqueueCommand, Answer>,
    isOver: () => boolean,
  ): Promise<void> {
    let open = commands
    for (const waits = this.#waits(); !isOver(); ) {
      open = await this.view(({ state }) =>
        open.filter((command) => {
          const outcome = enqueueOutcome(state, command)
          if (typeof outcome === 'object') known.set(command, outcome)
          return outcome === 'undecided'
        }),
      )
      if (open.length === 0) return
      await this.#lookLater(waits())
    }
  }

  /** Waits between reads that await the writer's reaction, in ms: each is twice the one before. */
  #waits(): () => number {
    const { clock } = this.#options.context.options
    const startedAt = clock.monotonic()
    let waitMs = 25
    return () => {
      const mostMs = clock.monotonic() - startedAt < AWAITED_MS ? AWAITED_POLL_MS : 2000
      waitMs = Math.min(mostMs, waitMs * 2)
      return waitMs
    }
  }

  /** How the wait for a message ends: when the commit that ends it is durable or read, and otherwise with a poll after `waitMs` where another process writes. */
  async ending(expected: Expectation, waitMs: number, signal: AbortSignal | undefined): Promise<Ending> {
    if (this.#election.isLeading) return expected.known(signal)
    const either = signal === undefined ? expected.met : AbortSignal.any([signal, expected.met])
    await this.#sleep(waitMs, either).catch((error: unknown) => {
      if (expected.ending === undefined) throw error
    })
    return expected.ending ?? { kind: 'look' }
  }

  /** Resolves when `done` says so, the signal is aborted, or it is time to look again: `waitMs` later, or once this process does not write any more. */
  async whenDone(done: () => boolean, waitMs: number, signal: AbortSignal): Promise<void> {
    const { changes, isLeading } = this.#election
    if (!isLeading) return this.#sleep(waitMs, signal).catch(() => {})
    while (this.#election.isLeading && !done() && !signal.aborted) await changes.next(signal)
  }

  /** Gives the writer time to take something out of the inbox. Nobody may be there to do that. */
  async #lookLater(waitMs: number): Promise<void> {
    this.#election.lookSoon()
    await this.#sleep(waitMs)
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { context, signal: end } = this.#options
    return sleep(context.options.clock, ms, signal === undefined ? end : AbortSignal.any([signal, end]))
  }

  #exists(): Promise<boolean> {
    return this.#options.existence.check(this.#options.signal)
  }

  /** What is seen of a queue that does not exist. */
  #nothing(): QueueView {
    return { state: queueFold.start(undefined), now: this.#options.context.wallNow(), inbox: [] }
  }

  #assertOpen(): void {
    if (this.#options.isClosing()) throw new QueueClosed(this.#options.context.options.name)
  }
}
