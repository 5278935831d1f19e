/** A producer and some workers on one queue, each as if in a process of its own. The first worker writes. */

export interface FleetOptions {
  readonly workers: number
  readonly takeoverAfterMs: number
  /** Handlers of messages below this number do not end; all others do nothing. */
  readonly stuckBelow: number
}

/** Moments are ms of the fleet's own clock. */
export interface Fleet {
  /** Enqueues messages, numbered from `first` on, in the process without a worker. */
  enqueue(first: number, count: number): Promise<void>
  /** When the handler of that message began. */
  started(n: number): Promise<number>
  /** Kills or closes the process that writes. Resolves to when it was gone. */
  endWriter(how: 'killed' | 'closed'): Promise<number>
  /** When the next process became the writer. */
  nextWriter(): Promise<number>
  pass(ms: number): Promise<void>
  /** Lets time pass until `work` is done: without it, virtual time stands still. */
  run<T>(work: Promise<T>): Promise<T>
  end(): Promise<void>
}

/** Moments by name, each of which somebody may wait for. */
export class Moments<K> {
  readonly #known = new Map<K, PromiseWithResolvers<number>>()

  note(key: K, at: number): void {
    this.#of(key).resolve(at)
  }

  /** Forgets a moment, to wait for the next of that name. */
  next(key: K): Promise<number> {
    this.#known.delete(key)
    return this.when(key)
  }

  when(key: K): Promise<number> {
    return this.#of(key).promise
  }

  #of(key: K): PromiseWithResolvers<number> {
    let moment = this.#known.get(key)
    if (moment === undefined) {
      moment = Promise.withResolvers<number>()
      this.#known.set(key, moment)
    }
    return moment
  }
}
