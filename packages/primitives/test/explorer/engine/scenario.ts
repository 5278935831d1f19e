/** What is explored: who takes part, what may go wrong, how far, and what must hold. */
import type { ActorEvent, Script } from './actor.ts'
import type { Contents } from './contents.ts'
import type { Read, Request, Write } from './request.ts'

/** Something that must never happen did. */
export class Violation extends Error {}

export interface Role {
  readonly name: string
  /** How many processes of this role are started in a run, at most 15. */
  readonly count: number
  readonly script: Script
}

export interface Bounds {
  /** Processes alive at one time. When all are, one may crash to make room for those that are still to be started. */
  readonly alive: number
  /** Faults in a run: unknown outcomes, writes sent twice, failed reads. */
  readonly faults: number
  /** Writes under way that nobody waits for any more. */
  readonly inFlight: number
  /** Moments that time may stand at; 0: the scenario has no time, and timers fire at once. */
  readonly moments?: number | undefined
}

export interface Faults {
  /** A write that was answered `stored` is answered `precondition-failed`, as when a transport sent it twice. */
  readonly doubleSend?: boolean | undefined
  /** Reads, lists and deletes may fail. */
  readonly reads?: boolean | undefined
  /** The answer to a write that took place travels on its own, so that time may pass in between. One write at a time for each process. */
  readonly slowAnswers?: boolean | undefined
}

export interface WriteAt {
  readonly write: Write
  /** All objects before the write. */
  readonly before: ReadonlyMap<string, number>
}

/**
 * Watches a run and throws a `Violation`. Its state `M` is part of the state of the world: it must be immutable, and equal states
 * must encode alike.
 */
export interface Monitor<M> {
  readonly start: M
  encode(state: M): string
  /** A write took place. */
  written(state: M, at: WriteAt): M
  /** A process reported something. */
  reported(state: M, event: ActorEvent, process: string): M
}

export interface Scenario<M> {
  readonly roles: readonly Role[]
  readonly bounds: Bounds
  readonly faults: Faults
  /** Needs the contents to look into objects. */
  readonly monitor: (contents: Contents) => Monitor<M>
  /** Requests beyond the bounds: a process that makes one stalls for good. */
  readonly beyond?: ((request: Request) => boolean) | undefined
  /**
   * A write that nobody but its writer can notice until the writer's next request: it is served at once, without faults.
   */
  readonly isHidden?: ((request: Request) => boolean) | undefined
  /** A request that has the same answer, and changes nothing, whenever it is served from now on: it is served at once. */
  readonly isSettled?: ((request: Read | Write, objects: ReadonlyMap<string, number>, state: M) => boolean) | undefined
  /** Objects that no request can reach but those that are in play already. They are left out of the state when none of those does. */
  readonly forgettable?: ((objects: ReadonlyMap<string, number>, contents: Contents) => string[]) | undefined
  /** A write that matters to nothing but who reads its own key. */
  readonly isDetached?: ((write: Write) => boolean) | undefined
  /** A write under way that can never take place any more. */
  readonly isDead?: ((write: Write, objects: ReadonlyMap<string, number>, state: M) => boolean) | undefined
  /**
   * Objects that somebody may delete at this moment or any later one. They are deleted just before somebody asks for them: until
   * then nobody could tell.
   */
  readonly removable?: ((objects: ReadonlyMap<string, number>, state: M) => string[]) | undefined
  /** At most this many processes may trust themselves to be the holder at one moment. Default: any number. */
  readonly holders?: number | undefined
}
