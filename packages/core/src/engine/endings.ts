/**
 * Those who wait for a message to end, told by the writer of their process at the commit that ends it: so nobody looks at each commit, and what
 * is forgotten at once was told before.
 */
import { orAborted } from '@s3queue/storage'
import type { Death } from '../state/failures.ts'

/** How the wait for a message ended. `look`: perhaps it has ended, or is gone, so look again. */
export type Ending =
  | { readonly kind: 'completed'; readonly result: unknown }
  | { readonly kind: 'died'; readonly death: Death }
  | { readonly kind: 'look' }

export class Expectation {
  /** Undefined until it is known. */
  ending: Ending | undefined
  readonly #known = Promise.withResolvers<Ending>()

  /** Resolves to the ending, or rejects with the signal's reason. */
  known(signal: AbortSignal | undefined): Promise<Ending> {
    return orAborted(this.#known.promise, signal)
  }

  meet(ending: Ending): void {
    this.ending ??= ending
    this.#known.resolve(this.ending)
  }
}

export class Endings {
  readonly #byId = new Map<string, Set<Expectation>>()

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

  /** Something has happened that may be an end of any message. */
  lookAgain(): void {
    for (const all of this.#byId.values()) for (const expectation of all) expectation.meet({ kind: 'look' })
  }
}
