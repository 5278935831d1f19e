/**
 * How many shards a queue has, written down in the store for all its processes.
 *
 * It only grows. `firstCount` never changes: by it messages with a name of their own find their home, so that whoever enqueues the
 * same name again finds the first one there, whatever the number of shards is for whoever.
 */
import { CasObject, type CasVersion, CorruptObject, isCount, isFields, persistently } from '@s3queue/primitives'
import { type Clock, type Ids, InvalidOption, type ObjectStore, type Random } from '@s3queue/storage'

export interface ShardCount {
  /** How many shards there are. */
  readonly count: number
  /** How many there were at first: messages with an id or a deduplication key are spread over these. */
  readonly firstCount: number
  /** How many somebody is about to raise it to: whoever pauses or resumes the queue does so with those shards as well. */
  readonly coming?: number | undefined
}

export interface ShardRecordOptions {
  readonly name: string
  readonly store: ObjectStore
  /** Where the queue's shards lie, ending in a slash. */
  readonly queuePrefix: string
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  readonly onTrouble: (error: unknown) => void
}

/** More shards no queue can have. */
export const MAX_SHARDS = 64
const MAX_BYTES = 16 << 10
const IN_LATER_SHARD = /^[1-9]\d?\//

export class ShardRecord {
  readonly #options: ShardRecordOptions
  readonly #object: CasObject<ShardCount>
  #seen: CasVersion<ShardCount> | undefined

  constructor(options: ShardRecordOptions) {
    this.#options = options
    const { store, queuePrefix, clock, random, ids, onTrouble } = options
    const key = `${queuePrefix}shards`
    this.#object = new CasObject({
      ...{ store, key, clock, random, ids, onTrouble },
      ...{ decode: decodeShardCount, maxBytes: MAX_BYTES },
    })
  }

  /**
   * What is written down; undefined if nothing is. Costs a request without a body while that is what was seen last. Throws `CorruptObject` if nothing is
   * written down although there are objects of several shards.
   */
  async look(signal: AbortSignal): Promise<ShardCount | undefined> {
    const version =
      this.#seen === undefined ? await this.#object.read(signal) : await this.#object.readIfChanged(this.#seen, signal)
    if (version !== 'unchanged') this.#seen = version
    if (this.#seen === undefined && (await this.#hasSeveral(signal))) {
      // The first processes of a queue may have written it down since.
      this.#seen = await this.#object.read(signal)
      if (this.#seen === undefined) throw this.#missing()
    }
    return this.#seen?.value
  }

  async #hasSeveral(signal: AbortSignal): Promise<boolean> {
    const { store, queuePrefix } = this.#options
    const behindFirst = { prefix: queuePrefix, startAfter: `${queuePrefix}0/~`, limit: 8, signal }
    const { entries } = await persistently(this.#options, () => store.list(behindFirst), signal)
    return entries.some(({ key }) => IN_LATER_SHARD.test(key.slice(queuePrefix.length)))
  }

  #missing(): CorruptObject {
    const { name, store } = this.#options
    const what = `it is missing, although queue "${name}" has objects of several shards: without it nothing says where messages belong`
    return new CorruptObject(this.#object.key, store.description, what)
  }

  /** Whether the queue was used before anybody wrote down how many shards it has: then all that it has is in its first one. */
  async isInUse(signal: AbortSignal): Promise<boolean> {
    const { store, queuePrefix } = this.#options
    const list = () => store.list({ prefix: `${queuePrefix}0/`, limit: 1, signal })
    const { entries } = await persistently(this.#options, list, signal)
    return entries.length > 0
  }

  /** Writes down how many shards a queue begins with. Resolves to what stands there then, which another may have written first. */
  begin(count: number, signal: AbortSignal): Promise<ShardCount> {
    return this.#update((now) => now ?? { count, firstCount: count }, signal)
  }

  /** Writes down that there are to be `wanted` shards, of a queue that is in use. Resolves to what stands there then. Throws `InvalidOption` if there are more. */
  announce(wanted: number, signal: AbortSignal): Promise<ShardCount> {
    return this.#update((now = { count: 1, firstCount: 1 }) => {
      this.check(wanted, now)
      const { count, coming = count } = now
      return { ...now, coming: Math.max(coming, wanted) }
    }, signal)
  }

  /** Writes down that there are `wanted` shards. Resolves to what stands there then. Throws `InvalidOption` if there are more. */
  raise(wanted: number, signal: AbortSignal): Promise<ShardCount> {
    return this.#update((now = { count: 1, firstCount: 1 }) => {
      this.check(wanted, now)
      return { ...now, count: wanted }
    }, signal)
  }

  async #update(change: (now: ShardCount | undefined) => ShardCount, signal: AbortSignal): Promise<ShardCount> {
    let then = change(undefined)
    this.#seen = await this.#object.update((now) => {
      then = change(now)
      const isSame = then.count === now?.count && then.coming === now.coming
      return isSame ? undefined : then
    }, signal)
    return this.#seen?.value ?? then
  }

  /** Throws `InvalidOption` if there are more shards than somebody wants. */
  check(wanted: number, { count }: ShardCount): void {
    if (wanted >= count) return
    throw new InvalidOption(
      'createCoordinatedQueue',
      'shards',
      `must be at least ${count}, not ${wanted}: queue "${this.#options.name}" has ${count} shards, with messages in any of them, and their number ` +
        `can only be raised. Open it with ${count}.`,
    )
  }
}

/** A number of shards as any process may have written it; undefined if it is not one. */
function decodeShardCount(value: unknown): ShardCount | undefined {
  if (!isFields(value)) return undefined
  const { count, firstCount, coming } = value
  const isNumber = (number: unknown): number is number => isCount(number) && number >= 1 && number <= MAX_SHARDS
  if (!isNumber(count) || !isNumber(firstCount) || firstCount > count) return undefined
  if (coming === undefined) return { count, firstCount }
  return isNumber(coming) ? { count, firstCount, coming } : undefined
}
