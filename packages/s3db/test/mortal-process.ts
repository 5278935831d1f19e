/**
 * A process that dies at a chosen write: of a record or of an object of the queue, just before it or just after it has taken effect. From then on nothing
 * that it asked for is answered, and no timer of it fires.
 */
import { createQueue, type Queue, type QueueOptions } from '@s3queue/core'
import { type Clock, type ObjectStore, systemClock, systemIds } from '@s3queue/storage'
import { Enqueuer, type MessagePayload, Records, type S3dbResource } from '../src/index.ts'

export interface Death {
  /** The number of the write, from 1 on; `Infinity` for a process that lives. */
  readonly at: number
  readonly takesEffect: boolean
}

export class MortalProcess {
  readonly queue: Queue<MessagePayload>
  readonly records: Records
  readonly enqueuer: Enqueuer
  readonly clock: Clock
  /** Resolves when it dies. */
  readonly died: Promise<void>
  readonly #death: Death
  readonly #timers = new Set<() => void>()
  readonly #die: () => void
  #writes = 0
  #isDead = false

  constructor(store: ObjectStore, tasks: S3dbResource, death: Death, options: Partial<QueueOptions> = {}) {
    this.#death = death
    const { promise, resolve } = Promise.withResolvers<void>()
    this.died = promise
    this.#die = () => {
      this.#isDead = true
      for (const cancel of this.#timers) cancel()
      resolve()
    }
    this.clock = { ...systemClock, setTimer: (ms, callback) => this.#setTimer(ms, callback) }
    const common = { name: 'tasks', takeoverAfterMs: 300, maxAttempts: 1, runtime: { clock: this.clock } }
    this.queue = createQueue<MessagePayload>({ ...common, ifMissing: 'empty', store: this.#store(store), ...options })
    this.records = new Records(this.resource(tasks), systemIds)
    this.enqueuer = new Enqueuer({ records: this.records, queue: () => this.queue, clock: this.clock })
  }

  /** How many writes it made, or began. */
  get writes(): number {
    return this.#writes
  }

  /** The resource as this process has it. */
  resource(given: S3dbResource): S3dbResource {
    return {
      name: given.name,
      insert: (data) => this.#write(() => given.insert(data)),
      update: (id, changes) => this.#write(() => given.update(id, changes)),
      delete: (id) => this.#write(() => given.delete(id)),
      deleteMany: (ids) => this.#write(() => given.deleteMany(ids)),
      get: (id) => this.#read(() => given.get(id)),
      list: (options) => this.#read(() => given.list(options)),
      listIds: (options) => this.#read(() => given.listIds(options)),
      count: () => this.#read(() => given.count()),
    }
  }

  #store(store: ObjectStore): ObjectStore {
    return {
      description: store.description,
      put: (key, body, options) => this.#write(() => store.put(key, body, options)),
      delete: (keys, options) => this.#write(() => store.delete(keys, options)),
      get: (key, options) => this.#read(() => store.get(key, options)),
      list: (options) => this.#read(() => store.list(options)),
    }
  }

  async #write<T>(apply: () => Promise<T>): Promise<T> {
    if (this.#isDead) return never()
    const { at, takesEffect } = this.#death
    if (++this.#writes !== at) return this.#alive(await apply())
    if (takesEffect) await apply()
    this.#die()
    return never()
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    return this.#isDead ? never() : this.#alive(await read())
  }

  #alive<T>(answer: T): Promise<T> {
    return this.#isDead ? never() : Promise.resolve(answer)
  }

  #setTimer(ms: number, callback: () => void): () => void {
    if (this.#isDead) return () => {}
    const cancel = systemClock.setTimer(ms, () => {
      this.#timers.delete(cancel)
      callback()
    })
    this.#timers.add(cancel)
    return () => {
      this.#timers.delete(cancel)
      cancel()
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => {})
}
