/**
 * The shards of a queue that this process knows of. Their number is a record in the store, read at the first use.
 *
 * Owns the open shards. The first is there from the beginning, whatever the number is, so that options are checked at once; none of them makes a
 * request before it is used.
 */
import { NotAcknowledged, QueueClosed } from '@s3queue/core'
import type { ShardQueue } from '@s3queue/core/shard'
import type { Clock } from '@s3queue/storage'
import type { MailboxTransport } from '../transport.ts'
import type { ShardCount, ShardRecord } from './record.ts'

/** One log of the queue. */
export interface Shard<T> {
  readonly index: number
  /** Where its objects lie, ending in a slash. */
  readonly prefix: string
  readonly queue: ShardQueue<T>
  readonly transport: MailboxTransport
}

export interface ShardsOptions<T> {
  readonly name: string
  /** How many shards there are to be at least; undefined: one, and no record says so. */
  readonly wanted: number | undefined
  readonly record: ShardRecord
  readonly open: (index: number) => Shard<T>
  readonly clock: Clock
  /** How long a call waits for the record, in ms. */
  readonly acknowledgeTimeoutMs: number
}

export class Shards<T> {
  readonly #options: ShardsOptions<T>
  readonly #all: Shard<T>[]
  readonly #abort = new AbortController()
  readonly #onAdded = new Set<(shard: Shard<T>) => void>()
  #known: ShardCount | undefined
  #opening: Promise<ShardCount> | undefined

  /** Throws `InvalidOption` for options that are none. */
  constructor(options: ShardsOptions<T>) {
    this.#options = options
    this.#all = [options.open(0)]
    if (options.wanted === undefined) this.#known = { count: 1, firstCount: 1 }
  }

  /** Aborted when the queue is closed. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get first(): Shard<T> {
    return this.#all[0] as Shard<T>
  }

  /** Those that are open, in the order of their numbers. */
  get open(): readonly Shard<T>[] {
    return this.#all
  }

  /** What is known of their number; undefined before the first use. */
  get known(): ShardCount | undefined {
    return this.#known
  }

  /** Calls `listener` for each shard that is open, and for each that is opened later; the function that is returned ends it. */
  each(listener: (shard: Shard<T>) => void): () => void {
    for (const shard of this.#all) listener(shard)
    this.#onAdded.add(listener)
    return () => this.#onAdded.delete(listener)
  }

  /**
   * How many there are; what is known may be old. Rejects with `InvalidOption` if there are more than the user wants, with `NotAcknowledged` if the
   * store does not answer in time.
   */
  async count(): Promise<ShardCount> {
    if (this.#known !== undefined) return this.#known
    this.#opening ??= this.#read().finally(() => {
      this.#opening = undefined
    })
    return this.#inTime(this.#opening)
  }

  /** The shard that `index` says, if there is one. */
  async at(index: number): Promise<Shard<T> | undefined> {
    await this.count()
    return this.#all[index]
  }

  /** All of them. */
  async all(): Promise<readonly Shard<T>[]> {
    await this.count()
    return this.#all
  }

  /** Nothing waits for the record any more. */
  close(): void {
    this.#abort.abort(new QueueClosed(this.#options.name))
  }

  async #read(): Promise<ShardCount> {
    const { record, wanted } = this.#options
    return this.#take(await record.open(wanted ?? 1, this.#abort.signal))
  }

  #take(known: ShardCount): ShardCount {
    this.#known = known
    while (this.#all.length < known.count) {
      const shard = this.#options.open(this.#all.length)
      this.#all.push(shard)
      for (const tell of this.#onAdded) tell(shard)
    }
    return known
  }

  async #inTime<R>(promise: Promise<R>): Promise<R> {
    const { clock, acknowledgeTimeoutMs, name } = this.#options
    const { promise: late, reject } = Promise.withResolvers<never>()
    const cancel = clock.setTimer(acknowledgeTimeoutMs, () =>
      reject(
        new NotAcknowledged(
          `The store did not say within ${acknowledgeTimeoutMs} ms how many shards queue "${name}" has. Nothing was sent; try again.`,
        ),
      ),
    )
    try {
      return await Promise.race([promise, late])
    } finally {
      cancel()
    }
  }
}
