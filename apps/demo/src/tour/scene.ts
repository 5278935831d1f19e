/** What a scene of the tour is, and what it is given. */
import type { Queue } from '@s3queue/core'
import type { ObjectStore } from '@s3queue/storage'

export interface Scene {
  readonly title: string
  play(stage: Stage): Promise<void>
}

export interface Stage {
  /** The queue of the whole tour. Every scene leaves it empty and without a worker. */
  readonly queue: Queue<unknown>
  /** Where the queue lives. */
  readonly store: ObjectStore
  /** What others saw of the queue so far, to hold its own numbers against. */
  readonly witness: Witness
  /** A line on what is done or seen. */
  say(line: string): void
  /** Whether something is as it ought to be. */
  check(what: string, holds: boolean): void
}

export interface Witness {
  /** Completions that the queue's events told of. */
  readonly completed: number
  /** Requests that the store got from the queue. */
  readonly requests: number
}
