/** Which shard a message goes to: by its key, by its name, or to one after the other. */
import type { Enqueued, EnqueueOptions } from '@s3queue/core'
import { InvalidOption, type Random } from '@s3queue/storage'
import { shardOfName } from './placement.ts'
import type { ShardCount } from './record.ts'
import type { Shards } from './shards.ts'
import { allTogether } from './together.ts'

/**
 * As in the core, and a key. `id` and `deduplicationKey` each give the message its shard, so in a queue that began with several shards only one of them can
 * be given.
 */
export interface CoordinatedEnqueueOptions extends EnqueueOptions {
  /**
   * Messages with the same key go to the same shard, for as long as the number of shards stays as it is: 1 to 200 characters. Default: to one shard after
   * the other. Not together with `id` or `deduplicationKey`, which have a shard of their own.
   */
  readonly shardKey?: string | undefined
}

/** Options for all messages of a call, or what makes them for each. */
export type EnqueueManyOptions<T> =
  | CoordinatedEnqueueOptions
  | ((payload: T, index: number) => CoordinatedEnqueueOptions)

/** Messages of one call for one shard. */
interface Part<T> {
  readonly payloads: T[]
  readonly options: EnqueueOptions[]
  /** Where each stands in the call. */
  readonly places: number[]
}

export class Router<T> {
  readonly #shards: Shards<T>
  readonly #random: Random
  /** Whose turn it is. Processes begin at different shards. */
  #next: number | undefined

  constructor(shards: Shards<T>, random: Random) {
    this.#shards = shards
    this.#random = random
  }

  async enqueue(payload: T, given: CoordinatedEnqueueOptions | undefined): Promise<Enqueued> {
    const count = this.#shards.known ?? (await this.#shards.count())
    this.#shards.lookSometimes()
    const shard = this.#shards.open[this.#shardFor(given, count)] ?? this.#shards.first
    return shard.queue.enqueue(payload, withoutKey(given))
  }

  /**
   * A commit for each shard that gets any. Everything is checked before anything is sent. If a commit fails after that and another one does not, the call
   * rejects with `NotAcknowledged`.
   */
  async enqueueMany(payloads: readonly T[], given: EnqueueManyOptions<T> | undefined): Promise<Enqueued[]> {
    const count = this.#shards.known ?? (await this.#shards.count())
    this.#shards.lookSometimes()
    if (count.count === 1 || !Array.isArray(payloads)) {
      const checked = (options: CoordinatedEnqueueOptions | undefined): EnqueueOptions => {
        homeFor(options, count)
        return options === undefined ? {} : withoutKey(options)
      }
      const options =
        typeof given === 'function' ? (payload: T, i: number) => checked(given(payload, i)) : checked(given)
      return this.#shards.first.queue.enqueueMany(payloads, options)
    }
    const parts = this.#divide(payloads, given, count)
    const sends = await Promise.all(
      Array.from(parts, async ([index, { payloads: some, options, places }]) => {
        const { queue } = this.#shards.open[index] ?? this.#shards.first
        const settings =
          typeof given === 'function' ? (_: T, i: number) => options[i] as EnqueueOptions : withoutKey(given)
        return { places, send: await queue.prepareMany(some, settings, (i) => places[i] ?? i) }
      }),
    )
    const enqueued: Enqueued[] = []
    const answers = await allTogether(sends.map(({ send }) => send()))
    for (const [i, answer] of answers.entries())
      for (const [j, one] of answer.entries()) enqueued[sends[i]?.places[j] ?? 0] = one
    return enqueued
  }

  /** The home of a message that was given an id. */
  static homeOf(id: string, { firstCount }: ShardCount): number {
    return shardOfName(id, firstCount)
  }

  #divide(payloads: readonly T[], given: EnqueueManyOptions<T> | undefined, count: ShardCount): Map<number, Part<T>> {
    const options =
      typeof given === 'function' ? payloads.map((payload, i) => given(payload, i)) : payloads.map(() => given)
    const homes = options.map((one) => homeFor(one, count))
    const free = homes.filter((home) => home === undefined).length
    const first = free > 0 ? this.#turn(count.count) : 0
    const parts = new Map<number, Part<T>>()
    let placed = 0
    for (const [i, payload] of payloads.entries()) {
      // Those without a home in as many runs as there are shards: neighbours stay together, and a run is cheap.
      const index = homes[i] ?? (first + Math.floor((placed++ * count.count) / free)) % count.count
      const part = parts.get(index) ?? { payloads: [], options: [], places: [] }
      parts.set(index, part)
      part.payloads.push(payload)
      const own = options[i]
      part.options.push(own === undefined ? {} : withoutKey(own))
      part.places.push(i)
    }
    return parts
  }

  #shardFor(options: CoordinatedEnqueueOptions | undefined, count: ShardCount): number {
    return homeFor(options, count) ?? (count.count === 1 ? 0 : this.#turn(count.count))
  }

  #turn(count: number): number {
    const turn = this.#next ?? Math.floor(this.#random.next() * count)
    this.#next = (turn + 1) % count
    return turn % count
  }
}

/** Where a message has to go; undefined if it may go anywhere. Throws `InvalidOption`. */
function homeFor(
  options: CoordinatedEnqueueOptions | undefined,
  { count, firstCount }: ShardCount,
): number | undefined {
  if (typeof options !== 'object' || options === null) return undefined
  const { shardKey, id, deduplicationKey } = options
  if (shardKey !== undefined) {
    if (typeof shardKey !== 'string' || shardKey.length === 0 || shardKey.length > 200)
      throw new InvalidOption('enqueue', 'shardKey', 'must be a string of 1 to 200 characters.')
    const named = id !== undefined ? 'id' : deduplicationKey !== undefined ? 'deduplicationKey' : undefined
    if (named === undefined) return shardOfName(shardKey, count)
    throw new InvalidOption(
      'enqueue',
      'shardKey',
      `cannot be given together with "${named}", by which the message has its shard already. Leave one of them out.`,
    )
  }
  if (id !== undefined && deduplicationKey !== undefined && firstCount > 1) {
    throw new InvalidOption(
      'enqueue',
      'deduplicationKey',
      `cannot be given together with "id" in a queue that began with ${firstCount} shards, as each of the two may have its home in another one. Leave one ` +
        'of them out: with an id alone, a message that is enqueued again is there once as well.',
    )
  }
  const name = id ?? deduplicationKey
  // What is no text is refused by the shard, whichever it is.
  return typeof name === 'string' ? shardOfName(name, firstCount) : undefined
}

function withoutKey(options: CoordinatedEnqueueOptions): EnqueueOptions
function withoutKey(options: CoordinatedEnqueueOptions | undefined): EnqueueOptions | undefined
function withoutKey(options: CoordinatedEnqueueOptions | undefined): EnqueueOptions | undefined {
  if (typeof options !== 'object' || options === null || !('shardKey' in options)) return options
  const { shardKey: _, ...rest } = options
  return rest
}
