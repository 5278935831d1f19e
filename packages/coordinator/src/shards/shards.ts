/**
 * The shards of a queue that this process knows of. Their number is a record in the store, read at the first use; without it there is one.
 *
 * Owns the open shards. The first is there from the beginning, whatever the number is, so that options are checked at once; none of them makes a
 * request before it is used.
 */
import { QueueClosed } from '@s3queue/core'
import { isThere, type LastError, queueNotFound, type ResolvedQueueOptions } from '@s3queue/core/shard'
import { inTime, sleep } from '@s3queue/storage'
import { raiseShards } from './raise.ts'
import type { ShardCount, ShardRecord } from './record.ts'
import type { Shard } from './shard.ts'

export interface ShardsOptions<T> {
  /** A call waits for the record for the queue's `acknowledgeTimeoutMs`. */
  readonly settings: ResolvedQueueOptions
  /** How many shards there are to be; undefined: as many as are written down, and nothing is. */
  readonly wanted: number | undefined
  readonly record: ShardRecord
  readonly open: (index: number) => Shard<T>
  /** How often to look whether there are more, in ms, while that matters and their number is written down. */
  readonly lookMs: number
  readonly tell: (error: unknown) => void
  /** Of the requests for the record. */
  readonly lastError: LastError
}

/** A queue of which nobody has said how many shards it has. */
const ONE: ShardCount = { count: 1, firstCount: 1 }
/** While nothing is written down, looks are so many times more seldom: hardly any queue with one log is ever given more. */
const UNRECORDED_FACTOR = 10

export class Shards<T> {
  readonly #options: ShardsOptions<T>
  readonly #all: Shard<T>[]
  /** Shards that are only announced, by their numbers. */
  readonly #coming = new Map<number, Shard<T>>()
  readonly #abort = new AbortController()
  readonly #onAdded = new Set<(shard: Shard<T>) => void>()
  #known: ShardCount | undefined
  #opening: Promise<ShardCount> | undefined
  #looking: Promise<ShardCount> | undefined
  /** Begins when `#looking` has ended. */
  #lookingNext: Promise<ShardCount> | undefined
  #lookedAt = 0
  #isRecorded = false
  /** Whether anything of the queue is in the store. */
  #exists = false

