/** All logs of the queue under test: one, unless a world is about several. A log is known from its first object on. */
import type { ModelMessage } from '../truth/model-message.ts'
import { Shard } from './shard.ts'

export class Shards implements Iterable<Shard> {
  readonly #all: Shard[] = [new Shard(0)]

  get size(): number {
    return this.#all.length
  }

  get first(): Shard {
    return this.#all[0] as Shard
  }

  [Symbol.iterator](): Iterator<Shard> {
    return this.#all[Symbol.iterator]()
  }

  at(index: number): Shard {
    while (this.#all.length <= index) this.#all.push(new Shard(this.#all.length))
    return this.#all[index] as Shard
  }

  /** The one that has a message, now or once; else one that does not know it either. */
  holding(id: string): Shard {
    return this.#all.find(({ history }) => history.model.messages.has(id)) ?? this.first
  }

  /** Of all shards, in the order in which each got them. */
  messages(): ModelMessage[] {
    return this.#all.flatMap(({ history }) => [...history.model.messages.values()])
  }

  /** Messages that wait for somebody, now or later. */
  get waiting(): number {
    return this.#sum(({ history: { model } }) => model.waiting + model.delayed)
  }

  get active(): number {
    return this.#sum(({ history }) => history.model.counts.active)
  }

  /** Objects in the inboxes. */
  get unread(): number {
    return this.#sum(({ inbox }) => inbox.present.size)
  }

  get isPaused(): boolean {
    return this.#all.some(({ history }) => history.model.isPaused)
  }

  #sum(of: (shard: Shard) => number): number {
    return this.#all.reduce((sum, shard) => sum + of(shard), 0)
  }
}
