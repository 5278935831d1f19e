/**
 * The calls of `waitFor` of one process, and how the messages ended that they wait for.
 *
 * In the writer's process the commit that ends a message reports it. In other processes the fold of the log does, as it passes that commit: so a message is not
 * missed that the retention forgets between two polls. Owns the latest ends of messages that this process enqueued, as its calls may come one after the other.
 */
import { orAborted } from '@s3queue/storage'
import type { QueueEvent } from '../state/events.ts'
import { charsOf, type Death, deathOf } from '../state/failures.ts'
import { type Claim, messageId, type QueueState } from '../state/model.ts'

/** How the wait for a message ended. `look`: perhaps it has ended, or is gone, so look again. */
export type Ending =
  | { readonly kind: 'completed'; readonly result: unknown }
  | { readonly kind: 'died'; readonly death: Death }
  | { readonly kind: 'look' }

export class Expectation {
  /** Undefined until it is known. */
  ending: Ending | undefined
  readonly #known = Promise.withResolvers<Ending>()
  #met: AbortController | undefined

  /** Resolves to the ending, or rejects with the signal's reason. */
  known(signal: AbortSignal | undefined): Promise<Ending> {
    return orAborted(this.#known.promise, signal)
  }

  /** Aborted once the ending is known: ends a wait for the next poll. */
  get met(): AbortSignal {
    this.#met ??= new AbortController()
    if (this.ending !== undefined) this.#met.abort()
    return this.#met.signal
  }

  meet(ending: Ending): void {
    this.ending ??= ending
    this.#known.resolve(this.ending)
    this.#met?.abort()
  }
}

/** Ends that are remembered of messages that this process enqueued, and characters of their results: as much as a process waits for at a time. */
const MOST_REMEMBERED = 10_000
const MOST_CHARS = 4 << 20

interface Remembered {
  readonly ending: Ending
  readonly chars: number
}

export class Endings {
  readonly #byId = new Map<string, Set<Expectation>>()
  readonly #sender: string
  /** By id, latest last. */
  readonly #remembered = new Map<string, Remembered>()
  #chars = 0

  /** `sender`: under whose name this process enqueues. */
  constructor(sender: string) {
    this.#sender = sender
  }

  /** Whether nobody waits. */
  get isEmpty(): boolean {
    return this.#byId.size === 0
  }

  /** What ends the message `id` from now on. To be given up when nobody waits for it any more. */
  expect(id: string): Expectation {
    const expectation = new Expectation()
    const others = this.#byId.get(id)
    if (others === undefined) this.#byId.set(id, new Set([expectation]))
    else others.add(expectation)
    return expectation
  }

  giveUp(id: string, expectation: Expectation): void {
    const all = this.#byId.get(id)
    if (all?.delete(expectation) && all.size === 0) this.#byId.delete(id)
  }

  /** The message has ended, in the log. `made`: how, if it has; asked only where somebody waits for it. */
  tell(id: string, made: () => Ending | undefined): void {
    const all = this.#byId.get(id)
    const ending = all && made()
    if (ending !== undefined) for (const expectation of all ?? []) expectation.meet(ending)
  }

  /** How the message ended, as the log says; undefined if this process has not read it, or not lately. */
  known(id: string): Ending | undefined {
    return this.#remembered.get(id)?.ending
  }

  /** Reads in the log how messages ended. `state`: before the event. */
  readonly read = (state: QueueState, event: QueueEvent): void => {
    if (event.type === 'enqueued') {
      // From here on the id belongs to another message.
      if (event.extras?.id !== undefined) this.#forget(event.extras.id)
    } else if (event.type === 'completed') {
      const results = new Map(event.results)
      for (const token of event.tokens) {
        const id = this.#wanted(state.active.get(token))
        if (id !== undefined) this.#completed(id, results.get(token))
      }
    } else if (event.type === 'died') {
      const claim = state.active.get(event.token)
      const id = this.#wanted(claim)
      if (claim === undefined || id === undefined) return
      const death = deathOf(claim, state.now, event)
      this.#ended(id, { kind: 'died', death }, charsOf(death.last))
    }
  }

  /** The id of a message whose end matters to this process. */
  #wanted(claim: Claim | undefined): string | undefined {
    if (claim === undefined) return undefined
    const isOwn = claim.batch.sender === this.#sender
    if (!isOwn && this.isEmpty) return undefined
    const id = messageId(claim)
    return isOwn || this.#byId.has(id) ? id : undefined
  }

  #completed(id: string, text: string | undefined): void {
    try {
      this.#ended(id, { kind: 'completed', result: text && JSON.parse(text) }, text?.length ?? 0)
    } catch {
      // The next poll shows it, or says what is wrong.
      this.tell(id, () => ({ kind: 'look' }))
    }
  }

  #ended(id: string, ending: Ending, chars: number): void {
    this.#forget(id)
    this.#remembered.set(id, { ending, chars })
    this.#chars += chars
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= MOST_REMEMBERED && this.#chars <= MOST_CHARS) break
      this.#forget(oldest)
    }
    this.tell(id, () => ending)
  }

  #forget(id: string): void {
    this.#chars -= this.#remembered.get(id)?.chars ?? 0
    this.#remembered.delete(id)
  }

  /** Something has happened that may be an end of any message. */
  lookAgain(): void {
    for (const all of this.#byId.values()) for (const expectation of all) expectation.meet({ kind: 'look' })
  }
}