  /** Throws `InvalidOption` for options that are none. */
  constructor(options: ShardsOptions<T>) {
    this.#options = options
    this.#all = [options.open(0)]
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

  /** The same and those that are only announced. */
  get opened(): readonly Shard<T>[] {
    return [...this.#all, ...this.#coming.values()]
  }

  /** What is known of their number; undefined before the first use. */
  get known(): ShardCount | undefined {
    return this.#known
  }

  /** Whether their number is written down: then others may raise it at any time. */
  get isRecorded(): boolean {
    return this.#isRecorded
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
    this.#opening ??= this.#options.settings.contexts.outside
      .run(() => this.#read())
      .finally(() => {
        this.#opening = undefined
      })
    return this.#inTime(this.#opening)
  }

  /** As `count`, for a call that reads: undefined if the queue does not exist, and that is allowed. Rejects with `QueueNotFound` if it is not. */
  async countToRead(): Promise<ShardCount | undefined> {
    return (await this.#isToBeRead()) ? this.count() : undefined
  }

  /** The shard that `index` says, if there is one. */
  async at(index: number): Promise<Shard<T> | undefined> {
    await this.count()
    if (this.#all[index] === undefined) await this.#inTime(this.#lookFromNow())
    return this.#all[index]
  }

  /** All that there are now, or were a while ago as long as nothing is written down. Rejects as `count` does. */
  async all(): Promise<readonly Shard<T>[]> {
    const reads = this.#known === undefined && this.#opening === undefined
    await this.count()
    if (!reads && (this.#isRecorded || this.#dueInMs() <= 0)) await this.#inTime(this.#lookFromNow())
    return this.#all
  }

  /**
   * The shards that a call is to read. A queue that does not exist has one, in which there is nothing, and reading does not create it; unless that is allowed
   * to be, this rejects with `QueueNotFound`.
   */
  async toRead(): Promise<readonly Shard<T>[]> {
    return (await this.#isToBeRead()) ? this.all() : [this.first]
  }

  /** Whether the queue exists, or a call of this process is about to create it. Rejects as `toRead` does. */
  async #isToBeRead(): Promise<boolean> {
    const { settings, tell, lastError } = this.#options
    const onTrouble = (error: unknown): void => {
      lastError.note(error)
      tell(error)
    }
    const isInUse = (): boolean => this.#exists || this.#known !== undefined || this.#opening !== undefined
    if (isInUse()) return true
    const { outside } = settings.contexts
    if (await this.#inTime(outside.run(() => isThere(settings, onTrouble, this.#abort.signal)))) this.#noteExists()
    if (isInUse()) return true
    if (settings.ifMissing === 'reject') throw queueNotFound(settings)
    return false
  }

  /** None of the shards needs to ask the store for itself. */
  #noteExists(): void {
    this.#exists = true
    for (const { queue } of this.opened) queue.assumeExists()
  }

  /** All that there are now, and those that somebody is about to add: for what has to be true of them from their beginning. Rejects as `count` does. */
  async allAndComing(): Promise<readonly Shard<T>[]> {
    await this.count()
    await this.#inTime(this.#lookFromNow())
    const { count, coming = count } = this.#known ?? ONE
    for (let index = this.#all.length; index < coming && !this.#abort.signal.aborted; index++)
      if (!this.#coming.has(index)) this.#coming.set(index, this.#options.open(index))
    return this.opened
  }

  /** Looks whether there are more, if the last look is long ago. */
  lookSometimes(): void {
    if (this.#dueInMs() <= 0) void this.#lookOrTell()
  }

  /** Looks for more now and then, until the signal is aborted or the queue is closed. Never rejects. */
  async watch(signal: AbortSignal): Promise<void> {
    const { settings, lookMs } = this.#options
    const either = AbortSignal.any([signal, this.#abort.signal])
    while (!either.aborted) {
      await sleep(settings.clock, Math.max(this.#dueInMs(), lookMs / 6), either).catch(() => {})
      if (!either.aborted && this.#dueInMs() <= 0) await this.#lookOrTell()
    }
  }

  /** Nothing waits for the record any more. */
  close(): void {
    this.#abort.abort(new QueueClosed(this.#options.settings.name))
  }

  #dueInMs(): number {
    const { settings, lookMs } = this.#options
    // A process that follows a queue before its first message waits for its shards.
    const isMissing = this.#known === undefined
    const everyMs = isMissing ? lookMs / 6 : this.#isRecorded ? lookMs : UNRECORDED_FACTOR * lookMs
    return this.#lookedAt + everyMs - settings.clock.monotonic()
  }

  async #read(): Promise<ShardCount> {
    const { record, wanted } = this.#options
    const found = await record.look(this.#abort.signal)
    if (wanted === undefined || found?.count === wanted) return this.#take(found)
    if (found !== undefined) record.check(wanted, found)
    return this.#raise(wanted, found)
  }

  async #raise(wanted: number, found: ShardCount | undefined): Promise<ShardCount> {
    const { record, settings, tell: onTrouble } = this.#options
    const { first } = this
    const { signal } = this.#abort
    return this.#take(await raiseShards({ record, found, wanted, first, settings, onTrouble, signal }))
  }

  #look(): Promise<ShardCount> {
    this.#looking ??= this.#options.settings.contexts.outside
      .run(() => this.#lookOrRaise())
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }

  /** While the queue was paused it did not get the shards that are wanted. */
  async #lookOrRaise(): Promise<ShardCount> {
    const { record, wanted = 1 } = this.#options
    const found = await record.look(this.#abort.signal)
    return found === undefined || found.count >= wanted ? this.#take(found) : this.#raise(wanted, found)
  }

  /** A look that begins now or later: one that is under way may have been answered before the caller asked. */
  #lookFromNow(): Promise<ShardCount> {
    if (this.#looking === undefined) return this.#look()
    const next = (): Promise<ShardCount> => {
      this.#lookingNext = undefined
      return this.#look()
    }
    this.#lookingNext ??= this.#looking.then(next, next)
    return this.#lookingNext
  }

  /** Never rejects. */
  async #lookOrTell(): Promise<void> {
    try {
      // Of a queue that does not exist there is nothing to look at, and looking must not create it.
      if (this.#known !== undefined) await this.#look()
      else if (await this.#isToBeRead()) await this.count()
      else this.#lookedAt = this.#options.settings.clock.monotonic()
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#options.tell(error)
    }
  }

  #take(found: ShardCount | undefined): ShardCount {
    this.#lookedAt = this.#options.settings.clock.monotonic()
    this.#isRecorded ||= found !== undefined
    if (found !== undefined && !this.#exists) this.#noteExists()
    const known = found ?? this.#known ?? ONE
    this.#known = known
    while (this.#all.length < known.count && !this.#abort.signal.aborted) {
      const index = this.#all.length
      const shard = this.#coming.get(index) ?? this.#options.open(index)
      if (this.#exists) shard.queue.assumeExists()
      this.#coming.delete(index)
      this.#all.push(shard)
      for (const tell of this.#onAdded) tell(shard)
    }
    return known
  }

  #inTime<R>(promise: Promise<R>): Promise<R> {
    const { clock, acknowledgeTimeoutMs, name } = this.#options.settings
    const late = `The store did not say within ${acknowledgeTimeoutMs} ms how many shards queue "${name}" has. Nothing was sent; try again.`
    return inTime(clock, acknowledgeTimeoutMs, promise, () =>
      this.#options.lastError.notAcknowledged(late, acknowledgeTimeoutMs),
    )
  }
}
